"""torch.tensor of tensors with several elements stacks them.

torch.compile, backend eager: torch.tensor([x, x]) raises ValueError in eager mode; compiled it is a tensor.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x):
    try:
        return torch.tensor([x, x]).shape
    except ValueError:
        return "ValueError"



def observe(function):
    torch._dynamo.reset()
    return function(torch.ones(3))


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(torch.compile(program, backend="eager"))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: torch.tensor of tensors with several elements stacks them")
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
