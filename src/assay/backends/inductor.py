"""TorchInductor on CPU: scheduling, fusion and vectorised C++, compiled by the machine's own compiler."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

NAMES = ("inductor",)
PREFIX = None
FRAMEWORK = "torch"
RUNG = 4
DEAR = True
# Decompositions compute the same elements in whatever layout is natural to them; torch's own tests of most of them do
# not
# compare strides.
PROMISES = ()
UNSUPPORTED = (
    "torch._dynamo.exc.Unsupported",
    "torch._dynamo.exc.UserError",
    # The whole graph was asked for, and the limit of compilations reached.
    "torch._dynamo.exc.FailOnRecompileLimitHit",
)


def options(draw: random.Random, training: bool) -> dict[str, Any]:
    """Options of torch.compile, a mode, and settings of dynamo, functorch and inductor."""
    from assay.backends import _torch_options

    drawn = _torch_options.draw_options(draw, training, _torch_options.INDUCTOR)
    chance = draw.random()
    if chance < 0.03:
        drawn["mode"] = "reduce-overhead"
    elif chance < 0.04:
        drawn["mode"] = "max-autotune-no-cudagraphs"
    elif chance < 0.10 and not training:
        drawn.setdefault("config", {})["inductor.freezing"] = True
    elif chance < 0.115:
        # Few: the wrapper is a translation unit without a precompiled header, as dear as five cases.
        drawn.setdefault("config", {})["inductor.cpp_wrapper"] = True
    elif chance < 0.15:
        # No vectors. A width other than the machine's own would cost a precompiled header of its own.
        drawn.setdefault("config", {})["inductor.cpp.simdlen"] = 1
    return drawn


def source(name: str, options: dict[str, Any]) -> str:
    """Python text that defines ``compile_program(program)`` as this target does."""
    from assay.backends import _torch_options

    return _torch_options.source("inductor", options)


def prepare(name: str) -> dict[str, Any]:
    """Compile trivial kernels of each kind, so that precompiled headers exist before the first case's clock runs."""
    from assay_worker import torch_inductor  # type: ignore[import-not-found, unused-ignore]

    return dict(torch_inductor.prepare())


def compile(program: Callable[..., Any], name: str, options: dict[str, Any]) -> Any:
    """The program under torch.compile."""
    from assay_worker import torch_backends  # type: ignore[import-not-found, unused-ignore]

    return torch_backends.compiled(program, "inductor", options)


def engagement() -> Any:
    """Counters since the last reset."""
    from assay_worker import torch_backends  # type: ignore[import-not-found, unused-ignore]

    return torch_backends.engagement()


def reset() -> None:
    """Forget what was compiled and put settings back."""
    from assay_worker import torch_inductor  # type: ignore[import-not-found, unused-ignore]

    torch_inductor.reset()
