"""A view of an argument that was written comes back as other elements, where its bounds are symbolic.

Found with torch 2.13.0+cpu. Options: dynamic=True.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x):
    x.add_(1)
    return x.narrow(0, -1, 1)


def inputs():
    base = torch.arange(8.0)
    return base[3:6], base[0:6:2]


def compile_program(program):
    return torch.compile(program, backend="aot_eager", dynamic=True)


def observe(function):
    with torch.no_grad():
        return {name: function(x).tolist() for name, x in zip(("with an offset", "with gaps"), inputs())}


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(compile_program(program))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: the view that is returned has other elements of the memory of the argument")
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
