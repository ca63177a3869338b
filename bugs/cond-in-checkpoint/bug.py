"""torch.cond in an activation checkpoint cannot be compiled.

torch.compile, backends eager and aot_eager: NotImplementedError, where eager runs.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x):
    def inner(t):
        return torch.cond(t.sum() > 0, torch.sin, torch.cos, (t,))

    return torch.utils.checkpoint.checkpoint(inner, x, use_reentrant=False)


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    x = torch.ones(3, requires_grad=True)
    print("eager", program(x).tolist())
    try:
        torch.compile(program, backend="eager")(x)
    except NotImplementedError as error:
        if "no rule registered for HigherOrderOperator cond" not in str(error):
            raise
        print("compiled", type(error).__name__, str(error)[:120])
        print("BUG: torch.cond in an activation checkpoint cannot be compiled")
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
