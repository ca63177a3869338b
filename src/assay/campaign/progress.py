"""How far a campaign is: counts that engine and display share, and the events that it tells of."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from assay.campaign.findings import Bucket, Finding
from assay.oracles.verdict import Judgement


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of a campaign at one moment, over all its sittings except for ``elapsed`` and ``rate``, which are
    of this one.
    """

    elapsed: float
    cases: int
    asked: int | None
    seconds_left: float | None
    rate: float
    verdicts: dict[str, dict[str, int]]
    engaged: dict[str, int]
    findings: int
    buckets: int
    last_new: float | None
    waiting: int
    running: tuple[str, ...]
    stopping: bool

    def count(self, verdict: str) -> int:
        """Cases with one verdict, over all targets."""
        return sum(by_verdict.get(verdict, 0) for by_verdict in self.verdicts.values())

    def share(self, count: int) -> float:
        """A count as a share of all cases."""
        return count / self.cases if self.cases else 0.0


@dataclass(frozen=True, slots=True)
class FoundFinding:
    """A finding, told after it was committed."""

    finding: Finding


@dataclass(frozen=True, slots=True)
class FiledFinding:
    """A finding that was put into a bucket; ``new`` says that it opened it."""

    finding: Finding
    bucket: Bucket
    new: bool


@dataclass(frozen=True, slots=True)
class InvalidCase:
    """A case that does not run eagerly, or that Assay itself failed on: a defect of Assay. ``saved`` is relative
    to the run's folder.
    """

    index: int
    judgement: Judgement
    saved: str


@dataclass(frozen=True, slots=True)
class Note:
    """Something else worth a line."""

    text: str


Event = FoundFinding | FiledFinding | InvalidCase | Note


@dataclass(slots=True)
class Tally:
    """Running counts; the engine alone changes them, under its lock."""

    verdicts: dict[str, Counter[str]] = field(default_factory=dict)
    engaged: Counter[str] = field(default_factory=Counter)
    cases: int = 0
    sut_seconds: float = 0.0

    def add(self, target: str, verdict: str, engaged: bool, count: int = 1, sut_seconds: float = 0.0) -> None:
        """Count cases of one target."""
        self.verdicts.setdefault(target, Counter())[verdict] += count
        self.engaged[target] += count if engaged else 0
        self.cases += count
        self.sut_seconds += sut_seconds
