"""What is known of a value's elements before it is computed: an interval, and whether the arithmetic so far was exact.

Elements of an exact value are integer multiples of ``2**-scale``. While the sum of the magnitudes of all terms that an
operation adds up stays below ``2**p`` units of ``2**-scale`` (p: bits of the dtype's significand), every order of
evaluation, contraction and upcast gives the same bits (ORACLE.md), so that such values are compared exactly. A value
whose ``scale`` is None was rounded somewhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from assay.ir.sizes import Size, largest, smallest
from assay.ir.types import INTEGER_RANGE, LARGEST_FINITE, SIGNIFICAND


class Unsatisfied(Exception):
    """A requirement of a specification does not hold for these operands and attributes; the text says which."""


def require(condition: bool, what: str) -> None:
    """Raise `Unsatisfied` unless the condition holds."""
    if not condition:
        raise Unsatisfied(what)


@dataclass(frozen=True, slots=True)
class Interval:
    """A closed interval of legal values."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Facts:
    """Bounds of every element, the scale of exact arithmetic, and the magnitude of the terms that were summed.

    Of complex numbers they hold for both parts.

    With ``positive_zero`` every zero among the elements is +0: true of inputs and of what only moves them. Elsewhere
    the sign of a zero depends on the formula, of which a compiler may choose another (x * 0, where, -(-x)).

    What is ``tipped`` follows from a decision (a comparison, an index, a floor) on rounded values: another correct
    system may decide otherwise, so that it is no more exact than what was decided on.

    What it ``holds``, whatever the inputs are, is one of its elements unless that was cut away: the zeros of a
    triangle, the margin of a padding. What is ``fixed`` follows from no floating input. Only a search for inputs asks
    for these.
    """

    low: float
    high: float
    scale: int | None = None
    terms: float = 0.0
    positive_zero: bool = False
    tipped: bool = False
    holds: float | None = None
    fixed: bool = False

    @property
    def exact(self) -> bool:
        """Whether no rounding can have happened."""
        return self.scale is not None and not self.tipped

    @property
    def magnitude(self) -> float:
        """A bound on the sum of the magnitudes of the terms."""
        return max(self.terms, abs(self.low), abs(self.high))

    @property
    def sure(self) -> float | None:
        """A value that is certainly among the elements."""
        return self.low if self.low == self.high else self.holds

    def within(self, interval: Interval) -> bool:
        """Whether every element lies in the interval."""
        return self.low >= interval.low and self.high <= interval.high

    def __add__(self, other: Facts) -> Facts:
        constants = self.low == self.high or other.low == other.high
        held = None if self.sure is None or other.sure is None or not constants else self.sure + other.sure
        scale, terms = common_scale(self, other), self.magnitude + other.magnitude
        return Facts(_plus(self.low, other.low), _plus(self.high, other.high), scale, terms, holds=held)

    def __sub__(self, other: Facts) -> Facts:
        return self + (-other)

    def __neg__(self) -> Facts:
        return Facts(-self.high, -self.low, self.scale, self.terms)

    def __mul__(self, other: Facts) -> Facts:
        corners = [_times(a, b) for a in (self.low, self.high) for b in (other.low, other.high)]
        scale = None if self.scale is None or other.scale is None else self.scale + other.scale
        return Facts(min(corners), max(corners), scale, self.magnitude * other.magnitude)

    def __abs__(self) -> Facts:
        if self.low >= 0:
            return self
        low = 0.0 if self.high > 0 else -self.high
        return Facts(low, max(-self.low, self.high), self.scale, self.terms)

    def summed(self, count: int) -> Facts:
        """The sum of ``count`` such elements (of none: zero)."""
        if count == 0:
            return constant(0)
        return Facts(_times(self.low, count), _times(self.high, count), self.scale, self.magnitude * count)

    def rounded(self) -> Facts:
        """The same bounds, no longer exact."""
        return Facts(self.low, self.high, None, self.terms, holds=self.holds)

    def through(self, function: Callable[[float], float]) -> Facts:
        """The image under a non-decreasing function, rounded."""
        return Facts(function(self.low), function(self.high))

    def clipped(self, low: float, high: float) -> Facts:
        """The image under clamping to bounds that are themselves multiples of ``2**-scale`` (else rescale first)."""
        return Facts(min(max(self.low, low), high), max(min(self.high, high), low), self.scale)


# From here on a float cannot say every whole number; up to here Python's ints are used in its stead.
_DENSE, _HUGE = 2**53, 2**70


def _plus(a: float, b: float) -> float:
    """The sum: of whole numbers exact, though no float is it (an index may be the difference of two such)."""
    return int(a) + int(b) if _large_and_whole(a, b, a + b) else a + b


def _times(a: float, b: float) -> float:
    """The product; nothing times infinity is nothing."""
    if a == 0 or b == 0:
        return 0.0
    return int(a) * int(b) if _large_and_whole(a, b, a * b) else a * b


def _large_and_whole(a: float, b: float, result: float) -> bool:
    most = max(abs(a), abs(b), abs(result))
    return _DENSE <= most < _HUGE and int(a) == a and int(b) == b


def constant(value: float) -> Facts:
    """Facts of a constant; exact where it is a dyadic number of moderate scale."""
    return Facts(value, value, scale_of(value), positive_zero=math.copysign(1, value) > 0)


def scale_of(value: float) -> int | None:
    """The least s >= 0 with value·2ˢ an integer, None where it passes 30 or the value is not finite."""
    if not math.isfinite(value):
        return None
    denominator = float(value).as_integer_ratio()[1]
    scale = denominator.bit_length() - 1
    return scale if scale <= 30 else None


def common_scale(*facts: Facts) -> int | None:
    """The scale of a sum or choice of such values."""
    scale = 0
    for fact in facts:
        if fact.scale is None:
            return None
        scale = max(scale, fact.scale)
    return scale


def hull(*facts: Facts) -> Facts:
    """Facts of a value that is any of these, element by element."""
    first, *rest = facts
    low, high, terms = first.low, first.high, first.terms
    positive_zero, tipped, fixed = first.positive_zero, first.tipped, first.fixed
    held = first.sure if rest else first.holds
    for fact in rest:
        low, high, terms = min(low, fact.low), max(high, fact.high), max(terms, fact.terms)
        positive_zero = positive_zero and fact.positive_zero
        tipped = tipped or fact.tipped
        fixed = fixed and fact.fixed
        held = fact.sure if held is None else held
    return Facts(low, high, common_scale(*facts), terms, positive_zero, tipped, held, fixed)


def minimum(a: Facts, b: Facts) -> Facts:
    """Facts of the elementwise minimum."""
    return Facts(min(a.low, b.low), min(a.high, b.high), common_scale(a, b))


def maximum(a: Facts, b: Facts) -> Facts:
    """Facts of the elementwise maximum."""
    return Facts(max(a.low, b.low), max(a.high, b.high), common_scale(a, b))


def total(facts: Facts, count: Size) -> Facts:
    """The sum of as many elements as a size says, which may be another number in each instantiation."""
    return hull(facts.summed(smallest(count)), facts.summed(largest(count)))


def upto(facts: Facts, count: Size) -> Facts:
    """The sum of some of ``count`` such elements, of none as well."""
    return hull(constant(0), facts.summed(largest(count)))


def representable(facts: Facts, dtype: str) -> bool:
    """Whether every element is a value of the dtype."""
    if facts.scale is None:
        return False
    if dtype in INTEGER_RANGE:
        low, high = INTEGER_RANGE[dtype]
        return facts.scale == 0 and facts.low >= low and facts.high <= high
    return facts.scale <= 14 and max(abs(facts.low), abs(facts.high)) * 2.0**facts.scale < 2.0 ** SIGNIFICAND[dtype]


BOOLEAN = Facts(0, 1, 0, positive_zero=True)

# The largest magnitude that a conditioned program may reach, as a share of what is finite: a product of two such values
# is still finite in the wider types, and 16-bit programs keep room for a sum.
_HEADROOM = {"float16": 2.0**11, "bfloat16": 2.0**40, "float32": 2.0**40, "float64": 2.0**200}
_HEADROOM |= {"complex64": _HEADROOM["float32"], "complex128": _HEADROOM["float64"]}


def headroom(dtype: str) -> float:
    """The largest magnitude that a value of a floating dtype may reach."""
    return _HEADROOM.get(dtype, LARGEST_FINITE.get(dtype, 1e30) / 4)


def fit(facts: Facts, dtype: str) -> Facts:
    """The facts once stored in a dtype: bounds checked, exactness kept only while no rounding is possible.

    Raises Unsatisfied where an integer may wrap or a float may come near overflow.
    """
    fitted = _fit(facts, dtype)
    if facts.tipped or facts.fixed or facts.holds is not None:
        return replace(fitted, tipped=facts.tipped, holds=facts.holds, fixed=facts.fixed)
    return fitted


def _fit(facts: Facts, dtype: str) -> Facts:
    if dtype in INTEGER_RANGE:
        low, high = INTEGER_RANGE[dtype]
        if dtype == "bool":
            return BOOLEAN if facts.low != facts.high else constant(float(facts.low != 0))
        magnitude = facts.magnitude
        require(facts.low >= low and facts.high <= high and magnitude <= max(high, -low), "an integer may wrap")
        return Facts(facts.low, facts.high, 0, positive_zero=True)
    require(facts.magnitude <= headroom(dtype), "a value may overflow")
    if facts.scale is not None and facts.scale <= 14 and facts.magnitude * 2.0**facts.scale < 2.0 ** SIGNIFICAND[dtype]:
        return Facts(facts.low, facts.high, facts.scale, positive_zero=facts.positive_zero)
    slack = 2.0 ** (2 - SIGNIFICAND[dtype])
    return Facts(
        facts.low - abs(facts.low) * slack,
        facts.high + abs(facts.high) * slack,
        positive_zero=facts.positive_zero,
    )
