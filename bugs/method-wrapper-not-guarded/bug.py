"""A method-wrapper that is an argument is not guarded.

torch.compile, backend eager: the second call gives the shape where the dtype was asked for.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(getter, x):
    return x + 1, getter(x)


def observe(function):
    x = torch.ones(2, 3)
    return [repr(function(getter, x)[1]) for getter in (torch.Tensor.shape.__get__, torch.Tensor.dtype.__get__)]


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(torch.compile(program, backend="eager"))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: A method-wrapper that is an argument is not guarded")
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
