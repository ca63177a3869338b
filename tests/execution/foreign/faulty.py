"""Backends of torch.compile with known faults; a worker imports them as any user's."""


def off_by_one(module, inputs):
    """Adds one to the first output."""

    def run(*arguments):
        outputs = list(module(*arguments))
        outputs[0] = outputs[0] + 1
        return tuple(outputs)

    return run


def returns_input(module, inputs):
    """Copies every output, so that no aliasing is left."""
    return lambda *arguments: tuple(value.clone() for value in module(*arguments))


def refuses(module, inputs):
    """Fails inside the backend."""
    raise ZeroDivisionError("the backend divides by zero")
