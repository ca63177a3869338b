"""The closed vocabulary of judging: what a case came to, what kind of wrong it is, and what each oracle found.

Oracles return `Discrepancy` values; `assay.oracles.judge` weighs them into one `Judgement`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """What a case came to; the names are fixed by the campaign summary."""

    Pass = "Pass"
    Mismatch = "Mismatch"
    Crash = "Crash"
    Timeout = "Timeout"
    MemoryExceeded = "MemoryExceeded"
    Exception = "Exception"
    Unsupported = "Unsupported"
    Inconclusive = "Inconclusive"
    Invalid = "Invalid"
    Flaky = "Flaky"


class Kind(StrEnum):
    """What is wrong, in the words that a finding is filed under.

    ``mutation`` is a tensor argument that is left different, ``state`` a parameter or buffer, ``side-effect`` a
    Python object that the program was given. A wrong ``requires_grad`` is filed under ``gradient``: it decides
    whether one exists.
    """

    value = "value"
    gradient = "gradient"
    dtype = "dtype"
    shape = "shape"
    stride = "stride"
    alias = "alias"
    mutation = "mutation"
    side_effect = "side-effect"
    type = "type"
    state = "state"
    exception = "exception"
    crash = "crash"
    hang = "hang"
    memory = "memory"
    nondeterminism = "nondeterminism"


NUMERIC = frozenset({Kind.value, Kind.gradient, Kind.mutation, Kind.state, Kind.side_effect, Kind.shape})
"""Kinds that nothing may be said about where eager disagrees with itself. A shape is among them, as it may depend on
the data.
"""

FINDINGS = frozenset({Verdict.Mismatch, Verdict.Crash, Verdict.Timeout, Verdict.MemoryExceeded, Verdict.Exception})
"""Verdicts that accuse the system under test."""

_GRAVITY = (
    Verdict.Invalid,
    Verdict.Crash,
    Verdict.Timeout,
    Verdict.MemoryExceeded,
    Verdict.Exception,
    Verdict.Mismatch,
    Verdict.Unsupported,
    Verdict.Flaky,
    Verdict.Inconclusive,
    Verdict.Pass,
)


def gravity(verdict: Verdict) -> int:
    """The place of ``verdict`` among all, the one that decides first.

    ``Invalid`` decides over everything, since a case that is our own defect accuses nobody. ``Unsupported`` and
    ``Inconclusive`` come after the findings: a gap met in the second call does not excuse a wrong value in the first.

    >>> gravity(Verdict.Crash) < gravity(Verdict.Mismatch) < gravity(Verdict.Inconclusive)
    True
    """
    return _GRAVITY.index(verdict)


@dataclass(frozen=True, slots=True)
class Expected:
    """What the reference has in an accused place: the elements as bytes of an array of numpy's, in a dtype that holds
    them all, and how far a correct system may be from each, in float64. Without that, they are compared exactly.
    """

    dtype: str
    shape: tuple[int, ...]
    data: bytes
    allowed: bytes | None = None


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """What one oracle found.

    ``signature`` holds what is stable about it (no numbers of the case, addresses or names of variables). ``wanted``
    names evidence without which it cannot be decided; ``verdict`` is then ``Inconclusive``. ``excuses`` are kinds
    about which, given this, nothing may be said.
    """

    kind: Kind
    where: str
    detail: str
    signature: str
    verdict: Verdict = Verdict.Mismatch
    wanted: tuple[str, ...] = ()
    excuses: frozenset[Kind] = frozenset()
    expected: Expected | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of a case, and why. With ``wanted``, it stands only until that evidence has been obtained and
    `judge` asked again. ``expected`` is what the reference has where numbers differ; it is not kept in the store.
    """

    verdict: Verdict
    kind: Kind | None = None
    where: str = ""
    detail: str = ""
    signature: str = ""
    wanted: tuple[str, ...] = ()
    expected: Expected | None = field(default=None, compare=False, repr=False)
