"""One list passed twice is taken for two lists.

torch.compile, backend eager: called with two lists first, and then with one list twice: 'p is q' stays False, and 'len(q)' does not count what was appended to 'p'.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x, p, q):
    p.append(5)
    return x + 1, p is q, len(q)


def inputs(call):
    one, other = [1], [1]
    return torch.ones(3), one, one if call else other


def observe(function):
    seen = []
    for call in range(2):
        result = function(*inputs(call))
        seen.append(repr(result[1:] if isinstance(result, tuple) else result))
    return seen


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(torch.compile(program, backend="eager"))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: One list passed twice is taken for two lists")
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
