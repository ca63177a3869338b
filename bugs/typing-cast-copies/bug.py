"""typing.cast gives a copy of a list.

torch.compile, backend eager: what is appended to the result of the cast is not in the list that was cast.
"""

import sys
import typing

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x, items):
    typing.cast(list[int], items).append(2)
    return x + 1


def observe(function):
    items = [1]
    function(torch.ones(3), items)
    return items


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(torch.compile(program, backend="eager"))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: typing.cast gives a copy of a list")
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
