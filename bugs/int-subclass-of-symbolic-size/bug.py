"""container.int and str subclasses on torch:eager: the target raised torch._dynamo.exc.InternalTorchDynamoError: AsPythonConstantNotImplementedError: SymNodeVariable() is not a constant

Found with torch 2.13.0+cpu. Options: config={'dynamo.assume_static_by_default': False}.
"""

import logging
import sys

try:
    import torch
    import torch._dynamo.config
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def fresh():
    """Define what calls may change, as it is at first."""
    global I4, S5
    class I4(int):
        def __add__(self, other):
            return I4(int(self) + int(other) + 100)

        def __repr__(self):
            return f"I({int(self)})"

    class S5(str):
        def upper(self):
            return "shouted " + str(self)


fresh()


def program(x2):
    v3 = x2.reshape(-1).shape[0] // 2
    a6, b7 = I4(v3), S5("abc")
    r8 = (a6 + 1, 1 + a6, a6 * 2, b7.upper(), b7 + "d", b7 == "abc", {a6: 1}.get(int(a6)), type(a6 - 0).__name__)
    return v3


def inputs(call=0):
    x2 = torch.arange(6.).reshape(2, 3) - 2
    return x2,


def compile_program(program):
    torch._dynamo.config.assume_static_by_default = False
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
