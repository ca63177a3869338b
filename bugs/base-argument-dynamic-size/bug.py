"""A tensor and a slice of it are both arguments; called again with another size, the program does not compile.

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
    a = x.reshape(2, -1)
    b = y + 1
    return a, b


def inputs(call=0):
    x = torch.ones(4 if call == 0 else 6, dtype=torch.float32)
    y = x[:2]
    return x, y


def compile_program(program):
    return torch.compile(program, backend="aot_eager")


def observe(function):
    for call in range(2):
        arguments = inputs(call)
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
        if not text.startswith("IndexError") or "list index out of range" not in " ".join(text.split()):
            raise
        print(text[:1000])
        print("BUG: the second call raised IndexError: list index out of range")
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
