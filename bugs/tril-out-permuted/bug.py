"""torch.tril(x, out=y) writes out of bounds where y is not contiguous: eager mode corrupts the heap and dies.

Found on torch 2.13.0, CPU.
"""

import subprocess
import sys

SHAPE = (2, 8, 3, 3)


def program(x, y):
    import torch

    return torch.tril(x, out=y)


def child():
    import torch

    torch.set_num_threads(1)
    for _ in range(200):
        x = torch.ones(SHAPE, dtype=torch.float64)
        y = torch.ones(SHAPE[1], SHAPE[0], *SHAPE[2:], dtype=torch.float64).permute(1, 0, 2, 3)
        program(x, y)


def main():
    try:
        import torch
    except ImportError:
        print("CANNOT RUN: torch is not installed")
        return 2
    print("torch", torch.__version__)
    status = subprocess.run([sys.executable, __file__, "child"], capture_output=True).returncode
    if status < 0:
        print(f"BUG: eager mode is killed by signal {-status}")
        return 1
    print("OK")
    return 0


if __name__ == "__main__":
    sys.exit(child() if sys.argv[1:] == ["child"] else main())
