"""The oracle of the environment: a compiled program leaves the framework's global state as eager leaves it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assay.oracles.pairs import calls_of
from assay.oracles.registry import Question, oracle
from assay.oracles.verdict import Discrepancy, Kind

_RANDOM = re.compile(r"rand|dropout|normal|bernoulli|multinomial|uniform|rrelu|exponential|seed|rng|Generator")


@oracle("environment", order=95)
def environment(question: Question) -> Iterator[Discrepancy]:
    """Global settings with another value after a call: gradient mode, default dtype, modes that were not left, the
    random generator.

    Where the program draws random numbers, the state of the generator is left out: a compiler may draw them otherwise.
    """
    random = _RANDOM.search(question.case.text) is not None
    for number, eager, compiled in calls_of(question.outcome.reference, question.outcome.target):
        for name in sorted(eager.environment.keys() & compiled.environment.keys()):
            before, after = eager.environment[name], compiled.environment[name]
            if before != after and not (name == "rng" and random):
                detail = f"{name}: eager {before}, target {after}"
                yield Discrepancy(Kind.side_effect, f"call {number}, environment", detail, f"side-effect|{name}")
