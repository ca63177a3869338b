"""Reading '__defaults__' of a nested function is an internal error.

torch.compile, backend eager: AssertionError: push expects VariableTracker, got tuple.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x):
    def f(a, b=2):
        return a, b

    return x + 1, f.__defaults__


def observe(function):
    return [repr(function(torch.ones(3))) for call in range(2)]


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    observe(program)
    try:
        observe(torch.compile(program, backend="eager"))
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        if not text.startswith("AssertionError") or "push expects VariableTracker, got tuple" not in " ".join(text.split()):
            raise
        print(text[:1000])
        print("BUG: Reading __defaults__ of a nested function is an internal error")
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
