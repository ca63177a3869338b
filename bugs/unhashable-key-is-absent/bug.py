"""An unhashable key is taken for one that is not there.

torch.compile, backend eager: {'a': 1}.get([1], 2) is 2, {1}.discard([1]) is None; CPython raises TypeError.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x):
    seen = []
    for lookup in (lambda: {"a": 1}.get([1], 2), lambda: {"a": 1}.pop([1], 2), lambda: {1}.discard([1])):
        try:
            seen.append(lookup())
        except TypeError:
            seen.append("TypeError")
    return x + 1, seen


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
        print("BUG: An unhashable key is taken for one that is not there")
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
