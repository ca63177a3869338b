"""Two calls of an operator with several results are made one, and their results, both returned, share their memory.

Found with torch 2.13.0+cpu. Options: defaults.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x, y):
    first, _ = torch.sort(y)
    second, _ = torch.sort(y)
    return first, second, x * 2


def inputs():
    return torch.ones(1, requires_grad=True), torch.tensor([3.0, 1.0, 2.0])


def compile_program(program):
    return torch.compile(program, backend="aot_eager")


def observe(function):
    first, second, _ = function(*inputs())
    first.add_(10)
    return second.tolist()


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(compile_program(program))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: a write to the first output changes the second")
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
