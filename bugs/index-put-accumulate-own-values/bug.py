"""resize.interpolate, scatter.index_put_accumulate on inductor: wrong value of output: 1 of 2 elements differ (float32[2, 1, 1], exact arithmetic); largest difference 1 at [1, 0, 0]: eager 3, target 4

Found with torch 2.13.0+cpu. Options: defaults.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x, y):
    a = torch.nn.functional.interpolate(x, size=1)
    b = torch.index_put(a, (y,), a, accumulate=True)
    return b


def inputs(call=0):
    x = torch.tensor([[[1.0]], [[1.0]]], dtype=torch.float32)
    y = torch.tensor([1, 1], dtype=torch.int64)
    return x, y


def compile_program(program):
    return torch.compile(program, backend="inductor")


def observe(function):
    arguments = inputs()
    torch.manual_seed(0)
    with torch.no_grad():
        result = function(*arguments)
    return result


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(compile_program(program))
    try:
        torch.testing.assert_close(actual, expected, rtol=0, atol=0, equal_nan=True)
    except AssertionError as difference:
        print(difference)
        print("expected", expected)
        print("actual", actual)
        print(
            "BUG: wrong value of output: 1 of 2 elements differ (float32[2, 1, 1], exact arithmetic); largest difference 1 at [1, 0, 0]: eager 3, target 4"
        )
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
