"""no operator on torch:eager: wrong type of output: eager Tensor, target NoneType

Found with torch 2.13.0+cpu. Options: defaults.
"""

import sys

try:
    import torch
    from torch.utils._pytree import tree_map
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


BY_NAME = None


def program(x):
    globals()['BY_NAME'] = x
    t = BY_NAME
    globals()['BY_NAME'] = None
    a = t
    return a


def inputs(call=0):
    x = torch.complex(torch.tensor(1.0, dtype=torch.float32), torch.tensor(1.0, dtype=torch.float32))
    return x,


def compile_program(program):
    return torch.compile(program, backend='eager')


def observe(function):
    arguments = inputs()
    torch.manual_seed(0)
    with torch.no_grad():
        result = function(*arguments)
    return str(tree_map(type, result))


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(compile_program(program))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print('BUG: wrong type of output: eager Tensor, target NoneType')
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
