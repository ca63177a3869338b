"""A graph with overlapping arguments is used again for arguments elsewhere in their memory, and writes where the first ones were.

Found with torch 2.13.0+cpu. Options: defaults.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x, y):
    y.add_(1)
    return x + 0


def compile_program(program):
    return torch.compile(program, backend="aot_eager")


def observe(function):
    bases = []
    for offset in (0, 4):
        base = torch.zeros(8)
        with torch.no_grad():
            function(base[offset : offset + 3], base[offset + 1 : offset + 4])
        bases.append(base.tolist())
    return bases


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(compile_program(program))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: the second call wrote where the arguments of the first one were")
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
