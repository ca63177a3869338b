"""torch.nn.functional.dropout(x, p, training=False) is x in eager mode and a copy under torch.compile.

Found on torch 2.13.0, CPU.
"""

import sys


def program(x):
    import torch

    return torch.nn.functional.dropout(x, 0.25, False)


def main():
    try:
        import torch
    except ImportError:
        print("CANNOT RUN: torch is not installed")
        return 2
    print("torch", torch.__version__)
    x = torch.ones(3)
    assert program(x) is x
    compiled = torch.compile(program, backend="aot_eager")(x)
    if compiled.data_ptr() != x.data_ptr():
        print("BUG: eager gives the argument back, aot_eager a copy of it")
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
