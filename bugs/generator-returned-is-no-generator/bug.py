"""A generator that is returned is run to its end, and no generator.

torch.compile, backend eager: what comes back is a tuple iterator, without 'send', 'throw' and 'close'.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def numbers():
    got = yield 1
    yield got


def program(x):
    generator = numbers()
    next(generator)
    return x + 1, generator


def observe(function):
    result, generator = function(torch.ones(3))
    return repr((type(generator).__name__, generator.send(5) if hasattr(generator, "send") else "cannot be sent to"))


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(torch.compile(program, backend="eager"))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: A generator that is returned is run to its end, and no generator")
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
