"""The slope of a function of one variable at 0, from its values at steps to both sides: an estimate with its error, and
whether the function has a kink there.

Central differences are extrapolated to a step of 0 (Richardson), which leaves an error of the fourth order; the best
step is where neighbouring extrapolations agree best, rounding included. Where the slopes from the two sides are
estimated as well and differ, there is a kink, and what stands for the slope is the interval between them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

UNIT = 2.0**-53
ROUNDING = 16.0
"""By how many units in the last place of its largest value a function is taken to be uncertain."""

CONCLUSIVE = 1e-4
"""The error of an estimate, as a share of the size of the terms of the slope, from which on it says nothing."""


@dataclass(frozen=True, slots=True)
class Slope:
    """Between ``low`` and ``high``, which are the same where there is no kink, each up to ``error``."""

    low: float
    high: float
    error: float

    @property
    def kink(self) -> bool:
        """Whether the slopes of the two sides differ."""
        return self.low != self.high

    def distance(self, value: float) -> float:
        """How far a value is from the interval, beyond its error; negative within it."""
        return max(self.low - value, value - self.high) - self.error


def slope(line: Mapping[str, Any], size: float) -> Slope | None:
    """The slope of a function, given its values (`steps`, `centre`, `left`, `right`) and the size of its terms. None
    where the values do not decide it."""
    steps, centre = line["steps"], line["centre"]
    left, right = line["left"], line["right"]
    if not isinstance(centre, float | int):
        return None
    pairs = [(h, a, b) for h, a, b in zip(steps, left, right, strict=True) if _is_number(a) and _is_number(b)]
    if len(pairs) < 3:
        return None
    scale = max(abs(centre), *(abs(value) for _, a, b in pairs for value in (a, b)))
    central = _best([((b - a) / (2 * h), h) for h, a, b in pairs], 2, scale)
    apart = 0.0
    if len(pairs) > 3:
        below = _best([((centre - a) / h, h) for h, a, _ in pairs], 1, scale)
        above = _best([((b - centre) / h, h) for h, _, b in pairs], 1, scale)
        if below is None or above is None:
            return None
        (one, wrong), (other, off) = below, above
        far = CONCLUSIVE * max(size, abs(one), abs(other))
        if max(wrong, off) > far:
            # An even function has a central difference of 0 whatever becomes of its sides.
            return None
        if abs(one - other) > 4 * (wrong + off + far):
            return Slope(min(one, other), max(one, other), max(wrong, off))
        # One kink among very many smooth terms shows as little as this.
        apart = abs(one - other)
    if central is None or central[1] > CONCLUSIVE * max(size, abs(central[0])):
        return None
    return Slope(central[0], central[0], central[1] + apart)


def _best(quotients: Sequence[tuple[float, float]], order: int, scale: float) -> tuple[float, float] | None:
    """The extrapolated quotient whose neighbours agree with it best, and how well; ``order`` is that of the error of
    the quotients in the step."""
    factor = 2.0**order
    extrapolated = [
        ((factor * fine - coarse) / (factor - 1), step) for (coarse, _), (fine, step) in pairwise(quotients)
    ]
    found: list[tuple[float, float]] = []
    for (one, _), (other, step) in pairwise(extrapolated):
        found.append((other, abs(one - other) + ROUNDING * UNIT * scale / step))
    if len(found) > 1:
        # Two that happen to agree say nothing: their neighbours have to as well.
        found = [(value, max(error, other)) for (_, other), (value, error) in pairwise(found)]
    found = [each for each in found if math.isfinite(each[0]) and math.isfinite(each[1])]
    best: tuple[float, float] | None = None
    while found:
        number = min(range(len(found)), key=lambda each: found[each][1])
        best = found[number]
        # What is smooth from afar need not be so: steps that are finer, and as sure of something else, see more.
        found = [
            (value, error)
            for value, error in found[number + 1 :]
            if abs(value - best[0]) > 4 * (error + best[1]) and error <= CONCLUSIVE * abs(value)
        ]
    return best


def _is_number(value: Any) -> bool:
    return isinstance(value, float | int) and not isinstance(value, bool)
