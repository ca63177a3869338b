"""What a mode gives to `as` is None.

torch.compile, backend eager: `with Mode() as mode` and `with torch.autocast(...) as cast` bind None.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


class Mode(torch.overrides.TorchFunctionMode):
    def __torch_function__(self, function, types, args=(), kwargs=None):
        return function(*args, **(kwargs or {}))


def program(x):
    with Mode() as mode:
        y = x + 1
    with torch.autocast("cpu") as cast:
        y = y + 1
    return y, type(mode), type(cast)



def observe(function):
    torch._dynamo.reset()
    return [kind.__name__ for kind in function(torch.ones(2))[1:]]


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(torch.compile(program, backend="eager"))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: What a mode gives to `as` is None")
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
