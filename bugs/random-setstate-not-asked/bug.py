"""random.Random.setstate(refused) on torch:eager: the target raised torch._dynamo.exc.InternalTorchDynamoError: AsPythonConstantNotImplementedError: ZipVariable() is not a constant

Found with torch 2.13.0+cpu. Options: defaults.
"""

import logging
import random
import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x2):
    try:
        t5 = x2 + 1
    except Exception as error:
        t5 = x2
    v6 = random.Random(3)
    try:
        v7 = v6.setstate(zip([1, 2], [3, 4]))
    except Exception as error:
        v7 = type(error).__name__
    return t5


def inputs(call=0):
    x2 = torch.arange(3)
    return x2,


def compile_program(program):
    return torch.compile(program, backend='eager')


def observe(function):
    arguments = inputs()
    torch.manual_seed(0)
    random.seed(0)
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
        if not text.startswith('InternalTorchDynamoError') or 'is not a constant' not in " ".join(text.split()):
            raise
        print(text[:1000])
        print('BUG: the target raised torch._dynamo.exc.InternalTorchDynamoError: AsPythonConstantNotImplementedError: ZipVariable() is not a constant')
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
