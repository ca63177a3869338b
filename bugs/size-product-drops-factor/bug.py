"""A product of three symbolic sizes is put into the graph as a product of two, and an in-place write goes to other elements.

Found with torch 2.13.0+cpu. Options: dynamic=True.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x, y):
    x.add_(1)
    return y


def inputs():
    base = torch.zeros(120)
    return base.view(2, 3, 4, 5), base


def compile_program(program):
    return torch.compile(program, backend="aot_eager", dynamic=True)


def observe(function):
    with torch.no_grad():
        result = function(*inputs())
    return {"elements that were written": int((result == 1).sum())}


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(compile_program(program))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: add_ wrote a part of its argument only")
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
