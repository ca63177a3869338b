"""ternary.lerp on aot_eager_decomp: the target raised torch._dynamo.exc.BackendCompilerFailed: backend='aot_eager_decomp_partition' raised: (caused by RuntimeError: required rank 4 tensor to use channels_last format)

Found with torch 2.13.0+cpu. Options: defaults.
"""

import logging
import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x, y):
    a = torch.lerp(x, y, 1.0)
    return a


def inputs(call=0):
    x = torch.tensor([[[[1.0, 1.0]]]], dtype=torch.float32).to(memory_format=torch.channels_last)
    y = torch.tensor(1.0, dtype=torch.float32)
    return x, y


def compile_program(program):
    return torch.compile(program, backend="aot_eager_decomp_partition")


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
        if not text.startswith("BackendCompilerFailed") or "tensor to use channels_last format" not in " ".join(
            text.split()
        ):
            raise
        print(text)
        print(
            "BUG: the target raised torch._dynamo.exc.BackendCompilerFailed: backend='aot_eager_decomp_partition' raised: (caused by RuntimeError: required rank 4 tensor to use channels_last format)"
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
