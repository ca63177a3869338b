"""torch.linalg.vector_norm(x, inf, dim=-1) of an empty batch raises under torch.compile, and gives an empty result in eager mode.

Found on torch 2.13.0, backend eager.
"""

import logging
import math
import sys


def program(x):
    import torch

    return torch.linalg.vector_norm(x, ord=-math.inf, dim=(-1,))


def inputs():
    import torch

    return (torch.zeros(0, 1),)


def main():
    try:
        import torch
    except ImportError:
        print("CANNOT RUN: torch is not installed")
        return 2
    print("torch", torch.__version__)
    logging.disable(logging.CRITICAL)
    print("eager", program(*inputs()))
    try:
        torch.compile(program, backend="eager")(*inputs())
    except Exception as error:
        if "does not have an identity" not in str(error):
            raise
        print(" ".join(str(error).split())[:300])
        print("BUG: the compiled program raises where eager does not")
        return 1
    print("OK")
    return 0


if __name__ == "__main__":
    sys.exit(main())
