"""Value profiles: the elements of an input, as a formula that is exact in the input's dtype and stays inside an
interval.

All profiles are dyadic numbers of few bits, so that what is computed from them can be exact (ORACLE.md); they differ
in sign, ties, halves, zeros.
"""

from __future__ import annotations

import math
import random

from assay.ir.program import Data
from assay.ir.types import INTEGER_RANGE, is_integral
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
}
INTEGER_PROFILES: dict[str, tuple[int, int, int]] = {
    "integers": (-5, 1, 11),
    "positive": (1, 1, 9),
    "ties": (0, 1, 3),
    "wide": (-60, 7, 18),
    "constant": (3, 1, 1),
    "zeros": (0, 1, 1),
}
WEIGHTS = {"zeros": 0.3, "constant": 0.5, "distinct": 0.0}
PROFILES = tuple(dict.fromkeys((*FLOAT_PROFILES, *INTEGER_PROFILES)))


def draw_data(
    rng: random.Random, dtype: str, interval: Interval | None, profile: str | None, thresholds: tuple[float, ...] = ()
) -> Data:
    """Elements of a dtype inside an interval, by the profile where it has one for the dtype, else by another.

    With ``thresholds`` the profile is sometimes moved so that it holds a threshold and its neighbours. Raises
    Unsatisfied for an empty interval.
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
    if thresholds and rng.random() < 0.5:
        # The threshold itself and its neighbours on both sides, in steps that every dtype represents.
        near = round(rng.choice(thresholds) / step) * step
        low = near - (count // 2) * step
    bounds = interval or Interval(-math.inf, math.inf)
    if not floating:
        smallest, largest = INTEGER_RANGE[dtype]
        bounds = Interval(max(bounds.low, smallest), min(bounds.high, largest))
    low, step, count = _inside(low, step, count, bounds, floating)
    return _data(rng, low, step, count)


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


def moved(rng: random.Random, data: Data) -> Data:
    """The same values in another order: what another call passes."""
    return Data(data.low, data.step, data.modulus, data.multiplier, rng.randrange(data.modulus))
