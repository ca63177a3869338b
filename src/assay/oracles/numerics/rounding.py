"""Whether a difference outside the tolerances is rounding, or wrong.

Until there is an error bound per element, the witness is the same program with every floating type made float64, run
in eager mode and on the target. A logic error is there too; rounding is not. Where the two agree in float64, its
eager value stands in for the true one, and the target is blamed only if it is much farther from it than eager is. In
doubt nothing is reported.

The eager value alone, which costs no compilation, settles most differences: an element to which the target is as close
as eager is in that element is rounding. Where it does not, the target has to run in float64.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from assay.oracles.numerics.closeness import Mask, distance, unequal, wide
from assay.oracles.numerics.decode import Array, largest, unit_roundoff

PERSISTS = 4e-6
"""Relative distance at which eager and target disagree in float64: sixty times the roundoff of float32, which is what
an operation on integers yields in the float64 program, too.
"""

ILL_CONDITIONED = 0.1
"""Relative distance of eager from its own float64 value beyond which nothing can be said about an element (ORACLE.md,
step 3).
"""

HARMLESS, GROSS = 64.0, 256.0
"""Multiples of the unit roundoff, relative to the element or the root mean square: below is rounding, above may be a
fault.
"""

NEXT = 2.0
"""Multiples of the unit roundoff, relative to the element, that may lie between two results that were rounded once."""

FEW = 16
"""Elements below which eager may be accurate by luck: the ratio of two rounding errors exceeds 4 in one of seven
draws, 32 in one of fifty.
"""

JUMPS = re.compile(
    "floor|ceil|round|trunc|frac|fix|sign|sgn|heaviside|remainder|fmod|mod|div|floor_divide|eq|ne|lt|le|gt|ge|equal"
    "|isclose|allclose|argmax|argmin|argsort|sort|topk|kthvalue|median|mode|nanmedian|searchsorted|bucketize|unique|nonzero|one_hot|where"
    "|masked_fill|masked_select|cast|to|type|int|long|short|bool|isnan|isinf|isfinite|signbit|logical_.*|any|all|histc"
    "|bincount|count_nonzero|hardshrink|threshold|angle|.*quantize.*|copysign|nextafter|cummax|cummin|atan2|item"
)
"""Operators whose result may jump on a rounding error of an operand, by the last part of their name."""

KINKS = re.compile(
    "abs|relu|relu6|leaky_relu|prelu|rrelu|clamp.*|clip|max|min|maximum|minimum|fmax|fmin|amax|amin|aminmax|.*max_pool.*"
    "|hardtanh|hardswish|hardsigmoid|softshrink|elu|celu|selu|dist|norm|l1_loss|smooth_l1_loss|huber_loss|hinge.*"
)
"""Operators that are continuous, but whose derivative jumps."""

_NARROW_NAMES = re.compile(r"\b(bfloat16|float16|half|chalf|complex32|float8_\w+|float32|complex64|float(?=\(\)))")
_SYNONYMS = {"half": "float16", "chalf": "float16", "float": "float32"}


class Ruling(StrEnum):
    """What a difference outside the tolerances is."""

    rounding = "rounding"
    wrong = "wrong"
    undecided = "undecided"


@dataclass(frozen=True)
class Resolution:
    """A ruling, the elements that it is about, and its reason in a few words."""

    ruling: Ruling
    elements: Mask
    why: str


@dataclass(frozen=True)
class Witness:
    """What the float64 run shows in the same place; None where it shows nothing."""

    eager: Array | None
    target: Array | None


def coarsest_roundoff(text: str, dtypes: Iterable[str]) -> float:
    """The unit roundoff of the coarsest floating type that ``text`` names or that is among ``dtypes``.

    An output in float32 carries the rounding errors of what was computed in bfloat16 on the way.

    >>> coarsest_roundoff("x.to(torch.bfloat16)", ["torch.float32"]) == 2.0**-8
    True
    """
    named = {_SYNONYMS.get(name, name) for name in _NARROW_NAMES.findall(text)}
    return max((unit for unit in map(unit_roundoff, [*named, *dtypes]) if unit is not None), default=2.0**-53)


def may_jump(operators: Iterable[str], table: re.Pattern[str]) -> bool:
    """Whether one of ``operators`` is in ``table``, by the last part of its name without a trailing underscore.

    >>> may_jump(["unary.floor"], JUMPS), may_jump(["unary.relu"], JUMPS)
    (True, False)
    """
    return any(table.fullmatch(operator.rpartition(".")[2].rstrip("_")) for operator in operators)


def resolve(
    eager: Array, target: Array, outside: Mask, witness: Witness, *, dtype: str, roundoff: float, jumps: bool
) -> Resolution:
    """Rule on the elements ``outside`` the tolerances of ``dtype``, in the light of the float64 run."""
    lasting = _lasting(eager, outside, witness)
    if lasting is not None and lasting.any():
        return Resolution(Ruling.wrong, lasting, "and in float64 as well")
    if eager.dtype.kind not in "fc":
        return Resolution(Ruling.undecided, outside, "not in float64: rounding may have tipped a decision")
    truth = witness.eager
    if truth is None or truth.shape != eager.shape or (truth.dtype.kind == "c") != (eager.dtype.kind == "c"):
        return Resolution(Ruling.undecided, outside, "the float64 run shows nothing comparable")
    return _by_distance(eager, target, outside, truth, dtype, roundoff, jumps, alone=witness.target is None)


def _lasting(eager: Array, outside: Mask, witness: Witness) -> Mask | None:
    """The elements that are wrong in float64 too, but for those where eager itself is not near its float64 value."""
    truth, target = witness.eager, witness.target
    if truth is None or target is None or truth.shape != target.shape:
        return None
    if truth.dtype.kind in "fc":
        apart: Mask = distance(truth, target) > PERSISTS * _scale(truth)
    else:
        apart = unequal(truth, target)
    if truth.shape != eager.shape:
        return apart
    if truth.dtype.kind in "fc":
        steady: Mask = distance(eager, truth) <= ILL_CONDITIONED * _scale(truth)
    else:
        steady = ~unequal(eager, truth)
    return np.asarray(apart & outside & steady)


def _by_distance(
    eager: Array,
    target: Array,
    outside: Mask,
    truth: Array,
    dtype: str,
    roundoff: float,
    jumps: bool,
    *,
    alone: bool,
) -> Resolution:
    scale = _scale(truth)
    eager_off, target_off = distance(eager, truth), distance(target, truth)
    finite_off = np.where(np.isfinite(eager_off), eager_off, 0.0)
    worst = float(np.max(finite_off, initial=0.0))
    if alone:
        # Whether the target has a logic error is not known, so that each element has to speak for itself.
        explained = np.maximum(4.0 * finite_off, NEXT * roundoff * np.abs(wide(truth)))
    else:
        explained = np.maximum(4.0 * worst, HARMLESS * roundoff * scale)
    remaining = outside & (target_off > explained)
    if not remaining.any():
        return Resolution(Ruling.rounding, outside, "as close to the float64 value as eager")
    if jumps:
        return Resolution(Ruling.undecided, remaining, "not in float64: rounding may have tipped a decision")
    in_range = np.isfinite(truth) <= (np.abs(wide(truth)) <= largest(dtype) / 4)
    steady = eager_off <= ILL_CONDITIONED * scale
    factor = 4.0 if eager.size >= FEW else 32.0
    gross = remaining & in_range & steady & (target_off > GROSS * roundoff * scale) & (target_off > factor * worst)
    if gross.any():
        return Resolution(Ruling.wrong, np.asarray(gross), "far from the float64 value, to which eager is close")
    return Resolution(Ruling.undecided, remaining, "not clearly farther from the float64 value than eager")


def _scale(values: Array) -> NDArray[np.float64]:
    """Per element, the larger of its magnitude and the root mean square of all; infinities and NaNs do not count."""
    size = np.abs(wide(values))
    size = np.where(np.isfinite(size), size, 0.0)
    if not size.size:
        return size
    most = float(size.max())
    # squares of values beyond 1e154 overflow, so the mean is taken relative to the largest
    return np.maximum(size, most * float(np.sqrt(np.mean((size / most) ** 2)))) if most else size
