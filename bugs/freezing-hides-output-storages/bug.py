"""With freezing, and a convolution in the graph, a copy of an argument is returned as the argument itself, so it shows what is written there after the copy was made.

Found with torch 2.13.0+cpu. Options: config={'inductor.freezing': True}.
"""

import sys

try:
    import torch
    import torch._inductor.config
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x, weight, y):
    before = y.clone()
    y.add_(10)
    return torch.nn.functional.conv2d(x, weight), before


def inputs(call=0):
    return torch.ones(2, 5, 3, 3), torch.ones(4, 5, 1, 2), torch.tensor([0.0, 1.0, 2.0, 3.0])


def compile_program(program):
    torch._inductor.config.freezing = True
    return torch.compile(program, backend="inductor")


def observe(function):
    with torch.no_grad():
        return function(*inputs())[1].tolist()


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(compile_program(program))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: wrong value of output 1: the copy made before the write shows the write")
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
