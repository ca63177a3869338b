"""An in-place operation on a float64 tensor of no dimensions, whose result is not used, is dropped from the compiled program.

Found with torch 2.13.0+cpu. Options: defaults.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x):
    x.add_(1)


def inputs(call=0):
    x = torch.tensor(1.0, dtype=torch.float64)
    return (x,)


def compile_program(program):
    return torch.compile(program, backend="aot_eager")


def observe(function):
    arguments = inputs()
    with torch.no_grad():
        function(*arguments)
    return arguments[0]


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(compile_program(program))
    try:
        torch.testing.assert_close(actual, expected, rtol=0, atol=0, equal_nan=True)
    except AssertionError as difference:
        print(difference)
        print("expected", expected)
        print("actual", actual)
        print("BUG: x.add_(1) of a float64 tensor of no dimensions is dropped: x stays 1, where eager mode makes it 2")
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
