"""'yield from' loses the value that a generator returns.

torch.compile, backend eager: 'got = yield from inner()' is None in the compiled function; CPython gives what 'inner' returned, 30.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x):
    def inner():
        yield 0
        return 30

    def outer():
        got = yield from inner()
        yield got

    return x + 1, list(outer())


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
        print("BUG: yield from loses the value that a generator returns")
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
