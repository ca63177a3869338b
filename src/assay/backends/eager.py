"""The program run eagerly once more: the bottom rung, where any difference is nondeterminism or a defect of the
harness."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

NAMES = ("eager",)
PREFIX = None
FRAMEWORK = "torch"
RUNG = 0
DEAR = False
UNSUPPORTED: tuple[str, ...] = ()


def options(draw: random.Random, training: bool) -> dict[str, Any]:
    """There is nothing to choose."""
    return {}


def source(name: str, options: dict[str, Any]) -> str:
    """Python text that defines ``compile_program(program)`` as this target does."""
    return "def compile_program(program):\n    return program\n"


def prepare(name: str) -> dict[str, Any]:
    """Nothing to warm up."""
    return {}


def compile(program: Callable[..., Any], name: str, options: dict[str, Any]) -> Callable[..., Any]:
    """The program itself."""
    return program


def engagement() -> dict[str, Any]:
    """Always engaged."""
    return {"engaged": True}


def reset() -> None:
    """Nothing to put back."""
