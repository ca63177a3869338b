"""What a function of random raises cannot be caught: an internal error.

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


def program(x1, x2, p5):
    u6 = x1
    r7 = type(p5).__name__
    if isinstance(p5, dict):
        for key8, value9 in p5.items():
            u6 = u6 * 2 + value9
        r7 = (r7, list(p5))
    elif isinstance(p5, (list, tuple)):
        for value9 in p5:
            u6 = u6 * 2 + value9
        r7 = (r7, len(p5), p5[-1:] + p5[:1])
    elif isinstance(p5, str):
        u6 = u6 + len(p5)
        r7 = (r7, p5.upper())
    elif p5 is not None:
        u6 = u6 + p5
        r7 = (r7, p5, p5 == 1, bool(p5))
    u6 = u6.clamp(-99, 99)
    v10 = x2.dim() + 3
    try:
        v12 = random.randint(v10, b=2)
    except Exception as error:
        v12 = type(error).__name__
    return u6


def inputs(call=0):
    x1 = torch.arange(6.).reshape(2, 3) - 2
    x2 = torch.tensor(2.)
    p5 = 2
    return x1, x2, p5


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
        if not text.startswith('InternalTorchDynamoError') or 'empty range for randrange()' not in " ".join(text.split()):
            raise
        print(text[:1000])
        print('BUG: the target raised torch._dynamo.exc.InternalTorchDynamoError: ValueError: empty range for randrange() (3, 3, 0)')
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
