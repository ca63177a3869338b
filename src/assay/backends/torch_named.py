"""A torch.compile backend of the user's: a name that dynamo knows (``torch:eager``) or an import path
(``torch:package.module.function``)."""

from __future__ import annotations

import importlib
import random
from collections.abc import Callable
from typing import Any

NAMES: tuple[str, ...] = ()
PREFIX = "torch:"
FRAMEWORK = "torch"
RUNG = 1
DEAR = False
UNSUPPORTED = (
    "torch._dynamo.exc.Unsupported",
    "torch._dynamo.exc.UserError",
    # The whole graph was asked for, and the limit of compilations reached.
    "torch._dynamo.exc.FailOnRecompileLimitHit",
)

_functions: dict[str, Any] = {}


def options(draw: random.Random, training: bool) -> dict[str, Any]:
    """Options of torch.compile and settings of dynamo."""
    from assay.backends import _torch_options

    return _torch_options.draw_options(draw, training, _torch_options.DYNAMO)


def source(name: str, options: dict[str, Any]) -> str:
    """Python text that defines ``compile_program(program)`` as this target does."""
    from assay.backends import _torch_options

    path = name[len(PREFIX) :]
    module = path.rpartition(".")[0]
    return _torch_options.source(path, options, f"import {module}" if module else "")


def _function(module: str, name: str) -> Any:
    """The user's own function. Raises LookupError, with what is wrong with it, whatever their module raises."""
    try:
        found = importlib.import_module(module)
    except Exception as error:
        raise LookupError(f"{module} does not import: {type(error).__name__}: {error}") from error
    if not callable(getattr(found, name, None)):
        raise LookupError(f"{module} has no function '{name}'")
    return getattr(found, name)


def prepare(name: str) -> dict[str, Any]:
    """Import the user's function, or see that dynamo knows the name; warm dynamo and AOTAutograd up. Raises
    LookupError."""
    from assay_worker import torch_backends  # type: ignore[import-not-found, unused-ignore]

    path = name[len(PREFIX) :]
    module, _, attribute = path.rpartition(".")
    if module:
        _functions[name] = _function(module, attribute)
    else:
        import torch

        known = torch._dynamo.list_backends(exclude_tags=())
        if path not in known:
            raise LookupError(f"dynamo has no backend '{path}'; it has {', '.join(sorted(known))}")
        _functions[name] = path
    said = dict(torch_backends.warm("eager"))
    if path != "eager":
        said |= torch_backends.warm("aot_eager")
    return said


def compile(program: Callable[..., Any], name: str, options: dict[str, Any]) -> Any:
    """The program under torch.compile."""
    from assay_worker import torch_backends  # type: ignore[import-not-found, unused-ignore]

    return torch_backends.compiled(program, _functions[name], options)


def engagement() -> Any:
    """Counters since the last reset."""
    from assay_worker import torch_backends  # type: ignore[import-not-found, unused-ignore]

    return torch_backends.engagement()


def reset() -> None:
    """Forget what was compiled and put settings back."""
    from assay_worker import torch_backends  # type: ignore[import-not-found, unused-ignore]

    torch_backends.reset()
