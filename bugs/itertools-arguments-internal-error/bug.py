"""itertools.combinations on torch:eager: the target raised torch._dynamo.exc.InternalTorchDynamoError: ValueError: r must be non-negative

Found with torch 2.13.0+cpu. Options: defaults.
"""

import itertools
import logging
import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x3):
    try:
        v4 = itertools.combinations({3, 4}, x3)
    except Exception as error:
        v4 = type(error).__name__
    return v4


def inputs(call=0):
    x3 = -1
    return x3,


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
        if not text.startswith('InternalTorchDynamoError') or 'r must be non-negative' not in " ".join(text.split()):
            raise
        print(text[:1000])
        print('BUG: the target raised torch._dynamo.exc.InternalTorchDynamoError: ValueError: r must be non-negative')
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
