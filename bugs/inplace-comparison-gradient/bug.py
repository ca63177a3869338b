"""Backward through an in-place comparison of a bool tensor with a float one that requires a gradient fails an
internal assertion of autograd.

Found on torch 2.13.0, eager mode.
"""

import sys


def program(x, mask):
    return mask.gt_(x).double()


def main():
    try:
        import torch
    except ImportError as missing:
        print("CANNOT RUN:", missing)
        return 2
    print("torch", torch.__version__)
    x = torch.tensor(1.0, requires_grad=True)
    mask = torch.tensor(True)
    result = program(x, mask)
    try:
        if result.requires_grad:
            result.backward()
    except RuntimeError as error:
        if "INTERNAL ASSERT" in str(error):
            print("BUG:", str(error).splitlines()[0][:120])
            return 1
    print("OK")
    return 0


if __name__ == "__main__":
    sys.exit(main())
