"""Dynamo traces the forward of a torch.autograd.Function with grad mode on where none of its arguments requires grad.

Found with torch 2.13.0+cpu. Options: defaults.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


class Applied(torch.autograd.Function):
    """Calls a function, and has a backward of its own: the gradient where the argument is positive."""

    @staticmethod
    def forward(ctx, function, value):
        ctx.save_for_backward(value)
        return function(value)

    @staticmethod
    def backward(ctx, gradient):
        (value,) = ctx.saved_tensors
        return None, gradient * (value > 0)


class Mode(torch.autograd.Function):
    """Tells by its value whether grad mode is on in forward."""

    @staticmethod
    def forward(ctx, value):
        return value * 2 if torch.is_grad_enabled() else value * 3

    @staticmethod
    def backward(ctx, gradient):
        return gradient


def program(x, y):
    def closure(value):
        return value * y

    return Applied.apply(closure, x), Mode.apply(x)


def inputs(call=0):
    x = torch.tensor(1.0, dtype=torch.float64)
    y = torch.tensor(2.0, dtype=torch.float64).requires_grad_()
    return x, y


def compile_program(program):
    return torch.compile(program, backend="eager")


def observe(function):
    x, y = inputs()
    result, mode = function(x, y)
    if result.requires_grad:
        result.backward()
    return {"requires_grad": result.requires_grad, "y.grad": y.grad, "value by grad mode": mode.item()}


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(compile_program(program))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: the result requires grad, and the captured tensor gets a gradient, on the target only")
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
