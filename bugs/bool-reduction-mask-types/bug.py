"""torch.min of a comparison of int64 (also torch.max; also int32, float64) does not compile on inductor: its C++ code has no match for the mask types.

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
    a = torch.ne(x, 1)
    b, c = torch.min(a, dim=0)
    return b


def inputs(call=0):
    x = torch.tensor([1, 1], dtype=torch.int64)
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
        if not text.startswith("InductorError") or "no matching function for call to" not in " ".join(text.split()):
            raise
        print(
            next(
                line[line.index("error:") :] for line in text.splitlines() if "no matching function for call to" in line
            )
        )
        print(
            "BUG: the target raised torch._inductor.exc.InductorError: CppCompileError: C++ compile error (no matching function for call to min_masked_reduce)"
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
