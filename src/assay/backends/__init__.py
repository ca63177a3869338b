"""Systems under test, one a file. This file finds them: in this folder, and by the entry points ``assay.backends``.

A backend module is plain functions and data; docs/backends.md and `eager.py`, the smallest, show what it holds. The
same file is loaded by the orchestrator, for names and options, and by a worker, where Assay cannot be imported; so
its top level imports the standard library only.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import importlib.util
import pkgutil
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any


class UnknownTarget(ValueError):
    """No backend serves this target."""


DYNAMO = "torch:eager"
RUNGS = ("eager", DYNAMO, "aot_eager", "aot_eager_decomp", "inductor")
"""The rungs of torch.compile, each of which adds one layer of the compiler to the one below it."""


@dataclass(frozen=True)
class Backend:
    """A target's backend. ``name`` is the target without its interpreter, ``python`` that interpreter or None for
    Assay's own."""

    target: str
    name: str
    python: str | None
    module: ModuleType
    path: str

    @property
    def framework(self) -> str:
        """The kind of text that it executes, and the worker runtime that does so."""
        return str(self.module.FRAMEWORK)

    @property
    def rung(self) -> int:
        """Its place in the ladder: 0 eager, 1 dynamo alone, 2 aot_eager, 3 with decompositions, 4 code generation."""
        return int(self.module.RUNG)

    @property
    def packages(self) -> tuple[str, ...]:
        """The packages whose releases a finding depends on."""
        return tuple(getattr(self.module, "PACKAGES", (self.framework,)))

    @property
    def dear(self) -> bool:
        """Whether a compile costs so much that programs should be fat."""
        return bool(self.module.DEAR)

    @property
    def unsupported(self) -> tuple[str, ...]:
        """Qualified names of the exception classes that declare a gap."""
        return tuple(self.module.UNSUPPORTED)

    @property
    def promises(self) -> frozenset[str]:
        """What it promises beyond values: the names that `assay.oracles.registry` knows. Strides unless it says
        otherwise, and who shares memory with whom unless it takes graphs of values only, as models are."""
        aliases = () if self.graph_only or self.framework == "onnx" else ("aliases",)
        return frozenset((*getattr(self.module, "PROMISES", ("strides",)), *aliases))

    @property
    def refuses(self) -> frozenset[str]:
        """Dtypes, and globs of operators, that are not to be generated for it."""
        return frozenset(getattr(self.module, "REFUSES", ()))

    @property
    def held_in(self) -> Mapping[str, str]:
        """Integer types whose values it holds in another."""
        return dict(getattr(self.module, "HELD_IN", {}))

    @property
    def differs(self) -> Mapping[str, str]:
        """Corners of the standard, by their names in `assay.generate.promises`, in which it promises something else
        than its reference; why, with the source."""
        return dict(getattr(self.module, "DIFFERS", {}))

    @property
    def graph_only(self) -> bool:
        """Whether it takes graphs of values only: no writes, no aliases, no Python."""
        return bool(getattr(self.module, "GRAPH_ONLY", False))

    @property
    def only_differentiates(self) -> bool:
        """Whether cases are only ever differentiated on it: those of functions of its library."""
        return bool(getattr(self.module, "ONLY_DIFFERENTIATES", False))

    @property
    def kernels_only(self) -> bool:
        """Whether programs are written for it as kernels, in Triton's language."""
        return hasattr(self.module, "plan")

    def plan(self, draw: random.Random, options: Mapping[str, Any]) -> dict[str, Any]:
        """Draw by what plan a case with such options is written as kernels."""
        drawn: dict[str, Any] = self.module.plan(draw, dict(options))
        return drawn

    @property
    def tests_python(self) -> bool:
        """Whether what comes before the graph is tested as well. Of a backend of somebody's own only the graph is:
        what Dynamo gets wrong before is not the backend's."""
        of_somebody = self.module.PREFIX is not None and self.name.startswith(self.module.PREFIX)
        return self.framework == "torch" and not self.graph_only and (self.name == DYNAMO or not of_somebody)

    @property
    def reference_options(self) -> dict[str, Any] | None:
        """The options under which its reference is judged by another one; None where there is no other."""
        found: Mapping[str, Any] | None = getattr(self.module, "REFERENCE_OPTIONS", None)
        return None if found is None else dict(found)

    def options(self, draw: random.Random, training: bool) -> dict[str, Any]:
        """Draw the options of a case; one that is only differentiated has none."""
        if self.only_differentiates:
            return {}
        drawn: dict[str, Any] = self.module.options(draw, training)
        return drawn

    def source(self, options: Mapping[str, Any]) -> str:
        """Python text that defines ``compile_program(program)`` as this target does; for scripts."""
        function: Callable[[str, dict[str, Any]], str] = self.module.source
        return function(self.name, dict(options))


def split_target(target: str) -> tuple[str, str | None]:
    """A target's name and its interpreter.

    >>> split_target("inductor@/opt/python"), split_target("eager")
    (('inductor', '/opt/python'), ('eager', None))
    """
    name, at, python = target.partition("@")
    return name, (python or None) if at else None


def find_backend(target: str) -> Backend:
    """The backend that serves ``target``. Raises UnknownTarget, whose text says what there is."""
    name, python = split_target(target)
    for module in modules():
        prefix = module.PREFIX
        if name in module.NAMES or (prefix and name.startswith(prefix) and len(name) > len(prefix)):
            return Backend(target, name, python, module, _resolved(module.__file__ or ""))
    raise UnknownTarget(f"unknown target '{name}': choose among {', '.join(known_targets())}")


@functools.cache
def _resolved(file: str) -> str:
    return str(Path(file).resolve())


def known_targets() -> tuple[str, ...]:
    """Every target, from the bottom of the ladder up; a family is shown as ``torch:NAME``."""
    found: list[tuple[int, str]] = []
    for module in modules():
        found += [(module.RUNG, name) for name in module.NAMES]
        if module.PREFIX:
            found.append((module.RUNG, f"{module.PREFIX}NAME"))
    return tuple(name for _, name in sorted(found))


@functools.cache
def modules() -> tuple[ModuleType, ...]:
    """The backend modules: this folder's in the order of their names, then those of other packages."""
    names = [f"{__name__}.{found.name}" for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_")]
    names += [entry.value for entry in importlib.metadata.entry_points(group="assay.backends")]
    return tuple(importlib.import_module(name) for name in dict.fromkeys(names))


def rungs_below(target: str, rungs: Sequence[str] = RUNGS) -> tuple[str, ...]:
    """The rungs to try for a target, on its interpreter: those below it, for a backend of the user's only eager and
    dynamo."""
    name, python = split_target(target)
    try:
        backend = find_backend(target)
    except UnknownTarget:
        return ()
    if backend.framework != "torch":
        return ()
    end = rungs.index(name) if name in rungs else rungs.index(DYNAMO) + 1
    return tuple(rung if python is None else f"{rung}@{python}" for rung in rungs[:end])
