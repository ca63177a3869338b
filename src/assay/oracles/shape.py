"""The oracle of shapes: every tensor has the sizes that eager gives it."""

from __future__ import annotations

from collections.abc import Iterator

from assay.oracles.pairs import tensor_pairs
from assay.oracles.registry import Question, oracle
from assay.oracles.verdict import Discrepancy, Kind


@oracle("shape", order=20)
def shape(question: Question) -> Iterator[Discrepancy]:
    """Tensors of another rank, or of other sizes; the two are told apart in the signature."""
    for pair in tensor_pairs(question.case, question.outcome.reference, question.outcome.target):
        eager, target = pair.reference.shape, pair.target.shape
        if eager != target:
            what = "sizes" if len(eager) == len(target) else "rank"
            detail = f"eager {list(eager)}, target {list(target)}"
            yield Discrepancy(pair.place.kind(Kind.shape), pair.where, detail, f"shape|{what}|{pair.place}")
