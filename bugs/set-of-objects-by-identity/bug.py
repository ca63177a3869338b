"""A set tells objects apart that are equal.

torch.compile, backend eager: '__eq__' of user-defined objects is not asked: the set has 3 members, not 2.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


class Value:
    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return self.value == other.value

    def __hash__(self):
        return 1


def program(x):
    return x + 1, len({Value(3), Value(3), Value(1)})


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
        print("BUG: A set tells objects apart that are equal")
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
