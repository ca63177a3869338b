"""torch.native_dropout of a leaf without elements gives the leaf itself, as if it had been computed: backward dies.

Found on torch 2.13.0, CPU.
"""

import sys


def main():
    try:
        import torch
    except ImportError:
        print("CANNOT RUN: torch is not installed")
        return 2
    print("torch", torch.__version__)
    x = torch.zeros(0, 3, requires_grad=True)
    y = torch.native_dropout(x, 0.5, True)[0]
    try:
        (y * 2).sum().backward()
    except RuntimeError as error:
        if "moved into the graph interior" not in str(error):
            raise
        print(f"BUG: {error}; the result is the argument: {y is x}, which is a leaf no more: {not x.is_leaf}")
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
