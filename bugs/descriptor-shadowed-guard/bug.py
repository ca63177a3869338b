"""A descriptor read through its class and through an object fails its own guard.

torch.compile, backend eager: compilation ends with AssertionError: Guard failed on the same frame it was created.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


class Descriptor:
    def __get__(self, instance, owner):
        return "descriptor"


class Thing:
    d = Descriptor()


def program(x):
    thing = Thing()
    return x + 1, thing.d, Thing.d


def observe(function):
    seen = []
    for call in range(2):
        result = function(torch.ones(3))
        seen.append(repr(result[1:] if isinstance(result, tuple) else result))
    return seen


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    observe(program)
    try:
        observe(torch.compile(program, backend="eager"))
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        if not text.startswith("AssertionError") or "Guard failed on the same frame it was created" not in " ".join(text.split()):
            raise
        print(text[:1000])
        print("BUG: A descriptor read through its class and through an object fails its own guard")
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
