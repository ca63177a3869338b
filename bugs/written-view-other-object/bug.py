"""A written argument that is a view of another argument comes back as another tensor object.

Found with torch 2.13.0+cpu. Options: defaults.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x, y):
    a = y.mul_(2)
    b = x + 1
    return a, b


def inputs(call=0):
    x = torch.tensor([1.0, 2.0, 3.0, 4.0])
    y = x[:2]
    return x, y


def compile_program(program):
    return torch.compile(program, backend="aot_eager")


def observe(function):
    arguments = inputs()
    torch.manual_seed(0)
    with torch.no_grad():
        result = function(*arguments)
    return result[0] is arguments[1]


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(compile_program(program))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: wrong alias of output 0: is the object argument 1 in eager, another on the target")
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
