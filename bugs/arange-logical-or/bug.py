"""torch.logical_or of an arange does not compile on inductor: its C++ code has a vector of bool, which has no cast.

Found with torch 2.13.0+cpu. Options: defaults.
"""

import logging
import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x):
    a = torch.arange(x.shape[0])
    b = torch.logical_or(a, a)
    return b


def inputs(call=0):
    x = torch.tensor([1.0, 1.0, 1.0, 1.0], dtype=torch.float32)
    return (x,)


def compile_program(program):
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
        if not text.startswith("InductorError") or "has no member named ‘cast’" not in " ".join(text.split()):
            raise
        print(next(line[line.index("error:") :] for line in text.splitlines() if "has no member named" in line))
        print(
            "BUG: the target raised torch._inductor.exc.InductorError: CppCompileError: C++ compile error (Vectorized<bool> has no member named cast)"
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
