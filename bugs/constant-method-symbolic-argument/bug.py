"""Methods of a str or float with a symbolic argument are internal errors.

torch.compile, backend eager, dynamic=True: 'ab'.ljust(x.shape[0]) ends with AttributeError: 'str' object has no attribute 'node'.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x):
    return x + 1, "ab".ljust(x.shape[0])


def observe(function):
    return [repr(function(torch.ones(3))) for call in range(2)]


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    observe(program)
    try:
        observe(torch.compile(program, backend="eager", dynamic=True))
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        if not text.startswith("InternalTorchDynamoError") or "'str' object has no attribute 'node'" not in " ".join(text.split()):
            raise
        print(text[:1000])
        print("BUG: Methods of a str or float with a symbolic argument are internal errors")
        return 1
    print("OK")
    return 0


if __name__ == "__main__":
    try:
        status = main()
    except Exception as error:
        print("CANNOT RUN:", type(error).__name__, *str(error).splitlines()[:1])
        status = 2
    sys.exit(status)
