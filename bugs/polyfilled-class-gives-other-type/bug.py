"""Objects of 'enumerate', 'itertools' and 'operator' have other types.

torch.compile, backend eager: isinstance(enumerate([1]), enumerate) and isinstance(operator.itemgetter(0), operator.itemgetter) are False.
"""

import operator
import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x):
    getter = operator.itemgetter(0)
    return x + 1, isinstance(enumerate([1]), enumerate), isinstance(getter, operator.itemgetter), type(getter).__name__


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
        print("BUG: Objects of enumerate, itertools and operator have other types")
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
