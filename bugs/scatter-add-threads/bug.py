"""scatter_add into a tensor of one element fails an assertion of inductor's C++ code generation where it is to run on threads.

Found with torch 2.13.0+cpu. Options: config={'inductor.cpp.fallback_scatter_reduce_sum': False, 'inductor.cpp.dynamic_threads': True}.
"""

import logging
import sys

try:
    import torch
    import torch._inductor.config
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x, y, z):
    a = torch.scatter_add(z, 0, y, x)
    return a


def inputs(call=0):
    x = torch.tensor([1.0, 1.0, 1.0, 1.0], dtype=torch.float32)
    y = torch.tensor([0, 0, 0, 0], dtype=torch.int64)
    z = torch.tensor([1.0], dtype=torch.float32)
    return x, y, z


def compile_program(program):
    torch._inductor.config.cpp.dynamic_threads = True
    torch._inductor.config.cpp.fallback_scatter_reduce_sum = False
    return torch.compile(program, backend="inductor")


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
        if not text.startswith("InductorError") or "AssertionError:" not in " ".join(text.split()):
            raise
        print(text[:1000])
        print("BUG: inductor fails an assertion while it generates code for scatter_add into one element")
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
