"""torch.bmm of integers with one row (or one column) gives int64 on inductor, and the dtype of its arguments in eager mode.

Found with torch 2.13.0+cpu. Options: defaults.
"""

import sys

try:
    import torch
    from torch.utils._pytree import tree_leaves
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x, y):
    a = torch.bmm(y, x)
    return a


def inputs(call=0):
    x = torch.tensor([[[1, 1], [1, 1]], [[1, 1], [1, 1]]], dtype=torch.int32)
    y = torch.tensor([[[1, 1]], [[1, 1]]], dtype=torch.int32)
    return x, y


def compile_program(program):
    return torch.compile(program, backend="inductor")


def observe(function):
    arguments = inputs()
    torch.manual_seed(0)
    with torch.no_grad():
        result = function(*arguments)
    return [leaf.dtype for leaf in [leaf for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)]]


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(compile_program(program))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: wrong dtype of output: eager int32, target int64")
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
