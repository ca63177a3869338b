"""The motifs by name, registered by a decorator in the files of `families`; adding one edits nothing else."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from assay.generate.motifs import families
from assay.generate.motifs.draft import Draft

Build = Callable[[Draft], None]


@dataclass(frozen=True, slots=True)
class Motif:
    """A subgraph that passes look for.

    ``build`` appends it to a program through a `Draft`. ``inductor`` and ``onnxruntime`` name what looks for it there,
    as their sources do. ``uses`` are operators without which it is nothing; others are asked for as it is built.
    ``changes`` are the places at which it asks whether it is to be changed, beside those that every motif has. What
    ``rounds`` has no place in exact arithmetic, what ``writes`` none in a policy without mutation. What is long, or
    asks for more than ``uses`` says, has a greater ``weight``, so that it is dealt more often.
    """

    name: str
    family: str
    build: Build
    inductor: tuple[str, ...]
    onnxruntime: tuple[str, ...]
    uses: tuple[str, ...]
    changes: tuple[str, ...]
    rounds: bool
    writes: bool
    weight: float

    @property
    def summary(self) -> str:
        """What it is, in a line."""
        return (self.build.__doc__ or "").strip().partition("\n")[0].rstrip(".")


_REGISTERED: dict[str, Motif] = {}


def motif(
    *uses: str,
    inductor: str = "",
    onnxruntime: str = "",
    changes: tuple[str, ...] = (),
    rounds: bool = False,
    writes: bool = False,
    weight: float = 1.0,
) -> Callable[[Build], Build]:
    """Register a function as the motif of its name; names of passes are separated by commas. Raises ValueError where
    the name is taken."""

    def register(build: Build) -> Build:
        name = build.__name__
        if name in _REGISTERED:
            raise ValueError(f"motif {name} is registered twice")
        family = build.__module__.rpartition(".")[2]
        passes = _split(inductor), _split(onnxruntime)
        _REGISTERED[name] = Motif(name, family, build, *passes, uses, changes, rounds, writes, weight)
        return build

    return register


def _split(names: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in names.split(",") if name)


@cache
def load() -> Mapping[str, Motif]:
    """All motifs by name, in a fixed order (by name)."""
    for module in sorted(info.name for info in pkgutil.iter_modules(families.__path__)):
        importlib.import_module(f"{families.__name__}.{module}")
    return {name: _REGISTERED[name] for name in sorted(_REGISTERED)}
