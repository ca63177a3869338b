"""The oracle of dtypes: every tensor has the element type that eager gives it."""

from __future__ import annotations

from collections.abc import Iterator

from assay.oracles.numerics.decode import plain_name
from assay.oracles.pairs import tensor_pairs
from assay.oracles.registry import Question, oracle
from assay.oracles.verdict import Discrepancy, Kind


@oracle("dtype", order=30)
def dtype(question: Question) -> Iterator[Discrepancy]:
    """Tensors of another dtype."""
    for pair in tensor_pairs(question.case, question.outcome.reference, question.outcome.target):
        eager, target = plain_name(pair.reference.dtype), plain_name(pair.target.dtype)
        if eager != target:
            detail, signature = f"eager {eager}, target {target}", f"dtype|{eager}->{target}|{pair.place}"
            yield Discrepancy(pair.place.kind(Kind.dtype), pair.where, detail, signature)
