"""'str' of an exception ignores the '__str__' of its class.

torch.compile, backend eager: 'str(error)' is the text of the arguments.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


class Refused(ValueError):
    def __str__(self):
        return f"refused: {self.args[0]}"


def program(x):
    try:
        raise Refused(7)
    except ValueError as error:
        return x + 1, str(error)


def observe(function):
    seen = []
    for call in range(2):
        result = function(torch.ones(3))
        seen.append(repr(result[1:]))
    return seen


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(torch.compile(program, backend="eager"))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print("BUG: str of an exception ignores the __str__ of its class")
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
