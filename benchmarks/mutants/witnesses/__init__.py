"""Witnesses: small ordinary programs that show a fault, written without the fuzzer and knowing nothing of it.

A witness is a function with fresh arguments for each of its calls. `observe` runs it, `compare` names what differs.
Two sources: the programs written out here (`programs_*.py`) and the samples of torch's own operator database
(`opinfo.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Arguments = Callable[[], tuple[Any, ...]]
PROGRAMS: dict[str, Witness] = {}


@dataclass(frozen=True, slots=True)
class Witness:
    """A program, the arguments of each call (after a fixed seed), and how it is compiled.

    `state` makes the module that is the program's first argument. With `training`, every floating tensor argument
    requires a gradient and the backward pass runs.
    """

    name: str
    program: Callable[..., Any]
    calls: tuple[Arguments, ...]
    training: bool = False
    dynamic: bool | None = None
    state: Callable[[], Any] | None = None


def witness(
    *calls: Arguments, training: bool = False, dynamic: bool | None = None, state: Callable[[], Any] | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the decorated function under `program/<its name>`."""

    def register(program: Callable[..., Any]) -> Callable[..., Any]:
        name = f"program/{program.__name__}"
        if name in PROGRAMS:
            raise ValueError(f"two witnesses are called {name}")
        PROGRAMS[name] = Witness(name, program, calls, training, dynamic, state)
        return program

    return register


def programs() -> dict[str, Witness]:
    """All programs that are written out, by name."""
    from benchmarks.mutants.witnesses import (  # noqa: F401
        programs_fusion,
        programs_guards,
        programs_language,
        programs_memory,
        programs_modules,
        programs_python,
        programs_tensor,
    )

    return PROGRAMS


def find(name: str) -> Witness:
    """A witness by name. KeyError if there is none."""
    if name.startswith("program/"):
        return programs()[name]
    from benchmarks.mutants.witnesses import opinfo

    return opinfo.sample(name)
