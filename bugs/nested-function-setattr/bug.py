"""__setattr__ of a nested function is no attribute.

torch.compile, backend eager: AttributeError, where CPython sets the attribute.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x):
    def inner():
        return inner.count

    try:
        inner.__setattr__("count", 3)
        found = inner()
    except AttributeError as error:
        found = str(error)
    return x + 1, found


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    x = torch.ones(2)
    expected, actual = program(x)[1], torch.compile(program, backend="eager")(x)[1]
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: __setattr__ of a nested function is no attribute")
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
