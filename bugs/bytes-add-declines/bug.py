"""'bytes.__add__' gives NotImplemented.

torch.compile, backend eager: of a str it raises TypeError, of bytes it concatenates; compiled, it gives NotImplemented.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x):
    try:
        return x + 1, b"a".__add__(b"x"), b"a".__add__("x")
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
    expected, actual = observe(program), observe(torch.compile(program, backend="eager"))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: bytes.__add__ gives NotImplemented")
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
