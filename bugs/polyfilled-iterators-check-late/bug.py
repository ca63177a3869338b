"""itertools.islice refuses a negative index only when it is iterated.

torch.compile, backend eager: the handler around the call does not run.
"""

import itertools
import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x):
    try:
        itertools.islice([1, 2], -1)
    except ValueError:
        return x + 1, "refused"
    return x + 1, "taken"


def observe(function):
    return function(torch.ones(3))[1]


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(torch.compile(program, backend="eager"))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: itertools.islice refuses a negative index only when it is iterated")
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
