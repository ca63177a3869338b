"""'bytes.__add__' of a str gives NotImplemented instead of raising.

torch.compile, backend eager: 'bytes.__add__' is 'sq_concat', which raises TypeError; compiled, it gives NotImplemented.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x):
    try:
        return x + 1, b"a".__add__("x")
    except TypeError:
        return x + 1, "refused"


def observe(function):
    seen = []
    for call in range(2):
        result = function(torch.ones(3))
        seen.append(repr(result[1:] if isinstance(result, tuple) else result))
    return seen


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected = observe(program)
    try:
        actual = observe(torch.compile(program, backend="eager"))
    except Exception as error:
        actual = f"{type(error).__name__}: {str(error).splitlines()[0]}"
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: bytes.__add__ of a str gives NotImplemented instead of raising")
        return 1
    print("OK")
    return 0


if __name__ == "__main__":
    sys.exit(main())
