"""conv2d in bfloat16 of a channels-last input is killed where every window along the last dimension lies in the padding.

Found on torch 2.13.0, CPU with AVX512_BF16, eager mode.
"""

import subprocess
import sys


def program(x, weight):
    import torch

    return torch.nn.functional.conv2d(x, weight, stride=2, padding=1, dilation=2)


def child():
    import torch

    x = torch.ones(1, 1, 2, 1, dtype=torch.bfloat16).to(memory_format=torch.channels_last)
    weight = torch.ones(1, 1, 1, 1, dtype=torch.bfloat16)
    program(x, weight)


def main():
    try:
        import torch
    except ImportError:
        print("CANNOT RUN: torch is not installed")
        return 2
    print("torch", torch.__version__, torch.backends.cpu.get_cpu_capability())
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
