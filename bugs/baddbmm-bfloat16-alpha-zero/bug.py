"""baddbmm in bfloat16 with alpha=0 does not multiply by beta, and returns uninitialised memory where beta is 0 too.

Found on torch 2.13.0, CPU with AVX512, eager mode.
"""

import sys


def program(x, y, z, beta):
    import torch

    return torch.baddbmm(x, y, z, beta=beta, alpha=0)


def main():
    try:
        import torch
    except ImportError:
        print("CANNOT RUN: torch is not installed")
        return 2
    print("torch", torch.__version__, torch.backends.cpu.get_cpu_capability())
    # 2 * 16 * 16 * 16 products; exact in bfloat16.
    x, y, z = (torch.full((2, 16, 16), value, dtype=torch.bfloat16) for value in (3.0, 1.0, 1.0))
    wrong = []
    for beta in (1, 2, 0.5, 0):
        freed = torch.full((2, 16, 16), 7.0, dtype=torch.bfloat16)
        del freed
        expected, actual = program(x.double(), y.double(), z.double(), beta), program(x, y, z, beta).double()
        print("beta", beta, "expected", expected.unique().tolist(), "actual", actual.unique().tolist())
        if not torch.equal(actual, expected):
            wrong.append(beta)
    if wrong:
        print(f"BUG: the result is not beta * x for beta in {wrong}")
        return 1
    print("OK")
    return 0


if __name__ == "__main__":
    sys.exit(main())
