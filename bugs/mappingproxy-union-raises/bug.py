"""The union of a dict and a mapping proxy raises TypeError.

torch.compile, backend eager: within try, the handler runs though nothing is wrong.
"""

import sys
import types

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x):
    try:
        return x + 1, {"a": 1} | types.MappingProxyType({"b": 2})
    except TypeError as error:
        return x + 1, type(error).__name__


def observe(function):
    return function(torch.ones(3))[1]


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(torch.compile(program, backend="eager"))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: The union of a dict and a mapping proxy raises TypeError")
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
