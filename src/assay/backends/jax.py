"""JAX, whose functions are differentiated: `assay fuzz --library jax`. Programs of other sources are not written for
it."""

from __future__ import annotations

from typing import Any

NAMES = ("jax",)
PREFIX = None
FRAMEWORK = "jax"
PACKAGES = ("jax", "jaxlib")
RUNG = 0
DEAR = False
ONLY_DIFFERENTIATES = True
UNSUPPORTED: tuple[str, ...] = ()
PROMISES: tuple[str, ...] = ()


def prepare(name: str) -> dict[str, Any]:
    """Nothing to warm up: what has computed anything cannot be forked."""
    return {}
