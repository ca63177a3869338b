"""sort.msort on aot_eager: the target raised AssertionError: Guard failed on the same frame it was created. This is a bug - please create an issue.Guard fail reason: 0/0: x0.stride()[0] == x3.size()[0] # (unknown source x0.stride()[0], please file a bug)

Found with torch 2.13.0+cpu. Options: config={'dynamo.assume_static_by_default': False}.
"""

import logging
import sys

try:
    import torch
    import torch._dynamo.config
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x0, x3, a):
    b = torch.msort(x3, out=x0)
    return a


def inputs(call=0):
    x0 = torch.tensor([[1.0, 1.0], [1.0, 1.0]], dtype=torch.float32).permute(1, 0).contiguous().permute(1, 0)
    x3 = torch.tensor([[1.0, 1.0], [1.0, 1.0]], dtype=torch.float32)
    a = torch.tensor(1.0, dtype=torch.float32)
    return x0, x3, a


def compile_program(program):
    torch._dynamo.config.assume_static_by_default = False
    return torch.compile(program, backend="aot_eager")


def observe(function):
    arguments = inputs()
    torch.manual_seed(0)
    with torch.no_grad():
        result = function(*arguments)
    return result


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    logging.disable(logging.CRITICAL)
    observe(program)
    try:
        observe(compile_program(program))
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        if (
            not text.startswith("AssertionError")
            or "Guard failed on the same frame it was created. This is a bug - please create an issue.Guard fail reason:"
            not in " ".join(text.split())
        ):
            raise
        print(text[:1000])
        print(
            "BUG: the target raised AssertionError: Guard failed on the same frame it was created. This is a bug - please create an issue.Guard fail reason: 0/0: x0.stride()[0] == x3.size()[0] # (unknown source x0.stride()[0], please file a bug)"
        )
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
