"""Backward of group_norm of a channels-last input that requires no gradient, with a weight that does, is killed.

Found on torch 2.13.0, CPU, eager mode.
"""

import subprocess
import sys


def program(x, weight):
    import torch

    return torch.nn.functional.group_norm(x, 2, weight)


def child():
    import torch

    x = torch.ones(2, 4, 3, 5).to(memory_format=torch.channels_last)
    weight = torch.ones(4, requires_grad=True)
    program(x, weight).sum().backward()


def main():
    try:
        import torch
    except ImportError:
        print("CANNOT RUN: torch is not installed")
        return 2
    print("torch", torch.__version__)
    status = subprocess.run([sys.executable, __file__, "child"], capture_output=True).returncode
    if status > 0:
        print("CANNOT RUN: the child failed without a crash")
        return 2
    if status < 0:
        print(f"BUG: eager mode is killed by signal {-status}")
        return 1
    print("OK")
    return 0


if __name__ == "__main__":
    sys.exit(child() if sys.argv[1:] == ["child"] else main())
