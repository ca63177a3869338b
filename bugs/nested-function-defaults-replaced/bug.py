"""Defaults given to a nested function later are ignored.

torch.compile, backend eager: 'f.__defaults__ = (7,)' and 'f.__kwdefaults__ = ...' change nothing for the next call of f.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x):
    def f(a, b=2, *, c=3):
        return a, b, c

    f.__defaults__ = (7,)
    f.__kwdefaults__ = {"c": "new"}
    return x + 1, f(1)


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
        print("BUG: Defaults given to a nested function later are ignored")
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
