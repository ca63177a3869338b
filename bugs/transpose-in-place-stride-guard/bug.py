"""view.expand, write.copy_, view.transpose on torch:eager: the target raised AssertionError: Guard failed on the same frame it was created. This is a bug - please create an issue.Guard fail reason: 0/0: x1.stride()[2] == 2*x1.size()[0] # (unknown source x1.stride()[2], please file a bug)

Found with torch 2.13.0+cpu. Options: dynamic=True.
"""

import logging
import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x1, v9, v10):
    v11 = v10.expand((2,))
    v12 = x1.copy_(v9)
    v23 = v12.transpose_(0, 2)
    return v11


def inputs(call=0):
    x1 = torch.tensor([[[1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0]], [[1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0]], [[1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0]], [[1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0]], [[1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0]]], dtype=torch.float32)
    v9 = torch.tensor(1.0, dtype=torch.float32)
    v10 = torch.tensor([1.0, 1.0], dtype=torch.float32)
    return x1, v9, v10


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
        if not text.startswith('AssertionError') or 'Guard failed on the same frame it was created. This is a bug - please create an issue.Guard fail reason:' not in " ".join(text.split()):
            raise
        print(text[:1000])
        print('BUG: the target raised AssertionError: Guard failed on the same frame it was created. This is a bug - please create an issue.Guard fail reason: 0/0: x1.stride()[2] == 2*x1.size()[0] # (unknown source x1.stride()[2], please file a bug)')
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
