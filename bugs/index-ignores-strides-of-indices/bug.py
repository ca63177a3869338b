"""Advanced indexing by a transposed index has other strides than the compiler thinks, and a view of the result is refused.

Found with torch 2.13.0+cpu. Options: defaults.
"""

import logging
import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x, y):
    return x[y].reshape(-1)


def inputs():
    return torch.arange(4.0), torch.tensor([[0, 1], [2, 3], [1, 0]]).t()


def compile_program(program):
    return torch.compile(program, backend="aot_eager")


def observe(function):
    with torch.no_grad():
        return function(*inputs())


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    logging.disable(logging.CRITICAL)
    observe(program)
    try:
        observe(compile_program(program))
    except RuntimeError as error:
        if "view size is not compatible with input tensor" not in str(error):
            raise
        print(str(error).splitlines()[0])
        print("BUG: x[y].reshape(-1) is made a view that the strides of x[y] do not allow")
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
