"""What a check came to: plain data, which the screen, JSON, and the exception of the pytest fixture are made of."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from assay.oracles.verdict import Judgement


@dataclass(frozen=True)
class Part:
    """One way in which the subject was compared, on one target: how often, and what became of it. ``same`` is None
    where it was not compared, and ``note`` says why."""

    name: str
    target: str
    cases: int
    same: bool | None
    note: str = ""


@dataclass(frozen=True)
class Difference:
    """A finding: what differs where, in which layer, at which operation and line of the user's, and a script of it."""

    part: str
    target: str
    judgement: Judgement
    where: str
    layer: str = ""
    operators: tuple[str, ...] = ()
    origin: str = ""
    text: str = ""
    transforms: tuple[str, ...] = ()
    script: str = ""
    file: str = ""
    note: str = ""


@dataclass(frozen=True)
class Report:
    """All of a check. ``sizes`` says of each dimension whether it varies, ``lifted`` what of it was lifted."""

    title: str
    version: str
    facts: tuple[str, ...]
    inputs: tuple[str, ...]
    sizes: tuple[str, ...]
    lifted: str
    opaque: tuple[str, ...]
    parts: tuple[Part, ...]
    differences: tuple[Difference, ...]
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not self.differences

    def __str__(self) -> str:
        from assay.checking.screen import screen

        return screen(self)

    def to_json(self) -> dict[str, Any]:
        """The report as JSON-compatible data, scripts by their files."""
        found = asdict(self)
        found["same"] = self.same
        for told, difference in zip(found["differences"], self.differences, strict=True):
            judgement = told.pop("judgement")
            told.pop("script")
            told |= {name: judgement[name] for name in ("verdict", "kind", "detail", "signature")}
            told["where"] = difference.where
        return found
