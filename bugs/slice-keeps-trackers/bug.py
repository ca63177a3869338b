"""A slice that leaves the compiled function holds objects of the compiler.

torch.compile, backend eager: slice(thing, None) is a slice of a UserDefinedObjectVariable.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


class Thing:
    pass


def program(thing, x):
    return x + 1, [slice(thing, None)], str(slice({"a": 1}.keys()))



def observe(function):
    torch._dynamo.reset()
    _, (made,), text = function(Thing(), torch.ones(2))
    return type(made.start).__name__, text


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(torch.compile(program, backend="eager"))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: A slice that leaves the compiled function holds objects of the compiler")
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
