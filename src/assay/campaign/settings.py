"""What a campaign was asked to do: plain data, kept in the run so that it can be resumed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assay.ir.program import KEPT

DEFAULT_TARGETS = ("eager", "aot_eager", "aot_eager_decomp", "inductor")
"""The ladder. `eager` keeps a small share, as a control."""

SOURCES = ("graph", "python", "api")
KNOWN_SOURCES = ("graph", "api", "python", "module", "corpus")


@dataclass(frozen=True, slots=True)
class CampaignSettings:
    """The settings of a campaign. Exactly one of ``cases`` and ``seconds`` is set; ``operators`` are names, all
    globs resolved. Without a ``source``, all that the targets allow take part. ``values``: those of programs for torch
    are kept in their domains, found, or special. With a ``library``, cases are differentiated in every way that it
    has; ``operators`` are then the library's functions where the source is "api".
    """

    seed: int
    operators: tuple[str, ...]
    targets: tuple[str, ...] = DEFAULT_TARGETS
    source: str = "graph"
    nodes: int | None = None
    jobs: int = 1
    cases: int | None = None
    seconds: float | None = None
    case_seconds: float = 60.0
    memory_mb: int = 4096
    reduce: bool = True
    values: str = KEPT
    library: str = ""

    def to_json(self) -> dict[str, Any]:
        """JSON-compatible data; `from_json` reverses it."""
        return dataclasses.asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> CampaignSettings:
        """The settings that `to_json` described."""
        values = dict(data)
        values["operators"] = tuple(values["operators"])
        values["targets"] = tuple(values["targets"])
        return CampaignSettings(**values)
