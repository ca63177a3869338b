"""torch.index_reduce(x, 0, index, source, "prod") of float16 asserts internally where the source is expanded.

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
    x, index = torch.ones(3, 3, dtype=torch.float16), torch.tensor([0, 1, 1])
    source = torch.ones(3, 1, dtype=torch.float16).expand(3, 3)
    torch.index_reduce(x, 0, index, source.contiguous(), "prod")
    try:
        torch.index_reduce(x, 0, index, source, "prod")
    except RuntimeError as error:
        if "INTERNAL ASSERT" not in str(error):
            raise
        print(f"BUG: {str(error)[:80]}")
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
