"""What a campaign asks of generation; with a case index it determines a case completely."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from assay.generate.dialect import Kernels


@dataclass(frozen=True, slots=True)
class Settings:
    """``operators`` to draw from, ``nodes``: operations a program (None: by the target's cost), ``targets`` to divide
    the cases among, ``sources`` what makes them. ``kernels``: those of each target that says which it has, as
    `dialect.Kernels` takes them.
    """

    seed: int
    operators: tuple[str, ...]
    nodes: int | None
    targets: tuple[str, ...]
    kernels: Mapping[str, Kernels] = field(default_factory=dict)
    sources: tuple[str, ...] = ("graph",)
