"""torch.chain_matmul leaves out= unwritten under a torch-function mode.

Eager: no error, and `out` as it was.
"""

import contextlib
import sys
import warnings

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


class Mode(torch.overrides.TorchFunctionMode):
    """Calls what it is told of, as it is."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        return function(*args, **(kwargs or {}))


def observe(mode):
    a, b, out = torch.ones(2, 3), torch.ones(3, 4), torch.zeros(2, 5)
    with mode:
        torch.chain_matmul(a, b, torch.ones(4, 5), out=out)
    return out.tolist()


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    warnings.simplefilter("ignore")
    expected, actual = observe(contextlib.nullcontext()), observe(Mode())
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: torch.chain_matmul leaves out= unwritten under a torch-function mode")
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
