"""torch.nn.functional.rrelu(x, training=True) of a permuted tensor has other strides under torch.compile.

Found on torch 2.13.0, CPU.
"""

import sys


def program(x):
    import torch

    return torch.nn.functional.rrelu(x, 0.25, 0.25, True)


def main():
    try:
        import torch
    except ImportError:
        print("CANNOT RUN: torch is not installed")
        return 2
    print("torch", torch.__version__)
    x = torch.ones(3, 2).t()
    eager, compiled = program(x), torch.compile(program, backend="aot_eager")(x)
    if eager.stride() != compiled.stride():
        print(f"BUG: strides are {eager.stride()} in eager mode, {compiled.stride()} under aot_eager")
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
