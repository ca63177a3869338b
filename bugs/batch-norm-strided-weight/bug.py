"""Backward of batch_norm takes a weight that is not contiguous from consecutive memory.

Found on torch 2.13.0, CPU, eager mode.
"""

import sys


def program(x, weight):
    import torch

    mean, var = torch.zeros(x.shape[1]), torch.ones(x.shape[1])
    return torch.nn.functional.batch_norm(x, mean, var, weight, training=False, eps=0.0)


def gradient(x, weight):
    import torch

    x = x.clone().requires_grad_()
    program(x, weight).backward(torch.ones(x.shape))
    return x.grad


def main():
    try:
        import torch
    except ImportError:
        print("CANNOT RUN: torch is not installed")
        return 2
    print("torch", torch.__version__)
    x = torch.ones(2, 4)
    weight = torch.arange(1.0, 9.0)[::2]
    # With a mean of 0 and a variance of 1 the gradient of x is the weight.
    expected, actual = gradient(x, weight.contiguous()), gradient(x, weight)
    print("weight", weight.tolist())
    print("x.grad, weight contiguous", expected[0].tolist())
    print("x.grad, weight strided   ", actual[0].tolist())
    if not torch.equal(actual, expected):
        print("BUG: the gradient of x is wrong where the weight is not contiguous")
        return 1
    print("OK")
    return 0


if __name__ == "__main__":
    sys.exit(main())
