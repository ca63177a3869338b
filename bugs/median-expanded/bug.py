"""torch.median(x, dim) along an expanded dimension (stride 0) reads it as if its stride were 1, past the tensor's memory.

Found on torch 2.13.0, CPU, eager mode.
"""

import sys


def program(x):
    import torch

    return torch.median(x, dim=1).values


def inputs():
    import torch

    # A row of five equal elements for each third element of the storage: what a wrong stride reads is known.
    return torch.arange(20.0).as_strided((4, 5), (3, 0))


def main():
    try:
        import torch
    except ImportError:
        print("CANNOT RUN: torch is not installed")
        return 2
    print("torch", torch.__version__)
    x = inputs()
    expected, actual = program(x.contiguous()), program(x)
    print("contiguous", expected)
    print("expanded  ", actual)
    column = torch.arange(3.0).view(3, 1).expand(3, 3)
    print("the same of", column.tolist(), "reads past its storage:", program(column))
    if not torch.equal(actual, expected):
        print("BUG: the median along an expanded dimension is none of its elements")
        return 1
    print("OK")
    return 0


if __name__ == "__main__":
    sys.exit(main())
