"""class.index taken by builtins, builtins.hex, builtins.bin, builtins.range, builtins.complex on torch:eager: the target raised torch._dynamo.exc.InternalTorchDynamoError: AsPythonConstantNotImplementedError: SymNodeVariable() is not a constant

Found with torch 2.13.0+cpu. Options: dynamic=True.
"""

import logging
import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def fresh():
    """Define what calls may change, as it is at first."""
    global I9
    class I9:
        def __index__(self):
            return 2

        def __complex__(self):
            return 1j


fresh()


def program(x1):
    v3 = {'a': 1, 'b': 2}.keys()
    r10 = (hex(I9()), bin(I9()), list(range(I9())), complex(I9()))
    t11 = torch.stack([x1, x1]).sum(0).clamp(-99, 99)
    return v3


def inputs(call=0):
    x1 = torch.arange(4., dtype=torch.float64).reshape(2, 2)
    return x1,


def compile_program(program):
    return torch.compile(program, backend='eager', dynamic=True)


def observe(function):
    fresh()
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
        if not text.startswith('InternalTorchDynamoError') or 'SymNodeVariable() is not a constant' not in " ".join(text.split()):
            raise
        print(text[:1000])
        print('BUG: the target raised torch._dynamo.exc.InternalTorchDynamoError: AsPythonConstantNotImplementedError: SymNodeVariable() is not a constant')
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
