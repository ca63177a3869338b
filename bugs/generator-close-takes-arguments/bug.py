"""generator.close takes any arguments and closes the generator.

torch.compile, backend eager: the handler does not run, and the generator gives nothing any more.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x):
    numbers = (number for number in (1, 2))
    try:
        numbers.close(3)
    except TypeError:
        return x + 1, ["refused", *numbers]
    return x + 1, ["taken", *numbers]


def observe(function):
    return function(torch.ones(3))[1]


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(torch.compile(program, backend="eager"))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: generator.close takes any arguments and closes the generator")
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
