"""torch.fft.ihfftn(x, dim=(0,), out=y) leaves y as it was: of one dimension the result is never written.

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
    x = torch.arange(6.0).reshape(2, 3)
    expected = torch.fft.ihfftn(x, dim=(0,))
    out = torch.full_like(expected, 7.0)
    torch.fft.ihfftn(x, dim=(0,), out=out)
    if not torch.equal(out, expected):
        print(f"BUG: out= holds {out[0].tolist()}, the result is {expected[0].tolist()}")
        return 1
    print("OK")
    return 0


if __name__ == "__main__":
    try:
        status = main()
    except Exception as error:
        print("CANNOT RUN:", type(error).__name__, *str(error).splitlines()[:1])
        status = 2
    sys.exit(status)
