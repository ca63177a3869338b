"""reduce.amin on aot_eager_decomp: wrong shape of output: eager [1], target [2]

Found with torch 2.13.0+cpu. Options: defaults.
"""

import sys

try:
    import torch
    from torch.utils._pytree import tree_leaves
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x):
    a = torch.amin(x, keepdim=True)
    return a


def inputs(call=0):
    x = torch.tensor([True, True], dtype=torch.bool)
    return (x,)


def compile_program(program):
    return torch.compile(program, backend="aot_eager_decomp_partition")


def observe(function):
    arguments = inputs()
    torch.manual_seed(0)
    with torch.no_grad():
        result = function(*arguments)
    return [tuple(leaf.shape) for leaf in [leaf for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)]]


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(compile_program(program))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: wrong shape of output: eager [1], target [2]")
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
