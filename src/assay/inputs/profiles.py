"""Value profiles: the elements of an input, as a formula that is exact in the input's dtype and stays inside an
interval.

All profiles are dyadic numbers of few bits, so that what is computed from them can be exact (ORACLE.md); they differ
in sign, ties, halves, zeros.
"""

from __future__ import annotations

import math
import random
from dataclasses import replace

from assay.ir.program import Data
from assay.ir.types import INTEGER_RANGE, SIGNIFICAND, is_integral
from assay.ops.facts import Interval, Unsatisfied

# name: (lowest, step, number of distinct values) for floats.
FLOAT_PROFILES: dict[str, tuple[float, float, int]] = {
    "integers": (-4, 1, 9),
    "halves": (-2.5, 0.5, 11),
    "quarters": (-1.25, 0.25, 11),
    "positive": (1, 1, 7),
    "negative": (-7, 1, 7),
    "ties": (-1, 1, 3),
    "wide": (-15, 2, 16),
    "constant": (2, 1, 1),
    "zeros": (0, 1, 1),
    "signs": (-1, 2, 2),
    "dense": (-3, 0.125, 48),
    "distinct": (-4, 0.03125, 251),
    "tiny": (-5 * 2.0**-14, 2.0**-14, 11),
    "large": (-1024, 256, 9),
}
INTEGER_PROFILES: dict[str, tuple[int, int, int]] = {
    "integers": (-5, 1, 11),
    "positive": (1, 1, 9),
    "ties": (0, 1, 3),
    "wide": (-60, 7, 18),
    "negative": (-9, 1, 9),
    "constant": (3, 1, 1),
    "zeros": (0, 1, 1),
}
WEIGHTS = {"zeros": 0.3, "constant": 0.5, "distinct": 0.0, "tiny": 0.3, "large": 0.3}
_LIMITS = {
    "float16": (65504.0, 2.0**-14, 2.0**-24),
    "bfloat16": ((2.0 - 2.0**-7) * 2.0**127, 2.0**-126, 2.0**-133),
    "float32": ((2.0 - 2.0**-23) * 2.0**127, 2.0**-126, 2.0**-149),
    "float64": ((2.0 - 2.0**-52) * 2.0**1023, 2.0**-1022, 2.0**-1074),
}
"""The greatest, the least normal and the least subnormal number of each floating dtype."""

PROFILES = tuple(dict.fromkeys((*FLOAT_PROFILES, *INTEGER_PROFILES)))


def draw_data(
    rng: random.Random,
    dtype: str,
    interval: Interval | None,
    profile: str | None,
    thresholds: tuple[float, ...] = (),
    *,
    fine: bool = False,
) -> Data:
    """Elements of a dtype inside an interval, by the profile where it has one for the dtype, else by another.

    With ``thresholds`` the profile is sometimes moved so that it holds a threshold and its neighbours; with ``fine``
    those that lie so near that arithmetic on them is not exact. Raises Unsatisfied for an empty interval.
    """
    if dtype == "bool":
        start, kinds = rng.choice(((0, 2), (0, 2), (0, 2), (0, 1), (1, 1)))
        return _data(rng, float(start), 1.0, kinds)
    floating = not is_integral(dtype)
    table = FLOAT_PROFILES if floating else INTEGER_PROFILES
    if profile is None or profile not in table:
        profile = rng.choices(list(table), [WEIGHTS.get(name, 1.0) for name in table])[0]
    low, step = float(table[profile][0]), float(table[profile][1])
    count = table[profile][2]
    near = rng.choice(thresholds) if thresholds and rng.random() < 0.5 else None
    if near is not None and floating and fine and rng.random() < 0.4:
        # The threshold, and what lies right beside it: one unit in the last place, the root of the roundoff, 1e-4.
        step, count = rng.choice(neighbours(near, dtype)), 3
        low = near - step
    elif near is not None:
        # The threshold itself and its neighbours on both sides, in steps that every dtype represents.
        low = round(near / step) * step - (count // 2) * step
    bounds = interval or Interval(-math.inf, math.inf)
    if not floating:
        smallest, largest = INTEGER_RANGE[dtype]
        bounds = Interval(max(bounds.low, smallest), min(bounds.high, largest))
    low, step, count = _inside(low, step, count, bounds, floating)
    while floating and max(abs(low), abs(low + step * (count - 1))) > step * 2.0 ** SIGNIFICAND[dtype]:
        # What was moved away from zero may be finer than the dtype is there.
        step *= 2
        low, step, count = _inside(round(low / step) * step, step, count, bounds, floating)
    return _data(rng, low, step, count)


def neighbours(threshold: float, dtype: str) -> tuple[float, ...]:
    """Distances from a threshold: a unit in the last place above it, the root of that at one, about 1e-4; each as far
    as the dtype tells numbers apart there. Of zero, a power of two that all dtypes have stands for the first.

    >>> neighbours(1.0, "float32") == (2.0**-23, 2.0**-12, 2.0**-13)
    True
    """
    bits = SIGNIFICAND[dtype]
    unit = 2.0 ** (math.frexp(threshold)[1] - bits) if threshold else 2.0**-14
    return (unit, max(unit, 2.0 ** -(bits // 2)), max(unit, 2.0**-13))


def distinct_data(rng: random.Random, count: int, limit: int) -> Data:
    """``count`` different indices below ``limit``. Raises Unsatisfied where there are not so many."""
    if count > limit or limit < 1:
        raise Unsatisfied("not enough different indices")
    return Data(0.0, 1.0, limit, _coprime(rng, limit), rng.randrange(limit))


def _inside(low: float, step: float, count: int, bounds: Interval, floating: bool) -> tuple[float, float, int]:
    """The progression moved, thinned or refined until it lies inside the bounds."""
    if low >= bounds.low and low + step * (count - 1) <= bounds.high:
        return low, step, count
    if bounds.low > bounds.high:
        raise Unsatisfied("no value is legal")
    while floating and step > 2.0**-6 and math.floor(bounds.high / step) - math.ceil(bounds.low / step) < 3:
        step /= 2
    if not floating:
        step = 1.0
    first = math.ceil(bounds.low / step) * step if bounds.low > -math.inf else -math.inf
    last = math.floor(bounds.high / step) * step if bounds.high < math.inf else math.inf
    if first > last:
        raise Unsatisfied("no representable value is legal")
    low = min(max(low, first), last)
    if low + step * (count - 1) > last:
        low = max(first, last - step * (count - 1))
    return low, step, int(min(count, (last - low) / step + 1))


def _data(rng: random.Random, low: float, step: float, count: int) -> Data:
    return Data(low, step, count, _coprime(rng, count), rng.randrange(count))


def _coprime(rng: random.Random, modulus: int) -> int:
    if modulus < 3:
        return 1
    while True:
        candidate = rng.randrange(1, modulus)
        if math.gcd(candidate, modulus) == 1:
            return candidate


def with_special(rng: random.Random, data: Data, dtype: str) -> Data:
    """The same with special values of the dtype in the place of some: of a float NaN, infinities, minus zero,
    subnormals, the least and greatest numbers; of an integer its extremes."""
    if dtype == "bool":
        return data
    special: tuple[float, ...] = INTEGER_RANGE[dtype] if is_integral(dtype) else special_floats(dtype)
    # One alone half of the time, so that NaN does not hide what the others do.
    count = min(rng.choice((1, 1, 2, len(special))), len(special), data.modulus)
    return replace(data, special=tuple(rng.sample(special, count)))


def special_floats(dtype: str) -> tuple[float, ...]:
    """The special values of a floating dtype."""
    most, normal, subnormal = _LIMITS[dtype]
    return (math.nan, math.inf, -math.inf, -0.0, subnormal, -subnormal, normal, most, -most)


def moved(rng: random.Random, data: Data) -> Data:
    """The same values in another order: what another call passes."""
    return replace(data, offset=rng.randrange(data.modulus))
