"""The result of interpolate in one dimension has the order of dimensions of its argument; in eager mode it is contiguous.

Found with torch 2.13.0+cpu. Options: defaults.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x):
    return torch.nn.functional.interpolate(x, size=4)


def inputs():
    return (torch.arange(8.0).reshape(2, 2, 2).permute(1, 0, 2),)


def compile_program(program):
    return torch.compile(program, backend="aot_eager")


def observe(function):
    with torch.no_grad():
        return function(*inputs()).stride()


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(compile_program(program))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: the result of interpolate has other strides than in eager mode")
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
