"""AOTAutograd's traced and functionalised graphs run operator by operator: what dynamo and AOTAutograd do, without a
code generator."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

NAMES = ("aot_eager",)
PREFIX = None
FRAMEWORK = "torch"
RUNG = 2
DEAR = False
UNSUPPORTED = (
    "torch._dynamo.exc.Unsupported",
    "torch._dynamo.exc.UserError",
    # The whole graph was asked for, and the limit of compilations reached.
    "torch._dynamo.exc.FailOnRecompileLimitHit",
)
DYNAMO_NAME = "aot_eager"


def options(draw: random.Random, training: bool) -> dict[str, Any]:
    """Options of torch.compile and settings of dynamo and functorch."""
    from assay.backends import _torch_options

    return _torch_options.draw_options(draw, training, _torch_options.AOT)


def source(name: str, options: dict[str, Any]) -> str:
    """Python text that defines ``compile_program(program)`` as this target does."""
    from assay.backends import _torch_options

    return _torch_options.source(DYNAMO_NAME, options)


def prepare(name: str) -> dict[str, Any]:
    """Compile a trivial program and its backward pass."""
    from assay_worker import torch_backends  # type: ignore[import-not-found, unused-ignore]

    return dict(torch_backends.warm(DYNAMO_NAME))


def compile(program: Callable[..., Any], name: str, options: dict[str, Any]) -> Any:
    """The program under torch.compile."""
    from assay_worker import torch_backends  # type: ignore[import-not-found, unused-ignore]

    return torch_backends.compiled(program, DYNAMO_NAME, options)


def engagement() -> Any:
    """Counters since the last reset."""
    from assay_worker import torch_backends  # type: ignore[import-not-found, unused-ignore]

    return torch_backends.engagement()


def reset() -> None:
    """Forget what was compiled and put settings back."""
    from assay_worker import torch_backends  # type: ignore[import-not-found, unused-ignore]

    torch_backends.reset()
