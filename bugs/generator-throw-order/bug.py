"""'throw' runs a generator past the 'yield' that it comes to.

torch.compile, backend eager: the 'finally' clause runs within 'throw', before the value that 'throw' returns is appended; CPython runs it in 'close'.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x):
    log = []

    def generator():
        try:
            yield 1
        except ValueError:
            log.append("caught")
            yield 2
        finally:
            log.append("finally")

    items = generator()
    log.append(next(items))
    log.append(items.throw(ValueError("in")))
    items.close()
    log.append(next(items, "none"))
    return x + 1, log


def observe(function):
    seen = []
    for call in range(2):
        result = function(torch.ones(3))
        seen.append(repr(result[1:] if isinstance(result, tuple) else result))
    return seen


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(torch.compile(program, backend="eager"))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: throw runs a generator past the yield that it comes to")
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
