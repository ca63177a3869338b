"""Groups of itertools.groupby outlive the step to the next.

torch.compile, backend eager: a group that was passed over still gives its items.
"""

import sys
import itertools

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x):
    groups = [group for _, group in itertools.groupby([1, 1, 2])]
    source = iter([1, 1, 2, 2])
    next(itertools.groupby(source))
    return x + 1, [list(group) for group in groups], list(source)



def observe(function):
    torch._dynamo.reset()
    return function(torch.ones(2))[1:]


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(torch.compile(program, backend="eager"))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: Groups of itertools.groupby outlive the step to the next")
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
