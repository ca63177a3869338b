"""A generator that was closed or used up cannot be returned.

Found with torch 2.13.0+cpu. Options: defaults.
"""

import logging
import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x1, p9):
    v7 = (v * 2 for v in (1, 2, 3))
    v8 = v7.close()
    u10 = x1
    r11 = type(p9).__name__
    if isinstance(p9, dict):
        for key12, value13 in p9.items():
            u10 = u10 * 2 + value13
        r11 = (r11, list(p9))
    elif isinstance(p9, (list, tuple)):
        for value13 in p9:
            u10 = u10 * 2 + value13
        r11 = (r11, len(p9), p9[-1:] + p9[:1])
    elif isinstance(p9, str):
        u10 = u10 + len(p9)
        r11 = (r11, p9.upper())
    elif p9 is not None:
        u10 = u10 + p9
        r11 = (r11, p9, p9 == 1, bool(p9))
    u10 = u10.clamp(-99, 99)
    return (v7,)


def inputs(call=0):
    x1 = torch.arange(3)
    p9 = {'a': 1, 'b': 2}
    return x1, p9


def compile_program(program):
    return torch.compile(program, backend='eager')


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
        if not text.startswith('InternalTorchDynamoError') or 'object has no attribute' not in " ".join(text.split()):
            raise
        print(text[:1000])
        print("BUG: the target raised torch._dynamo.exc.InternalTorchDynamoError: AttributeError: 'LocalGeneratorObjectVariable' object has no attribute 'remaining_items'")
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
