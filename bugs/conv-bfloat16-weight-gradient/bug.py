"""The weight's gradient of conv2d in bfloat16 holds uninitialised memory where the kernel meets only padding.

Found on torch 2.13.0, CPU with AVX512, eager mode.
"""

import sys


def program(x, weight):
    import torch

    return torch.nn.functional.conv2d(x, weight, stride=2, padding=1)


def gradient(x, weight):
    weight = weight.requires_grad_()
    program(x, weight).sum().backward()
    return weight.grad


def main():
    try:
        import torch
    except ImportError:
        print("CANNOT RUN: torch is not installed")
        return 2
    print("torch", torch.__version__, torch.backends.cpu.get_cpu_capability())
    x = torch.ones(1, 16, 1, 1, dtype=torch.bfloat16)
    weight = torch.ones(16, 16, 3, 3, dtype=torch.bfloat16)
    expected = gradient(x.double(), weight.double())
    wrong = []
    for _ in range(100):
        # Fill the memory that the next call allocates.
        freed = [torch.full((2**k,), 1e37, dtype=torch.bfloat16) for k in range(4, 16)]
        del freed
        # Channels-last, and without requires_grad of the call before.
        layout = {"memory_format": torch.channels_last}
        actual = gradient(x.to(**layout), weight.detach().clone().to(**layout)).double()
        if not torch.equal(actual, expected):
            wrong.append(actual)
    print("expected", expected[0, 0].tolist())
    if wrong:
        bad = (wrong[0] != expected).flatten(2).any(2).nonzero()[0].tolist()
        print("actual  ", wrong[0][tuple(bad)].tolist(), "at", bad)
        print(f"BUG: the gradient of the weight is wrong in {len(wrong)} of 100 calls")
        return 1
    print("OK")
    return 0


if __name__ == "__main__":
    sys.exit(main())
