"""What a campaign asks of generation; with a case index it determines a case completely."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from assay.generate.dialect import Kernels
from assay.ir.program import KEPT


@dataclass(frozen=True, slots=True)
class Settings:
    """``operators`` to draw from, ``nodes``: operations a program (None: by the target's cost), ``targets`` to divide
    the cases among, ``sources`` what makes them. ``kernels``: those of each target that says which it has, as
    `dialect.Kernels` takes them. ``values`` as in a `Program`: why elements are in the domains of what is computed of
    them.
    """

    seed: int
    operators: tuple[str, ...]
    nodes: int | None
    targets: tuple[str, ...]
    kernels: Mapping[str, Kernels] = field(default_factory=dict)
    values: str = KEPT
    sources: tuple[str, ...] = ("graph",)
