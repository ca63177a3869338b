"""conv2d in bfloat16 with one input channel a group, in channels-last, reads wrong rows where its result is one column wide.

Found on torch 2.13.0, CPU with AVX512_BF16, eager mode.
"""

import sys


def program(x, weight):
    import torch

    return torch.nn.functional.conv2d(x, weight, stride=(1, 2), groups=8)


def main():
    try:
        import torch
    except ImportError:
        print("CANNOT RUN: torch is not installed")
        return 2
    print("torch", torch.__version__, torch.backends.cpu.get_cpu_capability())
    torch.set_num_threads(1)
    # Row r holds r + 1 everywhere; the weight is ones: small integers, exact in bfloat16.
    x = torch.arange(1.0, 9.0).reshape(1, 1, 8, 1).expand(1, 8, 8, 2).to(torch.bfloat16)
    x = x.contiguous(memory_format=torch.channels_last)
    weight = torch.ones(16, 1, 1, 2, dtype=torch.bfloat16)
    expected, actual = program(x.double(), weight.double()), program(x, weight).double()
    print("expected", expected[0, 0, :, 0].tolist())
    print("actual  ", actual[0, 0, :, 0].tolist())
    if not torch.equal(actual, expected):
        rows = (actual != expected).any(1).sum().item()
        print(f"BUG: {rows} of 8 rows of the result are wrong")
        return 1
    print("OK")
    return 0


if __name__ == "__main__":
    sys.exit(main())
