"""The oracle of requires_grad: what eager gives a gradient, has one on the target. Filed under gradient, whose
existence it decides.
"""

from __future__ import annotations

from collections.abc import Iterator

from assay.oracles.pairs import Place, tensor_pairs
from assay.oracles.registry import Question, oracle
from assay.oracles.verdict import Discrepancy, Kind


@oracle("requires_grad", order=100)
def requires_grad(question: Question) -> Iterator[Discrepancy]:
    """Tensors that require a gradient on one side only."""
    for pair in tensor_pairs(question.case, question.outcome.reference, question.outcome.target):
        eager, target = pair.reference.requires_grad, pair.target.requires_grad
        if eager is not target and pair.place is not Place.gradient:
            detail = f"requires_grad: eager {eager}, target {target}"
            how = "lost" if eager else "added"
            yield Discrepancy(Kind.gradient, pair.where, detail, f"gradient|requires_grad {how}|{pair.place}")
