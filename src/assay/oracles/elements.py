"""One element of a place that is wrong, with all that is known of it: for whoever wants to see why it is not rounding.

`assay.oracles.numeric` judges; here the same rule is asked about single places, of a case or of a variant of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from assay.ir.case import Case
from assay.oracles.numeric import numbers, shadow_in
from assay.oracles.numerics.closeness import Mask, beyond, distance, tolerance, unequal
from assay.oracles.numerics.decode import Array, unit_roundoff
from assay.oracles.numerics.rounding import ACCUSED, ACCUSED_IN_FLOAT64, Resolution, Ruling, Shadow, rule
from assay.oracles.outcome import Outcome, Tree
from assay.oracles.pairs import Pair, Place, pairs

Number = float | int | complex | bool

_SMALLEST = {
    "bfloat16": -133,
    "float16": -24,
    "complex32": -24,
    "float32": -149,
    "complex64": -149,
}
"""Binary exponents of the smallest numbers above zero; -1074, of float64, for what is not here."""

_IN_FLOAT64 = ("float64", "complex128")


@dataclass(frozen=True)
class Compared:
    """A place as numbers of one dtype and shape. ``shadow``: what it stands for in higher precision; in words, why
    that is not known."""

    pair: Pair[Tree]
    dtype: str
    eager: Array
    target: Array
    shadow: Shadow | str

    @property
    def different(self) -> Mask:
        """Where the two sides differ as numbers."""
        return unequal(self.eager, self.target)

    @property
    def outside(self) -> Mask:
        """Where they differ by more than the tolerances, or, in exact arithmetic, at all."""
        return self.different if self.pair.exact else beyond(self.eager, self.target, self.dtype)


@dataclass(frozen=True)
class Element:
    """The worst element of a place, as both sides have it.

    ``value`` is what it stands for in higher precision (None where that is eager's: integers), ``bound`` how far a
    correct evaluation may be from it; zero where nothing is rounded. ``wrong`` counts the elements that the ruling is
    about, ``allowed`` is the tolerance for this one. Distances are infinite where only one side is finite.
    """

    call: int
    path: str
    index: tuple[int, ...]
    dtype: str
    shape: tuple[int, ...]
    total: int
    different: int
    wrong: int
    eager: Number
    target: Number
    value: Number | None
    bound: float
    ruling: Ruling
    why: str
    eager_off: float
    target_off: float
    apart: float
    allowed: float

    @property
    def exact(self) -> bool:
        """Whether nothing is rounded on the way to it."""
        return self.bound == 0.0

    @property
    def multiples(self) -> float:
        """How many bounds the accused side must be off to be wrong."""
        return ACCUSED_IN_FLOAT64 if self.dtype in _IN_FLOAT64 else ACCUSED

    @property
    def against_eager(self) -> bool:
        """Whether the target is held against eager, there being no better value: in float64 and for integers."""
        return self.value is None or self.dtype in _IN_FLOAT64

    @property
    def unit(self) -> float | None:
        """One unit in the last place of the value (of eager's number where there is none); None where that means
        nothing."""
        return unit_in_last_place(self.dtype, self.eager if self.value is None else self.value)


def unit_in_last_place(dtype: str, number: Number) -> float | None:
    """The distance of two neighbours of ``dtype`` at a number; of a complex one, at its modulus.

    >>> unit_in_last_place("float32", 1.0) == 2.0**-23
    True
    """
    roundoff, size = unit_roundoff(dtype), abs(number)
    if roundoff is None or size == 0 or not math.isfinite(size):
        return None
    least = math.ldexp(1.0, _SMALLEST.get(dtype, -1074))
    return max(math.ldexp(roundoff, math.frexp(size)[1]), least)


def compare(pair: Pair[Tree], shadow_run: Outcome | None, *, elsewhere: bool = False) -> Compared | None:
    """A pair as numbers; None where it is none, where dtypes or shapes differ, or bytes were not sent.

    Of an exact pair no shadow run is needed; ``elsewhere`` as in `assay.oracles.numeric.shadow_in`.
    """
    read = numbers(pair.reference, pair.target)
    if read is None:
        return None
    dtype, eager, target = read
    shadow: Shadow | str
    if pair.exact:
        shadow = Shadow.exact(eager)
    else:
        shadow = (
            "there is no shadow run" if shadow_run is None else shadow_in(shadow_run, pair, eager, elsewhere=elsewhere)
        )
    return Compared(pair, dtype, eager, target, shadow)


def resolve(compared: Compared, *, tolerances: bool) -> Resolution | None:
    """What the rule says of a place; None where the two sides agree. Without ``tolerances``, differences that they
    allow are asked about as well."""
    asked = compared.outside if tolerances else compared.different
    if compared.pair.place is Place.gradient and isinstance(compared.shadow, Shadow) and not asked.any():
        # Gradients of exact programs are judged where nothing is rounded, whatever the tolerances.
        asked = compared.different & (compared.shadow.bound == 0.0)
    if not asked.any():
        return None
    if compared.pair.exact:
        return Resolution(Ruling.wrong, asked, "exact arithmetic")
    if isinstance(compared.shadow, str):
        return Resolution(Ruling.undecided, asked, compared.shadow)
    return rule(compared.eager, compared.target, asked, compared.shadow, compared.dtype)


def worst(compared: Compared, resolution: Resolution) -> Element:
    """The element of a resolution that is off by most of its bounds; of those that are exact, by most."""
    eager, target, shadow = compared.eager, compared.target, compared.shadow
    known = isinstance(shadow, Shadow)
    bound = shadow.bound if isinstance(shadow, Shadow) else np.full(eager.shape, np.inf)
    fractions = eager.dtype.kind in "fc"
    value = shadow.value if isinstance(shadow, Shadow) and fractions else eager
    eager_off, target_off, apart = distance(eager, value), distance(target, value), distance(eager, target)
    against_eager = not fractions or compared.dtype in _IN_FLOAT64
    off = eager_off if resolution.ruling is Ruling.inaccurate else apart if against_eager else target_off
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(bound == 0.0, np.inf, np.where(np.isinf(bound), 0.0, off / bound))
    wrong = [tuple(int(step) for step in at) for at in np.argwhere(resolution.elements)]
    # The first of equals, in the order of the elements.
    index = max(wrong, key=lambda at: (float(ratio[at]), float(off[at])))
    relative, absolute = (0.0, 0.0) if compared.pair.exact else tolerance(compared.dtype)
    place = compared.pair
    return Element(
        call=place.call,
        path=place.path,
        index=index,
        dtype=compared.dtype,
        shape=tuple(int(size) for size in eager.shape),
        total=eager.size,
        different=int(np.count_nonzero(compared.different)),
        wrong=int(np.count_nonzero(resolution.elements)),
        eager=eager[index].item(),
        target=target[index].item(),
        value=value[index].item() if known and fractions else None,
        bound=float(bound[index]),
        ruling=resolution.ruling,
        why=resolution.why,
        eager_off=float(eager_off[index]),
        target_off=float(target_off[index]),
        apart=float(apart[index]),
        allowed=absolute + relative * abs(complex(eager[index].item())),
    )


def pair_at(case: Case, outcome: Outcome, where: str) -> Pair[Tree] | None:
    """The pair of the place that a judgement names; None where a side has nothing there."""
    return next((pair for pair in pairs(case, outcome.reference, outcome.target) if pair.where == where), None)
