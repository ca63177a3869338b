"""The gradient is wrong where an output overlaps itself: unfold with windows that overlap.

Found with torch 2.13.0+cpu. Options: defaults.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x):
    a = x * 2
    b = a.unfold(0, 2, 1)
    return b


def inputs(call=0):
    x = torch.tensor([1.0, 1.0, 1.0], dtype=torch.float32).requires_grad_()
    return (x,)


def compile_program(program):
    return torch.compile(program, backend="aot_eager")


def observe(function):
    (x,) = inputs()
    function(x).backward(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    return x.grad


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(compile_program(program))
    try:
        torch.testing.assert_close(actual, expected, rtol=0, atol=0, equal_nan=True)
    except AssertionError as difference:
        print(difference)
        print("expected", expected)
        print("actual", actual)
        print("BUG: wrong gradient of x: eager [2, 10, 8], compiled [2, 12, 8]")
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
