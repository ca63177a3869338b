"""A convolution of an input without a batch does not compile on inductor with dynamic shapes and gradients: its strides are sorted as numbers.

Found with torch 2.13.0+cpu. Options: dynamic=True.
"""

import logging
import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x, y, z):
    a = torch.nn.functional.conv2d(x, y, z)
    return a


def inputs(call=0):
    x = torch.ones(3, 4, 5)
    y = torch.ones(1, 3, 1, 1)
    z = torch.ones(1).requires_grad_()
    return x, y, z


def compile_program(program):
    return torch.compile(program, backend="inductor", dynamic=True)


def observe(function):
    arguments = inputs()
    torch.manual_seed(0)
    return function(*arguments)


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    logging.disable(logging.CRITICAL)
    observe(program)
    try:
        observe(compile_program(program))
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        if not text.startswith("InductorError") or "cannot determine truth value of Relational" not in " ".join(
            text.split()
        ):
            raise
        print(text[:1000])
        print(
            "BUG: the target raised torch._inductor.exc.InductorError: TypeError: cannot determine truth value of Relational: s53*s77 < s77"
        )
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
