"""dict.items().__and__ of an iterator is an internal error.

Found with torch 2.13.0+cpu. Options: defaults.
"""

import itertools
import logging
import math
import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program():
    v5 = math.atanh(0.5)
    v11 = {'a': 1, 'b': 2}.items()
    v12 = v11.__and__(itertools.repeat(5, 2))
    return v5


def inputs(call=0):
    return ()


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
        print("BUG: the target raised torch._dynamo.exc.InternalTorchDynamoError: AttributeError: 'LocalGeneratorObjectVariable' object has no attribute 'set_items'")
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
