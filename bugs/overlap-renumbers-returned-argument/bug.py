"""Two arguments that overlap change how a third one, written and returned, is rebuilt: it comes back as other elements.

Found with torch 2.13.0+cpu. Options: defaults.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x, y, z):
    x.add_(1)
    return y + 0, z.add_(1)


def inputs():
    x = torch.zeros(2)
    return x, x.view(2), torch.arange(8.0)[3:5]


def compile_program(program):
    return torch.compile(program, backend="aot_eager")


def observe(function):
    with torch.no_grad():
        copy, returned = function(*inputs())
    return returned.tolist()


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(compile_program(program))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: the result of the in-place operation has other elements of the memory of its argument")
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
