"""update of a set without arguments gives the set.

torch.compile, backend eager: {1, 2}.update() is None; compiled, it is {1, 2}.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x):
    return x + 1, {1, 2}.update()



def observe(function):
    torch._dynamo.reset()
    return function(torch.ones(2))[1]


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(torch.compile(program, backend="eager"))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: update of a set without arguments gives the set")
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
