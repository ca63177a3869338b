"""TensorFlow, whose functions are differentiated: `assay fuzz --library tensorflow`. Programs of other sources are not
written for it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

NAMES = ("tensorflow",)
PREFIX = None
FRAMEWORK = "tensorflow"
PACKAGES = ("tensorflow",)
RUNG = 0
DEAR = False
ONLY_DIFFERENTIATES = True
UNSUPPORTED: tuple[str, ...] = ()
PROMISES: tuple[str, ...] = ()


def options(draw: random.Random, training: bool) -> dict[str, Any]:
    """There is nothing to choose."""
    return {}


def source(name: str, options: dict[str, Any]) -> str:
    """Python text that defines ``compile_program(program)`` as this target does."""
    return "def compile_program(program):\n    return program\n"


def prepare(name: str) -> dict[str, Any]:
    """Nothing to warm up: what has computed anything cannot be forked."""
    return {}


def compile(program: Callable[..., Any], name: str, options: dict[str, Any]) -> Callable[..., Any]:
    """The program itself: each way to differentiate says what is compiled."""
    return program


def engagement() -> dict[str, Any]:
    """Always engaged."""
    return {"engaged": True}


def reset() -> None:
    """Nothing to put back."""
