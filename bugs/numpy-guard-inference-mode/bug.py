"""complex.view_as_complex on torch:eager: the target raised AssertionError: Guard failed on the same frame it was created. This is a bug - please create an issue.Guard fail reason: 2/0: tensor '___from_numpy(rng[1])' dispatch key set mismatch. expected DispatchKeySet(CPU, ...

Found with torch 2.13.0+cpu. Options: defaults.
"""

import logging
import numpy
import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x, y):
    rng = numpy.random.get_state()
    numpy.random.seed(561)
    e = torch.view_as_complex(x.clone(memory_format=torch.contiguous_format))
    a, c = y, x
    d = str(int(numpy.random.randint(0, 100)))
    numpy.random.set_state(rng)
    return a


def inputs(call=0):
    x = torch.tensor([1.0, 1.0], dtype=torch.float32)
    y = torch.tensor(1.0, dtype=torch.float32)
    return x, y


def around(call):
    return torch.inference_mode()


def compile_program(program):
    return torch.compile(program, backend='eager')


def observe(function):
    arguments = inputs()
    torch.manual_seed(0)
    with torch.no_grad(), around(0):
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
        print("BUG: the target raised AssertionError: Guard failed on the same frame it was created. This is a bug - please create an issue.Guard fail reason: 2/0: tensor '___from_numpy(rng[1])' dispatch key set mismatch. expected DispatchKeySet(CPU, ...")
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
