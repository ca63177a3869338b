"""no operator on torch:eager: the target raised torch._dynamo.exc.InternalTorchDynamoError: ValueError: Unknown format code 'b' for object of type 'str'

Found with torch 2.13.0+cpu. Options: dynamic=True.
"""

import logging
import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x):
    a = x.expand(tuple(int(f'{size:b}', 2) for size in x.shape))
    return a


def inputs(call=0):
    x = torch.tensor([1.0, 1.0], dtype=torch.float32)
    return x,


def compile_program(program):
    return torch.compile(program, backend='eager', dynamic=True)


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
        if not text.startswith('InternalTorchDynamoError') or "for object of type 'str'" not in " ".join(text.split()):
            raise
        print(text[:1000])
        print("BUG: the target raised torch._dynamo.exc.InternalTorchDynamoError: ValueError: Unknown format code 'b' for object of type 'str'")
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
