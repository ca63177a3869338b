"""The oracle of mutation: arguments, parameters and buffers are left with the numbers that eager leaves in them."""

from __future__ import annotations

from collections.abc import Iterator

from assay.oracles.numeric import differing
from assay.oracles.pairs import Place
from assay.oracles.registry import Question, oracle
from assay.oracles.verdict import Discrepancy, Kind


@oracle("mutation", order=80)
def mutation(question: Question) -> Iterator[Discrepancy]:
    """What the program was given and is left different: a tensor argument, a Python value, a parameter or buffer."""
    return differing(
        question, {Place.argument: (Kind.mutation, Kind.side_effect), Place.state: (Kind.state, Kind.state)}
    )
