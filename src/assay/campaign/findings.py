"""What a campaign keeps: cases that ran, findings, and buckets of findings with one root cause; and how triage is
asked for a bucket.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from assay.ir.case import DERIVATIVES, Case
from assay.oracles.outcome import Code
from assay.oracles.types import OF_OBJECTS
from assay.oracles.verdict import Judgement, Kind, Verdict

RAW, REDUCED, COUNTED, UNREDUCED = "raw", "reduced", "counted", "unreduced"
"""States of a finding: not triaged yet; triaged; put into a known bucket unseen (the flood guard); bucketed when time
was up.
"""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What became of the case at ``index``. ``sut_seconds`` is the CPU time that the system under test spent on it."""

    index: int
    judgement: Judgement
    engaged: bool
    sut_seconds: float = 0.0


UNSCRIPTED = "unscripted"
"""In the notes of a finding whose script was not seen to fail."""

SIGNATURE_PARTS = 4
"""Of an exception that the target raised: "exception", type, frames, message."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A case that accuses its target, twice with the same verdict and kind, the second time in a fresh process; once,
    where its cause was known and it is only counted."""

    case: Case
    judgement: Judgement
    index: int
    status: str = RAW
    bucket: str | None = None

    @property
    def id(self) -> str:
        """``f`` and 12 hexadecimal digits, derived from the case and what is wrong with it."""
        return "f" + digest(self.case.id, self.judgement.verdict, self.judgement.kind)

    @property
    def coarse_key(self) -> tuple[str, str, str]:
        """What is known of its cause before it is reduced: of an exception that is enough, whatever the target."""
        target = "" if self.is_told_by_signature else self.case.target
        return target, str(self.judgement.kind), self.judgement.signature

    @property
    def is_told_by_signature(self) -> bool:
        """Whether two findings of this signature are one cause: exceptions whose type, frames and message agree,
        changes of types that do not depend on what was computed, and derivatives that are wrong in the same ways by
        the same rules."""
        if DERIVATIVES in self.case.options:
            return True
        parts = self.judgement.signature.split("|")
        if self.judgement.kind is Kind.type:
            return len(parts) > 1 and parts[1] in OF_OBJECTS
        return self.judgement.kind is Kind.exception and len(parts) == SIGNATURE_PARTS and all(parts)


@dataclass(frozen=True, slots=True)
class Triaged:
    """A finding made ready to be reported. ``layer`` is the lowest rung of the ladder that shows it, empty where
    that is not known.
    """

    case: Case
    judgement: Judgement
    signature: str
    operators: tuple[str, ...]
    transforms: tuple[str, ...]
    script: str
    layer: str = ""
    steps: int = 0
    reduced: bool = True
    notes: str = ""

    @property
    def bucket_id(self) -> str:
        """``b`` and 12 hexadecimal digits: findings with one kind, layer and signature are one bucket. The signature
        names the operators where they are part of the cause.
        """
        place = self.layer or self.case.target
        return "b" + digest(str(self.judgement.kind), place, self.signature)


@dataclass(frozen=True, slots=True)
class Bucket:
    """Findings with one root cause, as far as can be told; ``script`` is relative to the run's folder."""

    id: str
    source: str
    target: str
    kind: str
    signature: str
    operators: tuple[str, ...]
    transforms: tuple[str, ...]
    cases: int
    script: str
    layer: str = ""
    notes: str = ""

    def to_json(self) -> dict[str, Any]:
        """The bucket as the campaign summary states it."""
        return {
            "id": self.id,
            "source": self.source,
            "target": self.target,
            "kind": self.kind,
            "signature": self.signature,
            "operators": list(self.operators),
            "transforms": list(self.transforms),
            "cases": self.cases,
            "script": self.script,
            "layer": self.layer,
        }


class RunCase(Protocol):
    """Runs a case, obtains the evidence that its judgement wants, and settles it.

    ``alone`` asks for a fresh process; with ``confirm`` the case runs once more in one, and is Flaky where the
    two differ. ``code`` says how machine code is made.
    """

    def __call__(
        self, case: Case, *, alone: bool = False, confirm: bool = False, code: Code = "merged"
    ) -> Judgement: ...


class Triage(Protocol):
    """Reduces, localises and scripts a finding. Once ``out_of_time()`` holds it returns the best so far, at once."""

    def __call__(
        self, case: Case, judgement: Judgement, run_case: RunCase, *, out_of_time: Callable[[], bool]
    ) -> Triaged: ...


def digest(*parts: Any) -> str:
    """Twelve hexadecimal digits of JSON-compatible ``parts``."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


def judgement_to_json(judgement: Judgement) -> dict[str, Any]:
    """A judgement as JSON-compatible data."""
    return {
        "verdict": judgement.verdict.value,
        "kind": None if judgement.kind is None else judgement.kind.value,
        "where": judgement.where,
        "detail": judgement.detail,
        "signature": judgement.signature,
    }


def judgement_from_json(data: Mapping[str, Any]) -> Judgement:
    """The judgement that `judgement_to_json` described."""
    return Judgement(
        Verdict(data["verdict"]),
        None if data["kind"] is None else Kind(data["kind"]),
        data["where"],
        data["detail"],
        data["signature"],
    )
