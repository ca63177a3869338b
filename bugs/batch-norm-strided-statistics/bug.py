"""Backward of batch_norm in evaluation mode, with running statistics that are not contiguous, reads freed memory.

Found on torch 2.13.0, CPU, eager mode.
"""

import sys


def program(x, mean, var, weight):
    import torch

    return torch.nn.functional.batch_norm(x, mean, var, weight, training=False)


def gradients(x, mean, var, gradient):
    import torch

    x, weight = x.clone().requires_grad_(), torch.ones(x.shape[1], requires_grad=True)
    program(x, mean, var, weight).backward(gradient)
    return weight.grad, x.grad


def main():
    try:
        import torch
    except ImportError:
        print("CANNOT RUN: torch is not installed")
        return 2
    print("torch", torch.__version__)
    torch.manual_seed(0)
    x, gradient = torch.randn(4, 5), torch.randn(4, 5)
    mean, var = torch.randn(5), torch.rand(5) + 0.5
    expected = gradients(x, mean, var, gradient)
    wrong = 0
    for _ in range(10):
        # The same statistics with a stride of 2.
        actual = gradients(x, torch.stack([mean, mean], 1)[:, 0], torch.stack([var, var], 1)[:, 0], gradient)
        wrong += not all(torch.allclose(*pair) for pair in zip(actual, expected))
    print("weight.grad, contiguous", expected[0])
    print("weight.grad, strided   ", actual[0])
    print("x.grad, contiguous", expected[1])
    print("x.grad, strided   ", actual[1])
    if wrong:
        print(f"BUG: the gradients are wrong in {wrong} of 10 calls where the running statistics are not contiguous")
        return 1
    print("OK")
    return 0


if __name__ == "__main__":
    sys.exit(main())
