"""torch.take with an index of no dimensions does not compile with fullgraph=True: its decomposition asks for the index's value.

Found with torch 2.13.0+cpu. Options: fullgraph=True.
"""

import logging
import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x, y):
    a = torch.take(y, x)
    return a


def inputs(call=0):
    x = torch.tensor(0, dtype=torch.int64)
    y = torch.tensor(1.0, dtype=torch.float32)
    return x, y


def compile_program(program):
    return torch.compile(program, backend="inductor", fullgraph=True)


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
        if (
            not text.startswith("BackendCompilerFailed")
            or "raised: GuardOnDataDependentSymNode: Could not extract specialized integer from data-dependent expression u"
            not in " ".join(text.split())
        ):
            raise
        print(text[:1000])
        print("BUG: torch.take with an index of no dimensions does not compile: GuardOnDataDependentSymNode")
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
