"""Why a numeric finding is one: run afresh, its worst element, and the statement at which eager and the target part.

case -> settle (a fresh process, with the evidence that oracles ask for) -> element -> find_parting -> Explanation

Where rounding cannot be told from error in the case itself, its element is that of the witness that decided: the
program in float64, or with other inputs, on which its arithmetic is exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from assay.campaign.examine import Judge, Run, Witnesses, settle
from assay.ir.case import Case
from assay.oracles.elements import Element, compare, pair_at, resolve, worst
from assay.oracles.numeric import EXACT, FLOAT64, FLOAT64_SHADOW, SHADOW
from assay.oracles.numerics.rounding import Ruling
from assay.oracles.outcome import Outcome
from assay.oracles.verdict import Judgement, Kind, Verdict
from assay.triage.parting import SECONDS, Parting, find_parting
from assay.triage.subject import subject_of

NUMERIC = frozenset({Kind.value, Kind.gradient, Kind.mutation, Kind.state})
"""Kinds of findings about numbers that are wrong."""


@dataclass(frozen=True)
class Explanation:
    """A finding run once more. ``element`` is None where it no longer differs, where that is undecided, and where no
    single element is wrong; ``shown_in`` names the evidence that shows it, empty for the case itself."""

    case: Case
    judgement: Judgement
    element: Element | None = None
    shown_in: str = ""
    parting: Parting | None = None


def explain_finding(case: Case, run: Run, judge: Judge, witnesses: Witnesses, seconds: float = SECONDS) -> Explanation:
    """Run a case afresh and explain what is wrong with its numbers; where they part is looked for so long."""
    examination = settle(case, run, judge, witnesses, alone=True, code="plain")
    judgement = examination.judgement
    if judgement.verdict is not Verdict.Mismatch or judgement.kind not in NUMERIC:
        return Explanation(case, judgement)
    for shown_in, other, outcome, shadow in _shown(case, examination.outcome, examination.evidence, run, witnesses):
        pair = pair_at(other, outcome, judgement.where)
        compared = None if pair is None else compare(pair, shadow, elsewhere="opset" in case.recipe)
        resolution = None if compared is None else resolve(compared, tolerances=True)
        if pair is None or compared is None or resolution is None:
            continue
        if resolution.ruling not in (Ruling.wrong, Ruling.inaccurate):
            continue
        element = worst(compared, resolution)
        subject = subject_of(other)
        parting = (
            None if subject is None else find_parting(subject, element, pair.place, run, witnesses, seconds=seconds)
        )
        return Explanation(case, judgement, element, shown_in, parting)
    return Explanation(case, judgement)


def _shown(
    case: Case, outcome: Outcome, evidence: Mapping[str, Outcome], run: Run, witnesses: Witnesses
) -> Iterator[tuple[str, Case, Outcome, Outcome | None]]:
    """The case and its witnesses on the target, each with its shadow run."""
    yield "", case, outcome, evidence.get(SHADOW)
    for name, shadow in ((FLOAT64, evidence.get(FLOAT64_SHADOW)), (EXACT, None)):
        witness = witnesses(case, name) if name in evidence else None
        if witness is not None:
            yield name, witness.case, evidence[name], shadow
