"""The second derivative of a custom autograd function in forward mode is zero.

torch.func.jvp of torch.func.jvp, eager: no error, zeros.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


class Square(torch.autograd.Function):
    @staticmethod
    def forward(x):
        return x * x

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_forward(*inputs)

    @staticmethod
    def jvp(ctx, tangent):
        (x,) = ctx.saved_tensors
        return 2 * x * tangent


def derivative(function):
    return lambda x: torch.func.jvp(function, (x,), (torch.ones_like(x),))[1]


def observe(function):
    x = torch.tensor([1.0, 2.0, 3.0])
    return derivative(function)(x).tolist(), derivative(derivative(function))(x).tolist()


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(lambda x: x * x), observe(Square.apply)
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: The second derivative of a custom autograd function in forward mode is zero")
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
