"""The RuntimeError of a StopIteration in a generator has no cause.

torch.compile, backend eager: PEP 479 turns the StopIteration into a RuntimeError whose '__cause__' it is; compiled, the cause is None.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x):
    def generator():
        yield 1
        raise StopIteration("inner")

    try:
        return x + 1, list(generator())
    except RuntimeError as error:
        return x + 1, type(error.__cause__).__name__


def observe(function):
    seen = []
    for call in range(2):
        result = function(torch.ones(3))
        seen.append(repr(result[1:] if isinstance(result, tuple) else result))
    return seen


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(torch.compile(program, backend="eager"))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: The RuntimeError of a StopIteration in a generator has no cause")
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
