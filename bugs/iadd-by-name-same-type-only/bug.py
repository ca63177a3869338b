"""'__iadd__' of lists and deques called by name takes its own type alone.

torch.compile, backend eager: list.__iadd__(v, (1, 2)) within 'try' leaves v as it was.
"""

import collections
import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x):
    v = [0]
    try:
        v.__iadd__((1, 2))
    except TypeError:
        pass
    q = collections.deque([3, 1, 2], maxlen=3)
    try:
        q.__iadd__(["b"])
    except TypeError:
        pass
    return x + 1, v, q


def observe(function):
    seen = []
    for call in range(2):
        result = function(torch.ones(3))
        seen.append(repr(result[1:]))
    return seen


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(torch.compile(program, backend="eager"))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: __iadd__ of lists and deques called by name takes its own type alone")
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
