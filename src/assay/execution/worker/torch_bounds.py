"""One operation on shadows: the value that it has in higher precision, and the bound of its error, by the rule that its
specification states (`assay.ops.errors`; docs/numerics.md derives the formulas).

Bounds are absolute and per element. Infinity says that nothing is known of an element.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch

from . import torch_candidates
from .torch_fragile import COMPARISONS, EQUALITIES, FRAGILE, masked, meeting, reached, tied, tipped
from .torch_local import (
    combined,
    computed_in,
    fractional,
    greatest,
    local,
    narrow,
    offset,
    representable,
    rounded_first,
    roundoff,
    wide_dtype,
)

DRAWS = 8
ALONE = (3, 4)
CORNERS = 3
"""Uncertain operands of single elements up to which all corners are tried; more are moved one after the other."""
PARTS = (0.382, 0.618, 1.0)
"""Of what an operand may be off, where the operation jumps: one that is periodic has the same value a period away, so
the ends are not all there is."""


class Rule(NamedTuple):
    """See `assay.ops.errors.ErrorRule`."""

    kind: str
    k: float = 0.0
    one: float = 0.0
    operand: float = 0.0
    jumps: Sequence[int] = ()
    narrow: bool | str = False
    scatters: bool = False
    inside: float = 0.0
    times: int = -1
    each: float = 0.0
    absolute: bool = False
    centred: int = 0


class Leaf(NamedTuple):
    """A tensor operand: as eager has it, in higher precision, its bound (None: exact), whether the operation writes
    it."""

    real: torch.Tensor
    h: torch.Tensor
    e: torch.Tensor | None
    written: bool

    @property
    def uncertain(self) -> bool:
        """Whether any element has an error."""
        return self.e is not None

    @property
    def fractions(self) -> bool:
        """Whether it holds fractions, as against integers or booleans."""
        return fractional(self.h)


class Call(NamedTuple):
    """An operation, its operands, and what eager made of them: ``results`` are the tensors that it returned and then
    those that it wrote; ``present`` says which of the values that it returned are tensors. ``scalars`` are the rounded
    numbers that the program has read, with their bounds; ``choices`` receives what fragile indices chose among, by the
    number of the result."""

    name: str
    function: Any
    args: Any
    kwargs: Any
    leaves: list[Leaf]
    results: list[torch.Tensor]
    present: list[bool]
    scalars: dict[float, float]
    choices: dict[int, Any]


_FACTORS = frozenset(["alpha", "beta", "value"])

Bound = tuple[torch.Tensor, "torch.Tensor | None"]
Values = Sequence["torch.Tensor | None"]


def bound(call: Call, rule: Rule) -> list[Bound]:
    """Value and bound of every result, those that are written last. Raises what the framework raises where it does not
    compute the operation in higher precision."""
    call = call._replace(leaves=rounded_first(call))
    if rule.kind == "sums":
        found = _sums(call, rule)
    elif rule.kind in ("smooth", "steady", "unknown"):
        found = _smooth(call, rule)
    elif rule.kind == "selects":
        found = _selects(call)
    else:
        found = _pointwise(call, rule)
    if rule.kind in _SEVERAL_STEPS:
        found = _beyond_the_range(call, found, summed=rule.kind == "sums")
    return [
        _stored(result, h, e, rounds=rule.kind not in ("moves", "selects"))
        for result, (h, e) in zip(call.results, found)  # noqa: B905 -- Python 3.9
    ]


_SEVERAL_STEPS = frozenset(["sums", "smooth", "steady", "unknown"])
_ROOM = 2.0**-12


def _beyond_the_range(call: Call, found: list[Bound], *, summed: bool) -> list[Bound]:
    """Nothing is known of what is infinite or NaN after several steps, which another formula takes elsewhere:
    x·∞ + (b − m·∞) is not (x − m)·∞ + b; what is ``summed`` is so in any order. Nor is anything known where operands
    are so large that some of these steps may overflow; nor of a convolution with an operand that is not finite, since
    kernels leave out what is multiplied by padding, or multiply it."""
    if summed and "convolution" in call.name and not all(_finite(leaf.h) for leaf in call.leaves if leaf.fractions):
        return [(h, torch.full_like(h, torch.inf, dtype=torch.float64)) for h, _ in found]
    kept: list[Bound] = []
    for result, (h, e) in zip(call.results, found):  # noqa: B905
        if e is not None and fractional(result):
            e = e if summed else torch.where(torch.isfinite(h), e, torch.inf)
            most = torch.finfo(result.dtype).max * _ROOM
            sizes = (leaf.h.abs() for leaf in call.leaves if leaf.fractions and leaf.h.numel())
            if any(bool((torch.isfinite(size) & (size > most)).any()) for size in sizes):
                e = torch.full_like(e, torch.inf)
        kept.append((h, e))
    return kept


def _finite(values: torch.Tensor) -> bool:
    return bool(torch.isfinite(values).all())


# evaluation


def _evaluate(call: Call, values: Values, scalars: Callable[[float], float] | None = None) -> list[torch.Tensor]:
    """The operation with other tensors in place of its operands (None: the higher precision)."""
    supply = iter(
        (leaf.h if value is None else value).clone() if leaf.written else (leaf.h if value is None else value)
        for leaf, value in zip(call.leaves, values)  # noqa: B905
    )
    handed: list[torch.Tensor] = []

    def replaced(argument: Any, name: str = "") -> Any:
        if isinstance(argument, torch.Tensor):
            handed.append(next(supply))
            return handed[-1]
        if isinstance(argument, (tuple, list)):
            return type(argument)([replaced(item) for item in argument])
        if isinstance(argument, torch.dtype) and (argument.is_floating_point or argument.is_complex):
            return wide_dtype(argument)
        if scalars is not None and isinstance(argument, float):
            return scalars(argument)
        if scalars is abs and type(argument) is int and name in _FACTORS:
            return abs(argument)
        return argument

    args = [replaced(argument) for argument in call.args]
    kwargs = {name: replaced(argument, name) for name, argument in call.kwargs.items()}
    out = call.function(*args, **kwargs)
    written = [tensor for tensor, leaf in zip(handed, call.leaves) if leaf.written]  # noqa: B905
    fresh: list[torch.Tensor] = []
    returned = [each for each in _flattened(out) if not any(each is tensor for tensor in handed)]
    for number, present in enumerate(call.present):
        if present:
            each = returned[number] if number < len(returned) else None
            # A gradient that was not asked for, which eager made all the same.
            like = call.results[len(fresh)]
            fresh.append(torch.full(like.shape, torch.nan, dtype=torch.float64) if each is None else each)
    found = [*fresh, *written]
    if len(found) != len(call.results) or any(a.shape != b.shape for a, b in zip(found, call.results)):  # noqa: B905
        raise ValueError("other results in higher precision")
    return found


def _flattened(out: Any) -> list[Any]:
    """Returned values in a row, lists of tensors opened."""
    items = out if isinstance(out, (tuple, list)) else (out,)
    return [each for item in items for each in (item if isinstance(item, (tuple, list)) else (item,))]


def _base(call: Call) -> list[torch.Tensor]:
    """The results in higher precision; integers are pinned to what eager has."""
    found = _evaluate(call, [None] * len(call.leaves))
    return [
        tensor if fractional(tensor) else real.detach().clone()
        for tensor, real in zip(found, call.results)  # noqa: B905
    ]


def _change(moved: torch.Tensor, base: torch.Tensor) -> torch.Tensor:
    """How far results moved, per element, in float64: nothing where both are the same infinity or NaN, infinitely far
    where only one is."""
    if not fractional(base):
        return (moved.to(torch.float64) - base.to(torch.float64)).abs()
    apart = (moved - base).abs()
    if not torch.isfinite(apart).all():
        same = (moved == base) | (torch.isnan(moved) & torch.isnan(base))
        apart = torch.where(same, 0.0, apart.nan_to_num(torch.inf, torch.inf, torch.inf))
    return apart


def _nothing(results: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    return [torch.zeros(tensor.shape, dtype=torch.float64) for tensor in results]


def _worse(bounds: list[torch.Tensor], moved: Sequence[torch.Tensor], base: Sequence[torch.Tensor]) -> None:
    for number, (there, here) in enumerate(zip(moved, base)):  # noqa: B905
        bounds[number] = torch.maximum(bounds[number], _change(there, here))


# rules


def _pointwise(call: Call, rule: Rule) -> list[Bound]:
    base = _base(call)
    change = _nothing(base)
    together = rule.kind == "moves"
    uncertain = [number for number, leaf in enumerate(call.leaves) if leaf.uncertain and leaf.fractions]
    jumping = _jumping(call, rule)
    masks = [number for number, leaf in enumerate(call.leaves) if leaf.uncertain and not leaf.fractions]
    steps: dict[int, torch.Tensor] = {}
    for part in PARTS if jumping else (1.0,):
        steps = {
            number: call.leaves[number].e * (FRAGILE * part if number in jumping else 1)  # type: ignore[operator]
            for number in uncertain
        }
        for flips in masked(call, masks):
            moved = _by_steps(call, base, flips, steps, together=together)
            change = [torch.maximum(a, b) for a, b in zip(change, moved)]  # noqa: B905
    # Nothing but a zero is false, and some jumps have a value of their own there.
    zeros = {n: torch.where(call.leaves[n].h.abs() <= steps[n], 0.0, call.leaves[n].h) for n in jumping}
    for chosen in [zeros, *({n: zeros[n]} for n in zeros if len(zeros) > 1)]:
        if chosen:
            _worse(change, _evaluate(call, _with(call, chosen)), base)
    change = [a + b for a, b in zip(change, _by_scalars(call, rule, base))]  # noqa: B905
    if call.name in EQUALITIES and (uncertain or masks):
        change = [torch.maximum(each, meeting(call).to(each)) for each in change]
    if call.name in COMPARISONS and uncertain:
        change = [torch.where(tied(call), 0.0, each) if each.shape == base[0].shape else each for each in change]
    for number, affected in enumerate(_indexed(call, rule, masks)):
        change[number] = torch.where(affected, torch.inf, change[number])
    magnitude = None
    if rule.absolute:
        sizes = [leaf.h if leaf.h.dtype == torch.bool else leaf.h.abs() for leaf in call.leaves]
        magnitude = _evaluate(call, sizes, abs)[0].abs()
    return [
        (h, moved + local(call, rule, result, h, moved, magnitude))
        for result, h, moved in zip(call.results, base, change)  # noqa: B905
    ]


def _by_steps(
    call: Call,
    base: list[torch.Tensor],
    flips: dict[int, torch.Tensor],
    steps: dict[int, torch.Tensor],
    *,
    together: bool,
) -> list[torch.Tensor]:
    """How far results go where each operand is moved by its step, either way, and masks are as ``flips`` has them."""
    change = _nothing(base)
    if together and steps:
        for sign in (1.0, -1.0):
            moved = {number: _moved(call.leaves[number].h, sign * step) for number, step in steps.items()}
            _worse(change, _evaluate(call, _with(call, {**flips, **moved})), base)
    elif 0 < len(steps) <= CORNERS and not any(call.leaves[n].h.is_complex() for n in steps):
        for signs in itertools.product((1.0, -1.0), repeat=len(steps)):
            moved = {
                number: _moved(call.leaves[number].h, sign * step)
                for (number, step), sign in zip(steps.items(), signs)  # noqa: B905
            }
            _worse(change, _evaluate(call, _with(call, {**flips, **moved})), base)
    elif steps:
        for number, step in steps.items():
            one = _nothing(base)
            h = call.leaves[number].h
            for turn in (1.0, -1.0, 1j, -1j) if h.is_complex() else (1.0, -1.0):
                _worse(one, _evaluate(call, _with(call, {**flips, number: _moved(h, turn * step)})), base)
            change = [a + b for a, b in zip(change, one)]  # noqa: B905
    elif flips:
        _worse(change, _evaluate(call, _with(call, flips)), base)
    return change


def _jumping(call: Call, rule: Rule) -> list[int]:
    """The uncertain operands in which the operation is discontinuous."""
    discrete = not any(fractional(tensor) for tensor in call.results)
    return [
        number
        for number, leaf in enumerate(call.leaves)
        if leaf.uncertain and leaf.fractions and (number in rule.jumps or discrete)
    ]


def _moved(h: torch.Tensor, by: torch.Tensor) -> torch.Tensor:
    """h + by; what is infinite or NaN stays so where nothing moves it, and goes to the ends where nothing is known."""
    unknown = ~torch.isfinite(h) & ~torch.isfinite(by)
    return torch.where(by == 0, h, torch.where(unknown, by, h + by))


def _with(call: Call, replaced: dict[int, torch.Tensor]) -> list[torch.Tensor | None]:
    return [replaced.get(number) for number in range(len(call.leaves))]


def _indexed(call: Call, rule: Rule, masks: list[int]) -> list[torch.Tensor]:
    """Where results depend on an integer operand of which nothing is known; where it may point, if it says where
    results go."""
    affected = [torch.zeros(tensor.shape, dtype=torch.bool) for tensor in call.results]
    wild = [n for n in masks if bool(torch.isinf(call.leaves[n].e).any())]  # type: ignore[arg-type]
    if not wild:
        return affected
    if rule.kind == "unknown":
        return [torch.ones_like(each) for each in affected]
    if rule.scatters:
        for number in wild:
            affected = [a | reached(call, number, result) for a, result in zip(affected, call.results)]  # noqa: B905
        return affected
    generator = torch.Generator().manual_seed(7)
    noise: dict[int, torch.Tensor] = {
        number: torch.rand(leaf.h.shape, generator=generator, dtype=torch.float64).to(leaf.h.dtype) + 1
        for number, leaf in enumerate(call.leaves)
        if leaf.fractions
    }
    here = _evaluate(call, _with(call, noise))
    for sign in (1, -1):
        other = {number: tipped(call, number, sign) for number in wild}
        there = _evaluate(call, _with(call, {**noise, **other}))
        affected = [known | (a != b) for known, a, b in zip(affected, here, there)]  # noqa: B905
    return affected


def _by_scalars(call: Call, rule: Rule, base: list[torch.Tensor]) -> list[torch.Tensor]:
    """What Python numbers contribute that a narrower type rounds, or that the program has read from a rounded
    tensor."""
    change = _nothing(base)
    for number in {number for number in _floats((call.args, list(call.kwargs.values()))) if math.isfinite(number)}:
        off = call.scalars.get(number, 0.0)
        for result in call.results:
            if not fractional(result):
                continue
            narrow = result.dtype if rule.kind == "moves" or rule.jumps else computed_in(result.dtype)
            if not bool(representable(torch.tensor(number, dtype=torch.float64), narrow)):
                off = max(off, abs(number) * roundoff(narrow))
        if off:
            for step in (off, -off):
                moved = _evaluate(
                    call,
                    [None] * len(call.leaves),
                    lambda each, n=number, s=step: each + s if each == n else each,  # type: ignore[misc]
                )
                _worse(change, moved, base)
    return change


def _floats(argument: Any) -> list[float]:
    if isinstance(argument, float):
        return [argument]
    if isinstance(argument, (tuple, list)):
        return [number for item in argument for number in _floats(item)]
    return []


def _sums(call: Call, rule: Rule) -> list[Bound]:
    """L = (4 + 2 sqrt n) u A + u|h|, with A the same operation on magnitudes; the bounds of operands add up in
    magnitude."""
    base = _base(call)
    masks = [number for number, leaf in enumerate(call.leaves) if leaf.uncertain and not leaf.fractions]
    size = [leaf.h.abs() if leaf.fractions else None for leaf in call.leaves]
    magnitudes = _evaluate(call, size, abs)
    uncertain = any(leaf.uncertain and leaf.fractions for leaf in call.leaves)
    if uncertain:
        raised = [
            a if a is None or leaf.e is None else a + leaf.e
            for a, leaf in zip(size, call.leaves)  # noqa: B905
        ]
        change = [_change(a, b) for a, b in zip(_evaluate(call, raised, abs), magnitudes)]  # noqa: B905
    else:
        change = _nothing(base)
    for flips in masked(call, masks)[1:]:
        _worse(change, _evaluate(call, _with(call, flips)), base)
    for number, affected in enumerate(_indexed(call, rule, masks)):
        change[number] = torch.where(affected, torch.inf, change[number])
    change = [a + b for a, b in zip(change, _by_scalars(call, rule, base))]  # noqa: B905
    terms = _terms(call)
    found: list[Bound] = []
    for result, h, most, moved, counted in zip(call.results, base, magnitudes, change, terms):  # noqa: B905
        if not fractional(result):
            found.append((h, moved))
            continue
        if not uncertain and not masks and rule.k <= 1.0 and _sum_is_exact(call, result, h, most):
            found.append((h, moved))
            continue
        averaged = max((leaf.h.numel() for leaf in call.leaves if leaf.fractions), default=1) / max(h.numel(), 1)
        n = max(float(counted.max()) if counted.numel() else 1.0, averaged, 1.0)
        unit = roundoff(result.dtype)
        computed = unit if narrow(call, rule) else roundoff(computed_in(result.dtype))
        factor = rule.k * (4 + 2 * math.sqrt(n)) * computed
        if unit > computed:
            factor += rule.inside * unit
        lost = factor * (most.abs() + rule.operand * greatest(size)) + unit * h.abs()
        lost = torch.where(torch.isfinite(h), lost, 0.0)
        if rule.each:
            positions = max((max(leaf.h.shape, default=1) for leaf in call.leaves), default=1)
            positions = max(positions, max(h.shape, default=1))
            lost = lost + rule.each * roundoff(computed_in(result.dtype)) * positions * greatest(size)
        if rule.scatters:
            # A place that one element reaches holds that element.
            lost = torch.where((counted <= 1) & representable(h, result.dtype), 0.0, lost)
        found.append((h, moved + lost))
    return found


def _terms(call: Call) -> list[torch.Tensor]:
    """How many terms each element of the results sums: the operation on ones counts them, but for averages, which hide
    as many as the operand has more elements."""
    ones: list[torch.Tensor | None] = [torch.ones_like(leaf.h) if leaf.fractions else None for leaf in call.leaves]
    return [
        counted.to(torch.float64) if counted.dtype == torch.bool else counted.abs()
        for counted in _evaluate(call, ones, abs)
    ]


def _sum_is_exact(call: Call, result: torch.Tensor, h: torch.Tensor, most: torch.Tensor) -> bool:
    """Whether every order of summation gives the same bits: all terms are multiples of a unit, and their magnitudes
    stay below 2**p of it."""
    if not h.numel():
        return True
    if result.is_complex():
        return False
    unit = 0
    for leaf in call.leaves:
        if leaf.fractions:
            exponent = _lowest_bit(leaf.h)
            if exponent is None:
                return False
            unit += exponent
    for number in _floats((call.args, list(call.kwargs.values()))):
        exponent = _lowest_bit(torch.tensor(number, dtype=torch.float64))
        if exponent is None:
            return False
        unit += min(exponent, 0)
    if call.name == "mean":
        count = max(leaf.h.numel() for leaf in call.leaves) // h.numel()
        if count & (count - 1):
            return False
        unit -= count.bit_length() - 1
    bits = -math.log2(roundoff(result.dtype))
    largest = float(most.abs().max())
    return math.isfinite(largest) and largest < 2.0 ** (bits + unit) and bool(representable(h, result.dtype).all())


def _lowest_bit(h: torch.Tensor) -> int | None:
    """The largest k for which every element is a multiple of 2**k; None where one is not finite, 0 where all are
    zero."""
    if h.is_complex() or not bool(torch.isfinite(h).all()):
        return None
    mantissa, exponent = torch.frexp(h)
    whole = (mantissa * 2.0**53).to(torch.int64)
    low = whole & -whole
    present = whole != 0
    if not bool(present.any()):
        return 0
    power = exponent.to(torch.float64) - 53 + torch.log2(low.to(torch.float64))
    return int(power[present].min())


def _smooth(call: Call, rule: Rule) -> list[Bound]:
    """The conditioning is sampled: the largest change under relative perturbations of what the operation rounds
    inside, and twice that under the bounds of its operands."""
    base = _base(call)
    masks = [number for number, leaf in enumerate(call.leaves) if leaf.uncertain and not leaf.fractions]
    fractions = [number for number, leaf in enumerate(call.leaves) if leaf.fractions]
    n = combined(call, base)
    dtype = next((tensor.dtype for tensor in call.results if fractional(tensor)), None)
    if dtype is None:
        changed = any(leaf.uncertain for leaf in call.leaves)
        return [(h, torch.full(h.shape, torch.inf if changed else 0.0, dtype=torch.float64)) for h in base]
    unit = roundoff(dtype)
    computed = unit if narrow(call, rule) or rule.kind == "unknown" else roundoff(computed_in(dtype))
    relative = (4 + 2 * math.sqrt(n)) * computed + (rule.inside * unit if unit > computed else 0.0)
    inside, outside = _nothing(base), _nothing(base)
    uncertain = [number for number in fractions if call.leaves[number].uncertain]
    generator = torch.Generator().manual_seed(11)
    if rule.kind == "steady":
        inside = [(relative + rule.each * n * computed) * tensor.abs().to(torch.float64) for tensor in base]
    for draw in range(DRAWS):
        if rule.kind != "steady":
            moved = {}
            for number in fractions:
                h = call.leaves[number].h
                moved[number] = h * (1 + relative * _signs(h, generator, draw))
            _worse(inside, _evaluate(call, _with(call, moved)), base)
        if uncertain:
            moved = {number: _jolted(call.leaves[number], generator, draw) for number in uncertain}
            _worse(outside, _evaluate(call, _with(call, moved)), base)
    if len(fractions) > 1 and rule.kind != "steady":
        # What two operands do to one element may cancel in each of the draws: x - mean, where both are one number.
        for number in fractions:
            moved = {number: call.leaves[number].h * (1 + relative)}
            _worse(inside, _evaluate(call, _with(call, moved)), base)
    if len(uncertain) > 1:
        # The same goes for their bounds.
        total = _nothing(base)
        for number in uncertain:
            alone = _nothing(base)
            for draw in ALONE:
                moved = {number: _jolted(call.leaves[number], generator, draw)}
                _worse(alone, _evaluate(call, _with(call, moved)), base)
            total = [a + b for a, b in zip(total, alone)]  # noqa: B905
        outside = [torch.maximum(a, b) for a, b in zip(outside, total)]  # noqa: B905
    for flips in masked(call, masks)[1:]:
        _worse(outside, _evaluate(call, _with(call, flips)), base)
    affected = _indexed(call, rule, masks)
    if rule.centred:
        once = rule.k * computed + (rule.inside * unit if unit > computed else 0.0)
        inside = [each + once * size for each, size in zip(inside, offset(call, base, rule.centred))]  # noqa: B905
    found: list[Bound] = []
    for result, h, near, far, unknown in zip(call.results, base, inside, outside, affected):  # noqa: B905
        error = near + 2 * far + local(call, rule, result, h, near + far + 1)
        found.append((h, torch.where(unknown, torch.inf, error)))
    return found


def _jolted(leaf: Leaf, generator: torch.Generator, draw: int) -> torch.Tensor:
    """An operand at the end of its bounds."""
    assert leaf.e is not None
    signs = torch.sgn(leaf.h.real if leaf.h.is_complex() else leaf.h) if draw == 2 else _signs(leaf.h, generator, draw)
    return _moved(leaf.h, leaf.e * signs)


def _signs(h: torch.Tensor, generator: torch.Generator, draw: int) -> torch.Tensor:
    """A sign per element: all one way, as on a chessboard, so that what is next to each other parts, then random."""
    if draw < 2:
        return torch.full(h.shape, 1.0 - 2.0 * draw, dtype=torch.float64)
    if draw == 3:
        board = torch.zeros(h.shape, dtype=torch.float64)
        for dim, size in enumerate(h.shape):
            board += torch.arange(size).reshape([-1 if each == dim else 1 for each in range(h.dim())])
        return 1.0 - 2.0 * (board % 2)
    return torch.randint(0, 2, h.shape, generator=generator).to(torch.float64) * 2 - 1


def _selects(call: Call) -> list[Bound]:
    """Chosen values move as far as what they are chosen from; an index is fragile where another element is near."""
    base = _base(call)
    leaf = call.leaves[0]
    if leaf.e is None:
        return [(h, torch.zeros(h.shape, dtype=torch.float64)) for h in base]
    change = _nothing(base)
    for sign in (1.0, -1.0):
        moved = _evaluate(call, _with(call, {0: _moved(leaf.h, sign * leaf.e)}))
        _worse(change, moved, base)
    found: list[Bound] = []
    for number, (result, h, moved_by) in enumerate(zip(call.results, base, change)):  # noqa: B905
        # The values come first; those of integers are chosen like any others.
        if number < len(call.results) - 1 or (number == 0 and not call.name.startswith("arg")):
            found.append((h, moved_by))
            continue
        numbers = leaf.h.to(torch.int64) if leaf.h.dtype == torch.bool else leaf.h
        about = (call.name, call.args, call.kwargs, numbers, leaf.e * FRAGILE, result.detach())
        fragile = torch_candidates.fragile(*about)
        if bool(fragile.any()):
            call.choices[number] = torch_candidates.searched(*about)
        found.append((h, torch.where(fragile, torch.inf, 0.0)))
    return found


def _stored(result: torch.Tensor, h: torch.Tensor, e: torch.Tensor | None, *, rounds: bool) -> Bound:
    """The bound once the result is stored in its dtype: near overflow nothing is known, and what is subnormal may have
    been flushed to zero."""
    if e is None:
        return h, None
    e = e.nan_to_num(torch.inf, torch.inf)
    if fractional(result):
        real = result.detach()
        if rounds and result.dtype not in (torch.float64, torch.complex128):
            limits = torch.finfo(result.dtype)
            size = h.abs()
            e = torch.where(torch.isfinite(size) & (size + e > limits.max / 4), torch.inf, e)
            e = torch.where((size > 0) & (size < limits.tiny), e + limits.tiny, e)
        finite = torch.isfinite(real) == torch.isfinite(h)
        e = torch.where(finite, e, torch.inf)
        h = h.to(wide_dtype(result.dtype))
    return h, e if bool(e.any()) else None
