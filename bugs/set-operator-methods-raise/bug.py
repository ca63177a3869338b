"""Operator methods of sets called by name raise where they must decline.

torch.compile, backend eager: {1, 2}.__sub__((1,)) raises TypeError, {1, 2}.__sub__({1: 0}.keys()) is {2}; both are NotImplemented.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x):
    seen = []
    for decline in (lambda: {1, 2}.__sub__((1,)), lambda: {1, 2}.__sub__({1: 0}.keys()), lambda: {1, 2}.__rand__("ab")):
        try:
            seen.append(decline())
        except TypeError:
            seen.append("TypeError")
    return x + 1, seen


def observe(function):
    seen = []
    for call in range(2):
        result = function(torch.ones(3))
        seen.append(repr(result[1:]))
    return seen


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(torch.compile(program, backend="eager"))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: Operator methods of sets called by name raise where they must decline")
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
