"""The oracle of gradients: every argument and parameter has the gradient that eager gives it, under the same fixed
cotangents.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from assay.oracles.numeric import VALUES, bytes_of, differing
from assay.oracles.numerics.decode import decode
from assay.oracles.outcome import TensorRecord
from assay.oracles.pairs import Place, calls_of, gradient_path
from assay.oracles.registry import Question, oracle
from assay.oracles.verdict import Discrepancy, Kind, Verdict


@oracle("gradients", order=60)
def gradients(question: Question) -> Iterator[Discrepancy]:
    """Gradients that hold other numbers, or that only one side has.

    No gradient and one of zeros are the same: ahead-of-time autograd returns zeros for what it traced and eager left
    alone.
    """
    yield from differing(question, {Place.gradient: (Kind.gradient, Kind.gradient)})
    for number, eager, compiled in calls_of(question.outcome.reference, question.outcome.target):
        for name in sorted(eager.gradients.keys() | compiled.gradients.keys()):
            reference, target = eager.gradients.get(name), compiled.gradients.get(name)
            if (reference is None) is (target is None):
                continue
            side, present = ("target", target) if reference is None else ("reference", reference)
            found = None if present is None else _one_sided(question, number, name, side, present)
            if found is not None:
                yield found


def _one_sided(question: Question, call: int, name: str, side: str, present: TensorRecord) -> Discrepancy | None:
    """What to say of a gradient that only ``side`` has."""
    path = gradient_path(name)
    data = bytes_of(question, side, call, path, present)
    numbers = None if data is None else decode(present.dtype, present.shape, data)
    if numbers is not None and not np.any(numbers):
        return None
    detail = f"only {'eager' if side == 'reference' else 'the target'} has one ({present.dtype}{list(present.shape)})"
    signature = f"gradient|{'lost' if side == 'reference' else 'added'}"
    if numbers is not None:
        return Discrepancy(Kind.gradient, f"call {call}, {path}", detail, signature)
    wanted = () if VALUES in question.evidence else (VALUES,)
    return Discrepancy(Kind.gradient, f"call {call}, {path}", detail, signature, Verdict.Inconclusive, wanted)
