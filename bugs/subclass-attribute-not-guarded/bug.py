"""A class attribute set on a subclass later is not seen.

torch.compile, backend eager: the second call multiplies by 2, not by 5: that 'Derived' has no 'k' of its own is not guarded.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


class Base:
    k = 2


class Derived(Base):
    pass


thing = Derived()


def program(x):
    return x * thing.k


def between(call):
    if call:
        Derived.k = 5
    elif "k" in vars(Derived):
        del Derived.k


def observe(function):
    seen = []
    for call in range(2):
        between(call)
        result = function(torch.ones(3))
        seen.append(repr(result[1:] if isinstance(result, tuple) else result))
    return seen


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(torch.compile(program, backend="eager"))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: A class attribute set on a subclass later is not seen")
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
