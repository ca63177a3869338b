"""binary.sub on torch:eager: the target raised torch._dynamo.exc.InternalTorchDynamoError: RuntimeError: Argument 'item' of Node 'e' does not belong to this Graph, but was used as an argument! If you are copying nodes from another graph, make sure to use ``arg_transform`` on node_copy() ...

Found with torch 2.13.0+cpu. Options: defaults.
"""

import logging
import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(n0, x):
    a = lambda b: torch.sub(b, n0)
    d = torch.utils.checkpoint.checkpoint(a, x, use_reentrant=False)
    e = a(x)
    return (d, e)


def inputs(call=0):
    if call == 0:
        x = torch.tensor(
            [
                [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
                [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
                [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
                [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
            ],
            dtype=torch.float64,
        )
        return 0.5, x
    x = torch.tensor(
        [
            [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
            [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
            [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
            [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
        ],
        dtype=torch.float64,
    )
    return -0.25, x


def compile_program(program):
    return torch.compile(program, backend="eager")


def observe(function):
    for call in range(2):
        arguments = inputs(call)
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
            not text.startswith("InternalTorchDynamoError")
            or "does not belong to this Graph, but was used as an argument! If you are copying nodes from another graph, make sure to"
            not in " ".join(text.split())
        ):
            raise
        print(text[:1000])
        print(
            "BUG: the target raised torch._dynamo.exc.InternalTorchDynamoError: RuntimeError: Argument 'item' of Node 'e' does not belong to this Graph, but was used as an argument! If you are copying nodes from another graph, make sure to use ``arg_transform`` on node_copy() ..."
        )
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
