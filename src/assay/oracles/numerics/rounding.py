"""Whether a difference outside the tolerances is rounding, or wrong, by the error bound of each element.

The shadow run (`assay.execution.worker.torch_shadow`) gives, per element, the value h that exact arithmetic would have
given and a bound E of what any correct evaluation may make of it. docs/numerics.md derives both; the multiples here are
those of ORACLE.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from assay.oracles.numerics.closeness import Mask, distance, unequal, wide
from assay.oracles.numerics.decode import Array
from assay.oracles.outcome import Choice

ACCUSED = 4.0
"""Multiples of its bound beyond which an element is wrong, if it is also as many times farther off than eager."""

ACCUSED_IN_FLOAT64 = 8.0
"""The same where the shadow has no more precision than eager, from which the distance is then taken."""

ILL_CONDITIONED = 0.1
"""Bounds beyond this share of the element, or of the root mean square of all, decide nothing."""


class Ruling(StrEnum):
    """What a difference outside the tolerances is. ``inaccurate``: eager is outside its bound, and the
    target is not four times as far."""

    rounding = "rounding"
    wrong = "wrong"
    undecided = "undecided"
    inaccurate = "inaccurate"


@dataclass(frozen=True)
class Resolution:
    """A ruling, the elements that it is about, and its reason in a few words."""

    ruling: Ruling
    elements: Mask
    why: str


@dataclass(frozen=True)
class Shadow:
    """What the elements of one tensor stand for, and the bound of each; a bound of zero is exact arithmetic, an
    infinite one says that nothing is known. Integers have no value but eager's. ``choice`` is what indices chose
    among, where rounding may tip them."""

    value: Array
    bound: NDArray[np.float64]
    choice: Choice | None = None

    @staticmethod
    def exact(eager: Array) -> Shadow:
        """The shadow of a tensor in which nothing was rounded."""
        return Shadow(wide(eager) if eager.dtype.kind in "fc" else eager, np.zeros(eager.shape))


def rule(eager: Array, target: Array, outside: Mask, shadow: Shadow, dtype: str) -> Resolution:
    """Rule on the elements ``outside`` the tolerances of ``dtype``, all arrays of one shape.

    An element is wrong where it is farther than four bounds, and four times as far as eager, from the value; in
    float64 where it is farther than eight from eager.
    """
    if eager.dtype.kind not in "fc":
        return _of_integers(eager, target, outside, shadow)
    value, bound = shadow.value, shadow.bound
    settled = bound <= ILL_CONDITIONED * magnitude(value)
    eager_off, target_off = distance(eager, value), distance(target, value)
    if dtype in ("float64", "complex128"):
        wrong = outside & settled & (distance(eager, target) > ACCUSED_IN_FLOAT64 * bound)
        inaccurate = np.zeros_like(wrong)
    else:
        with np.errstate(invalid="ignore", over="ignore"):
            beyond = settled & (target_off > ACCUSED * bound) & (target_off > ACCUSED * eager_off)
            wrong = outside & beyond
            inaccurate = outside & settled & ~beyond & (eager_off > ACCUSED * bound)
    if wrong.any():
        exact = not np.any(bound[wrong])
        why = "exact arithmetic" if exact else "farther from the value in higher precision than its bound allows"
        return Resolution(Ruling.wrong, np.asarray(wrong), why)
    if inaccurate.any():
        why = "eager is farther from the value in higher precision than its bound allows"
        return Resolution(Ruling.inaccurate, np.asarray(inaccurate), why)
    # Where the target is as near to the value as eager is, there is nothing to accuse it of, however wide the bound.
    open_ = outside & ~settled & ~(target_off <= eager_off)
    if open_.any():
        infinite = np.isinf(bound[open_])
        why = "rounding may have tipped a decision" if infinite.any() else "too ill-conditioned for its precision"
        return Resolution(Ruling.undecided, np.asarray(open_), why)
    return Resolution(Ruling.rounding, outside, "within its error bound")


def _of_integers(eager: Array, target: Array, outside: Mask, shadow: Shadow) -> Resolution:
    """Integers differ by no more than rounding may have moved them, or are wrong; indices point at an element that is
    as good."""
    bound = shadow.bound
    wrong = outside & _apart(eager, target, bound)
    if wrong.any():
        why = "exact arithmetic" if not np.any(bound[wrong]) else "farther off than rounding may tip it"
        return Resolution(Ruling.wrong, np.asarray(wrong), why)
    unknown = np.asarray(outside & np.isinf(bound))
    if unknown.any() and shadow.choice is not None:
        wrong = unknown & ~as_good(eager, target, shadow.choice)
        if wrong.any():
            return Resolution(Ruling.wrong, np.asarray(wrong), "the index points at an element that is not as good")
        return Resolution(Ruling.rounding, outside, "the index points at an element that is as good")
    if unknown.any():
        return Resolution(Ruling.undecided, unknown, "rounding may have tipped a decision")
    return Resolution(Ruling.rounding, outside, "rounding may have tipped it by as much")


def _apart(eager: Array, target: Array, bound: NDArray[np.float64]) -> Mask:
    """Where integers differ by more than their bound. Without one any difference counts, also where float64 has the
    same number for both."""
    far = np.abs(target.astype(np.float64) - eager.astype(np.float64)) > bound
    return np.asarray(np.where(bound == 0.0, eager != target, far))


def as_good(eager: Array, target: Array, choice: Choice) -> Mask:
    """Where an index of the target is in range, points at an element that rounding may exchange with eager's, and is
    not used twice in a row in which eager uses none twice."""
    values = np.frombuffer(choice.values, "<f8").reshape(choice.rows, choice.count)
    slack = np.frombuffer(choice.slack, "<f8").reshape(choice.rows, choice.count)

    def by_row(index: Array) -> Array:
        moved = index if choice.dim is None else np.moveaxis(index, choice.dim, -1)
        return moved.reshape(choice.rows, -1)

    ours, theirs = by_row(eager), by_row(target)
    inside = (theirs >= 0) & (theirs < choice.count)
    held = np.where(inside, theirs, 0)

    def at(rows: Array, index: Array) -> Array:
        return np.take_along_axis(rows, index, axis=1)

    near = np.abs(at(values, held) - at(values, ours)) <= at(slack, held) + at(slack, ours)
    good = inside & near
    for row in range(choice.rows if ours.shape[1] > 1 else 0):
        if len(set(ours[row].tolist())) == ours.shape[1]:
            _, first, counts = np.unique(theirs[row], return_inverse=True, return_counts=True)
            good[row] &= counts[first] == 1
    if choice.dim is None:
        return np.asarray(good.reshape(eager.shape))
    moved = np.moveaxis(eager, choice.dim, -1).shape
    return np.asarray(np.moveaxis(good.reshape(moved), -1, choice.dim))


def lasting(eager: Array, target: Array, shadow: Shadow) -> tuple[Mask, Mask]:
    """In the float64 run of the same program: where the target is wrong as well, and where that is not known."""
    different = unequal(eager, target)
    if eager.dtype.kind not in "fc":
        wrong = different & _apart(eager, target, shadow.bound)
        return np.asarray(wrong), np.asarray(different & np.isinf(shadow.bound))
    settled = shadow.bound <= ILL_CONDITIONED * magnitude(shadow.value)
    far = distance(eager, target) > ACCUSED_IN_FLOAT64 * shadow.bound
    return np.asarray(different & settled & far), np.asarray(different & ~settled)


def magnitude(values: Array) -> NDArray[np.float64]:
    """Per element, the larger of its magnitude and the root mean square of all; infinities and NaNs do not count."""
    size = np.abs(wide(values))
    size = np.where(np.isfinite(size), size, 0.0)
    if not size.size:
        return size
    most = float(size.max())
    # squares of values beyond 1e154 overflow, so the mean is taken relative to the largest
    return np.maximum(size, most * float(np.sqrt(np.mean((size / most) ** 2)))) if most else size
