"""A partial of a partial shows only its own arguments.

torch.compile, backend eager: CPython merges: 'second.args' is (1, 2), 'second.keywords' has 'key'; compiled, (2,) and nothing.
"""

import sys
import functools

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x):
    first = functools.partial(max, 1, key=abs)
    second = functools.partial(first, 2)
    return x + 1, second.args, sorted(second.keywords)


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
        print("BUG: A partial of a partial shows only its own arguments")
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
