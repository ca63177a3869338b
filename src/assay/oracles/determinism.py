"""The oracle of determinism: an eager execution that disagrees with a second one proves nothing about numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from assay.oracles.outcome import Execution, TensorRecord, Tree, ValueRecord
from assay.oracles.pairs import pairs
from assay.oracles.registry import Question, oracle, oracles
from assay.oracles.verdict import NUMERIC, Discrepancy, Kind, Verdict

EAGER_AGAIN = "eager_again"
"""Name of the evidence: a second eager execution of the same case."""

_NAME = "determinism"


@oracle(_NAME, order=110)
def determinism(question: Question) -> Iterator[Discrepancy]:
    """Eager against itself: one differing bit excuses every numeric kind, and what another oracle sees between the
    two excuses its kind.

    Filed as Inconclusive of kind nondeterminism: that eager is not deterministic is known of some operators, and is
    not what is tested.
    """
    reference, again = question.outcome.reference, question.again()
    if reference is None:
        return
    if again is None:
        if EAGER_AGAIN in question.evidence:
            detail = "the second eager execution did not come to an end"
            yield _found("eager", detail, frozenset(Kind) - {Kind.nondeterminism})
        return
    if _ends(reference) != _ends(again):
        yield _found("eager", "two eager executions end differently", frozenset(Kind) - {Kind.nondeterminism})
        return
    bits = [pair.where for pair in pairs(question.case, reference, again) if _contents(pair.reference, pair.target)]
    others = list(_discrepancies(question, again))
    if bits or others:
        where = bits[0] if bits else others[0].where
        detail = "two eager executions differ" if bits else f"two eager executions differ: {others[0].detail}"
        yield _found(where, detail, NUMERIC | {each.kind for each in others})


def _ends(execution: Execution) -> list[str]:
    """How each call ended."""
    return [call.exception.type if call.exception is not None else call.status for call in execution.calls]


def _contents(first: Tree, second: Tree) -> bool:
    """Whether two leaves hold other contents, to the bit."""
    if isinstance(first, TensorRecord) and isinstance(second, TensorRecord):
        return first.digest != second.digest
    return isinstance(first, ValueRecord) and first != second


def _discrepancies(question: Question, again: Execution) -> Iterator[Discrepancy]:
    """What the other oracles see between the two, as if the second were a target's."""
    repeated = replace(question, outcome=replace(question.outcome, target=again, reference_again=None), evidence={})
    for each in oracles():
        if each.name != _NAME:
            # an eager exception, the same both times, is no disagreement
            yield from (one for one in each.check(repeated) if one.verdict in (Verdict.Mismatch, Verdict.Inconclusive))


def _found(where: str, detail: str, excuses: frozenset[Kind]) -> Discrepancy:
    return Discrepancy(
        Kind.nondeterminism, where, detail, "nondeterminism|eager", Verdict.Inconclusive, excuses=excuses
    )
