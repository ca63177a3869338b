"""Differentiates a case under JAX. The server imports JAX and computes nothing with it: the threads of its compiler
would not be in what is forked."""

from __future__ import annotations

import contextlib
import importlib
import os
import warnings
from typing import Any

from . import differentiating
from .differentiating import settle
from .stage import StageBoard

__all__ = ["execute", "in_child", "modules", "settle", "start"]

modules: dict[str, Any] = {}
_baseline: tuple[Any, ...] = ()

FLAGS = "--xla_cpu_multi_thread_eigen=false --xla_cpu_parallel_codegen_split_count=1"
IMPORTED = ("numpy", "scipy.linalg", "scipy.special", "scipy.stats", "scipy.signal", "nn", "random", "image", "ops")
"""The parts of JAX that most cases use: loaded once, before any fork."""


def start(folder: str) -> dict[str, Any]:
    """Import JAX. Raises ImportError."""
    os.environ.update(JAX_PLATFORMS="cpu", XLA_FLAGS=FLAGS, NPROC="1", TF_CPP_MIN_LOG_LEVEL="3")
    warnings.simplefilter("ignore")
    import jax

    for name in IMPORTED:
        with contextlib.suppress(ImportError):
            importlib.import_module(f"jax.{name}")
    return {"version": jax.__version__, "options": {"threads": 1}}


def in_child(folder: str) -> None:
    """Note what the cases of a new child must not change."""
    global _baseline
    _baseline = differentiating.global_state()


def execute(request: dict[str, Any], board: StageBoard) -> tuple[dict[str, Any], list[bytes]]:
    """Differentiate one case; the header and the buffers of its outcome frame."""
    from .jax_derivatives import answer

    return differentiating.execute(request, board, answer, _baseline)
