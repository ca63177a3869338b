"""The result of one_hot has the order of dimensions of its argument; in eager mode it is contiguous.

Found with torch 2.13.0+cpu. Options: defaults.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x):
    return torch.nn.functional.one_hot(x, num_classes=5)


def inputs():
    return (torch.tensor([[0, 1], [2, 3], [4, 0]]).t(),)


def compile_program(program):
    return torch.compile(program, backend="aot_eager")


def observe(function):
    return function(*inputs()).stride()


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(compile_program(program))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: the result of one_hot has other strides than in eager mode")
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
