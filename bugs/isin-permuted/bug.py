"""torch.isin with few test elements in a permuted order of dimensions raises.

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
    x = torch.arange(8.0)
    sought = torch.arange(8.0).reshape(4, 2).t()
    expected = torch.isin(x, sought.contiguous())
    try:
        found = torch.isin(x, sought)
    except RuntimeError as error:
        if "view size is not compatible" not in str(error):
            raise
        print(f"BUG: {error}; of a contiguous copy it is {expected.tolist()}")
        return 1
    print("OK" if torch.equal(found, expected) else "BUG: other values")
    return int(not torch.equal(found, expected))


if __name__ == "__main__":
    try:
        status = main()
    except Exception as error:
        print("CANNOT RUN:", type(error).__name__, *str(error).splitlines()[:1])
        status = 2
    sys.exit(status)
