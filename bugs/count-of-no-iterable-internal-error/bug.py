"""'operator.countOf' of a number is an internal error.

torch.compile, backend eager: the program catches the TypeError; compiled, it ends with InternalTorchDynamoError.
"""

import sys
import operator

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x):
    try:
        return x + 1, operator.countOf(0.5, 1)
    except TypeError:
        return x + 1, "refused"


def observe(function):
    seen = []
    for call in range(2):
        result = function(torch.ones(3))
        seen.append(repr(result[1:] if isinstance(result, tuple) else result))
    return seen


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    observe(program)
    try:
        observe(torch.compile(program, backend="eager"))
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        if not text.startswith("InternalTorchDynamoError") or "is not iterable" not in " ".join(text.split()):
            raise
        print(text[:1000])
        print("BUG: operator.countOf of a number is an internal error")
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
