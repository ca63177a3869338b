"""The oracle of values: outputs hold the numbers that eager returns.

Exact ones are compared bit by bit, others by tolerance and beyond it by `assay.oracles.numerics.rounding`.
"""

from __future__ import annotations

from collections.abc import Iterator

from assay.oracles.numeric import differing
from assay.oracles.pairs import Place
from assay.oracles.registry import Question, oracle
from assay.oracles.verdict import Discrepancy, Kind


@oracle("values", order=50)
def values(question: Question) -> Iterator[Discrepancy]:
    """Outputs that hold other numbers, tensors and Python values alike."""
    return differing(question, {Place.output: (Kind.value, Kind.value)})
