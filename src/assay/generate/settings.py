"""What a campaign asks of generation; with a case index it determines a case completely."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """``operators`` to draw from, ``nodes``: operations a program (None: by the target's cost), ``targets`` to divide
    the cases among."""

    seed: int
    operators: tuple[str, ...]
    nodes: int | None
    targets: tuple[str, ...]
