"""Backward computes a value anew from an argument that was written after its use, and the gradient is wrong.

Found with torch 2.13.0+cpu. Options: defaults.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x, y):
    a = torch.relu(x)
    b = a * y
    c = x.add_(1)
    return b


def inputs(call=0):
    x = torch.tensor([1.0, 1.0], dtype=torch.float32)
    y = torch.tensor([1.0, 1.0], dtype=torch.float32).requires_grad_()
    return x, y


def compile_program(program):
    return torch.compile(program, backend="aot_eager")


def observe(function):
    x, y = inputs()
    function(x, y).sum().backward()
    return y.grad


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(compile_program(program))
    try:
        torch.testing.assert_close(actual, expected, rtol=0, atol=0, equal_nan=True)
    except AssertionError as difference:
        print(difference)
        print("expected", expected)
        print("actual", actual)
        print("BUG: wrong gradient of y: eager [1, 1], compiled [2, 2]")
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
