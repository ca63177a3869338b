"""Two outputs that are copies of one intermediate (round and trunc of integers; clones) share their memory on inductor, so a write to one changes the other.

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
    a = torch.addcmul(x, x, x)
    b = torch.round(a)
    c = torch.trunc(b)
    return (b, c)


def inputs(call=0):
    x = torch.tensor(1, dtype=torch.int64)
    return (x,)


def compile_program(program):
    return torch.compile(program, backend="inductor")


def storages(tensors):
    def apart(a, b):
        if a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr():
            return b.storage_offset() - a.storage_offset()

    return [[apart(a, b) for b in tensors] for a in tensors]


def observe(function):
    arguments = inputs()
    torch.manual_seed(0)
    with torch.no_grad():
        result = function(*arguments)
    return storages([leaf for leaf in tree_leaves((arguments, result)) if isinstance(leaf, torch.Tensor)])


def written(function):
    """What the second output is once the first was written to."""
    first, second = function(*inputs())
    first.add_(10)
    return second


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    compiled = compile_program(program)
    expected, actual = observe(program), observe(compiled)
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("output 1 after output 0 was written to: eager", written(program), "target", written(compiled))
        print("BUG: wrong alias of output 1: shares storage with output 0 on the target, not in eager")
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
