"""'str' of an object shows it as it was when it was traced.

torch.compile, backend eager: 'str' of a dataclass shows the first call's field in every call, 'str' of a Counter shows it empty.
"""

import collections
import dataclasses
import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


@dataclasses.dataclass
class Point:
    level: int


point = Point(1)


def program(x):
    return x + 1, str(point), str(collections.Counter("abca"))


def observe(function):
    seen = []
    for level in (1, 2):
        point.level = level
        seen.append(repr(function(torch.ones(3))[1:]))
    return seen


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(torch.compile(program, backend="eager"))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: 'str' of an object shows it as it was when it was traced")
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
