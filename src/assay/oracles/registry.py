"""Oracles register themselves here. An oracle is one file of this folder, or of a package that names it under
`assay.oracles`.

    @oracle("dtype", order=30)
    def dtype(question: Question) -> Iterator[Discrepancy]: ...

`assay.oracles.conformance` holds an oracle against what `judge` relies on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType, ModuleType

from assay.ir.case import Case
from assay.oracles.outcome import Execution, Outcome
from assay.oracles.verdict import Discrepancy
from assay.plugins import collected

STRIDES = "strides"
"""The promise that outputs have the strides that eager gives them, as torch.compile makes it."""

ALIASES = "aliases"
"""The promise that outputs share memory with each other and with arguments as in eager mode."""

PROMISES = frozenset({STRIDES, ALIASES})

VALID_BY_CONSTRUCTION = "graph"
"""The source whose programs raise nothing in eager mode."""


@dataclass(frozen=True, slots=True)
class Question:
    """All that an oracle may look at.

    ``unsupported`` are the exception classes by which the target declares a gap, ``promises`` what it promises beyond
    values.
    """

    case: Case
    outcome: Outcome
    evidence: Mapping[str, Outcome] = field(default_factory=lambda: MappingProxyType({}))
    unsupported: tuple[str, ...] = ()
    promises: frozenset[str] = PROMISES

    def again(self) -> Execution | None:
        """The second eager execution, wherever it was delivered."""
        if self.outcome.reference_again is not None:
            return self.outcome.reference_again
        other = self.evidence.get("eager_again")
        return None if other is None else other.reference_again or other.reference


@dataclass(frozen=True, slots=True)
class Oracle:
    """A named check. ``order`` says whose word counts first among discrepancies of one gravity; the most serious kind
    has the lowest.
    """

    name: str
    order: int
    check: Callable[[Question], Iterable[Discrepancy]]


def oracle(name: str, *, order: int) -> Callable[[Callable[[Question], Iterable[Discrepancy]]], Oracle]:
    """Make an `Oracle` of a pure function from a `Question` to what it finds wrong, the first occurrence first."""

    def made(check: Callable[[Question], Iterable[Discrepancy]]) -> Oracle:
        return Oracle(name, order, check)

    return made


def oracles_of(module: ModuleType) -> tuple[Oracle, ...]:
    """The oracles that ``module`` defines, as against those that it imports."""
    found = (value for value in vars(module).values() if isinstance(value, Oracle))
    return tuple(each for each in found if each.check.__module__ == module.__name__)


@cache
def oracles() -> tuple[Oracle, ...]:
    """Every oracle of this folder and of installed packages, by order and then by name.

    Raises ValueError where two have one name.
    """
    found = collected(__package__, "assay.oracles", oracles_of)
    return tuple(sorted(found.values(), key=lambda each: (each.order, each.name)))
