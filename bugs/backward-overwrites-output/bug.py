"""The compiled backward overwrites an output of the forward: a view of a clone of something saved for backward.

Found on torch 2.13.0, CPU, backend inductor.
"""

import sys


def program(x):
    a = x.exp()
    b = a.clone()
    return b[:1], a.sum()


def observe(function, torch):
    x = torch.tensor([[0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 2.0, 3.0]]).requires_grad_()
    output, loss = function(x)
    before = output.detach().clone()
    (output.sum() + loss).backward()
    return before, output.detach()


def main():
    try:
        import torch
    except ImportError:
        print("CANNOT RUN: torch is not installed")
        return 2
    print("torch", torch.__version__)
    wrong = False
    for name, function in (("eager", program), ("inductor", torch.compile(program))):
        before, after = observe(function, torch)
        print(f"{name:9} before backward {before.tolist()}")
        print(f"{name:9} after backward  {after.tolist()}")
        wrong = not torch.equal(before, after)
    if wrong:
        print("BUG: backward changed what forward had returned")
        return 1
    print("OK")
    return 0


if __name__ == "__main__":
    sys.exit(main())
