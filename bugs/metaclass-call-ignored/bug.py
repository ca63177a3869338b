"""A metaclass that has its own '__call__' is not asked.

torch.compile, backend eager: classes with a metaclass are called as if it were 'type'.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


class Single(type):
    made = {}

    def __call__(cls, *args):
        if cls not in Single.made:
            Single.made[cls] = super().__call__(*args)
        return Single.made[cls]


class Settings(metaclass=Single):
    def __init__(self, level):
        self.level = level


def program(x):
    return x + 1, Settings(1) is Settings(2), Settings(3).level


def observe(function):
    Single.made.clear()
    return repr(function(torch.ones(3))[1:])


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(torch.compile(program, backend="eager"))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: A metaclass that has its own __call__ is not asked")
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
