"""Differentiates a case under JAX. The server imports JAX and computes nothing with it: the threads of its compiler
would not be in what is forked."""

from __future__ import annotations

import contextlib
import importlib
import os
import warnings
from typing import Any

from . import differentiating
from .differentiating import in_child, settle
from .stage import StageBoard

__all__ = ["execute", "in_child", "modules", "settle", "start"]

modules: dict[str, Any] = {}
IMPORTED = ("numpy", "scipy.linalg", "scipy.special", "scipy.stats", "scipy.signal", "nn", "random", "image", "ops")
"""The parts of JAX that most cases use: loaded once, before any fork."""


def start(folder: str) -> dict[str, Any]:
    """Import JAX. Raises ImportError."""
    os.environ.update(JAX_PLATFORMS="cpu", XLA_FLAGS=differentiating.XLA_FLAGS, NPROC="1", TF_CPP_MIN_LOG_LEVEL="3")
    warnings.simplefilter("ignore")
    import jax

    for name in IMPORTED:
        with contextlib.suppress(ImportError):
            importlib.import_module(f"jax.{name}")
    return {"version": jax.__version__, "options": {"threads": 1}}


def execute(request: dict[str, Any], board: StageBoard) -> tuple[dict[str, Any], list[bytes]]:
    """Differentiate one case; the header and the buffers of its outcome frame."""
    from .jax_derivatives import answer

    return differentiating.execute(request, board, answer)
