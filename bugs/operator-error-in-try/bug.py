"""What an operator raises within try is not caught in a compiled function.

Found with torch 2.13.0+cpu. Options: defaults.
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
    global f3
    def f3(log):
        try:
            raise LookupError("x")
        except LookupError:
            log.append("seen")
            raise


fresh()


def program(x1):
    log4 = []
    try:
        f3(log4)
    except Exception as error:
        log4.append(type(error).__name__)
    try:
        t7 = torch.tensor(log4)
    except Exception as error:
        t7 = x1
    return log4


def inputs(call=0):
    x1 = torch.arange(4.) - 1
    return x1,


def compile_program(program):
    return torch.compile(program, backend='eager')


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
        if not text.startswith('TorchRuntimeError') or "too many dimensions 'str'" not in " ".join(text.split()):
            raise
        print(text[:1000])
        print("BUG: the target raised torch._dynamo.exc.TorchRuntimeError: ValueError: too many dimensions 'str'")
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
