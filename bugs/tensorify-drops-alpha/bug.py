"""binary.sub on aot_eager_decomp: wrong value of call 1, output: 1 of 1 elements differ (float32[], exact arithmetic); largest difference 1: eager 1, target 2

Found with torch 2.13.0+cpu. Options: defaults.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(n0, x):
    a = torch.sub(x, n0, alpha=0)
    return a


def inputs(call=0):
    if call == 0:
        x = torch.tensor(1.0, dtype=torch.float32)
        return -0.25, x
    x = torch.tensor(1.0, dtype=torch.float32)
    return -1.0, x


def compile_program(program):
    return torch.compile(program, backend="aot_eager_decomp_partition")


def observe(function):
    for call in range(2):
        arguments = inputs(call)
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
            "BUG: wrong value of call 1, output: 1 of 1 elements differ (float32[], exact arithmetic); largest difference 1: eager 1, target 2"
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
