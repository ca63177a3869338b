"""unary.round, part.diagonal on aot_eager: the target raised IndexError: Dimension out of range (expected to be in range of [-1, 0], but got 1)

Found with torch 2.13.0+cpu. Options: defaults.
"""

import logging
import math
import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def fill(shape, dtype, low, step, modulus, multiplier=1, offset=0):
    """Element k is low + step * ((k * multiplier + offset) % modulus)."""
    k = (torch.arange(math.prod(shape)) * multiplier + offset) % modulus
    return (low + step * k.to(torch.float64)).to(dtype).reshape(shape)


def program(x, y):
    a = x.round_()
    b = torch.diagonal(y)
    return b


def inputs(call=0):
    x = fill((1, 1, 1), torch.float32, 1, 0, 1)
    y = x.permute(2, 0, 1)
    return x, y


def compile_program(program):
    return torch.compile(program, backend="aot_eager")


def observe(function):
    arguments = inputs()
    torch.manual_seed(0)
    with torch.no_grad():
        result = function(*arguments)
    return result


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    logging.disable(logging.CRITICAL)
    observe(program)
    try:
        observe(compile_program(program))
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        if not text.startswith("IndexError") or "Dimension out of range (expected to be in range of [" not in " ".join(
            text.split()
        ):
            raise
        print(text[:1000])
        print(
            "BUG: the target raised IndexError: Dimension out of range (expected to be in range of [-1, 0], but got 1)"
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
