"""The judge: what every oracle found, weighed into one verdict on a case.

Where an oracle cannot decide, the judgement names the evidence it wants; whoever asked obtains it and asks again with
it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from assay.ir.case import Case
from assay.oracles.determinism import EAGER_AGAIN
from assay.oracles.outcome import Outcome
from assay.oracles.registry import PROMISES, Question, oracles
from assay.oracles.verdict import Discrepancy, Judgement, Kind, Verdict, gravity

PASS = Judgement(Verdict.Pass)
_OTHERS_TOLD = 3
_NO_EVIDENCE: Mapping[str, Outcome] = MappingProxyType({})


def judge(
    case: Case,
    outcome: Outcome,
    evidence: Mapping[str, Outcome] = _NO_EVIDENCE,
    *,
    unsupported: tuple[str, ...] = (),
    promises: frozenset[str] = PROMISES,
) -> Judgement:
    """The verdict on ``case``, given what was seen of it.

    ``evidence`` holds what earlier judgements wanted, by name: "values" (the same run with the bytes of every
    tensor), "eager_again" (a run with a second eager execution), and those of `assay.oracles.numeric`: "shadow",
    "float64" with "float64_shadow", "exact". A run that failed is evidence as well: with it, nothing is wanted a
    second time.
    ``unsupported`` are exception classes by which the target declares a gap. An oracle that raises is a defect, and
    is let through.
    """
    if agrees(outcome):
        return PASS
    question = Question(case, outcome, evidence, unsupported, promises)
    found = _found(question)
    if not found:
        return _incomplete(outcome) or PASS
    top = found[0]
    wanted = top.wanted
    accused = top.verdict is Verdict.Mismatch or bool(wanted)
    if accused and outcome.derivatives is None and question.again() is None and EAGER_AGAIN not in evidence:
        wanted = (EAGER_AGAIN, *wanted)
    wanted = tuple(name for name in dict.fromkeys(wanted) if name not in evidence)
    verdict = Verdict.Inconclusive if wanted else top.verdict
    return Judgement(verdict, top.kind, top.where, _told(found), top.signature, wanted, top.expected)


def agrees(outcome: Outcome) -> bool:
    """Whether both executions came to an end and are the same in every record: the common case, which needs no
    oracle.
    """
    return (
        outcome.ended == "completed"
        and outcome.reference is not None
        and outcome.reference == outcome.target
        and all(call.status == "ok" for call in outcome.reference.calls)
    )


def _found(question: Question) -> list[Discrepancy]:
    """What the oracles found and nothing excuses, the most serious first."""
    found = [(each.order, one) for each in oracles() for one in each.check(question)]
    excused: frozenset[Kind] = frozenset().union(*(one.excuses for _, one in found))
    kept = [(order, one) for order, one in found if one.excuses or one.kind not in excused]
    # sorted keeps the order in which one oracle found them; what waits for evidence is as serious as what it may turn
    # out to be
    kept.sort(key=lambda ranked: (gravity(Verdict.Mismatch if ranked[1].wanted else ranked[1].verdict), ranked[0]))
    return [one for _, one in kept]


def _incomplete(outcome: Outcome) -> Judgement | None:
    """The judgement on an outcome that says it is complete and is not; None if it is."""
    reference, target = outcome.reference, outcome.target
    if outcome.derivatives is not None and outcome.ended == "completed":
        return None
    missing = ""
    if outcome.ended != "completed":
        missing = f"nothing explains that it ended as {outcome.ended!r}"
    elif reference is None:
        missing = "there is no eager execution"
    elif target is None and not any(call.exception for call in reference.calls):
        missing = "there is no execution on the target"
    elif (
        target is not None
        and len(target.calls) != len(reference.calls)
        and not any(call.exception for call in reference.calls)
    ):
        missing = f"eager has {len(reference.calls)} calls, the target {len(target.calls)}"
    if not missing:
        return None
    return Judgement(
        Verdict.Invalid, None, "outcome", f"the outcome is incomplete: {missing}", "invalid|incomplete outcome"
    )


def _told(found: list[Discrepancy]) -> str:
    """The most serious in full, and where else what else was found."""
    others = list(dict.fromkeys(f"{one.kind} in {one.where}" for one in found[1:]))
    if not others:
        return found[0].detail
    more = f" and {len(others) - _OTHERS_TOLD} more" if len(others) > _OTHERS_TOLD else ""
    return f"{found[0].detail}\nalso: {', '.join(others[:_OTHERS_TOLD])}{more}"
