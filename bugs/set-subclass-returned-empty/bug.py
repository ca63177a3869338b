"""A set of a subclass comes back empty.

torch.compile, backend eager: within the program the set holds {1, 2, -5}; what is returned is empty.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


class Negated(set):
    def add(self, value):
        super().add(-value)


def program(x):
    numbers = Negated([1, 2])
    numbers.add(5)
    return x + 1, sorted(numbers), sorted(set.union(set(), numbers)), numbers


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
        print("BUG: A set subclass that overrides add comes back empty")
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
