"""What is wrong with the operands of an operation, as a loss with a gradient: outside the domain, overflow, too near to
a jump.

`Losses` watches a tape (`torch_tape`). What leaves its domain is brought to the nearest point of it and goes on from
there, so that one run shows all that is wrong in a program, and not just the first. Distances are relative to the
operand, beyond one: so a step that takes back a linear loss also takes back an exponential one in a few.
"""

from __future__ import annotations

import math
from typing import Any

import torch

from .torch_local import fractional, in_float64, roundoff, wide_dtype
from .torch_tape import Entry, address, tensors

NEAR_ZERO = 0.0625
AFTER = 0.125
"""Of the largest finite magnitude, what is aimed at where a result overflows."""

MARGIN = 64.0
"""Roundoffs of an operand, relative to it beyond one, within which a decision counts as near to tip."""

DIVIDING = frozenset({"div", "floor_divide", "remainder", "fmod", "copysign"})
BY_NAME = {
    ("running_var", None): (2.0**-6, 2.0**10),
    ("weight", "nll_loss_forward"): (0.25, 4.0),
    ("weight", "nll_loss2d_forward"): (0.25, 4.0),
}
"""Domains by the name of the argument, in operations whose operands stand in another order than the specification's."""

SINGULAR = frozenset({"sqrt", "asin", "acos", "hypot", "atan2", "pow", "lgamma"})
"""What is finite at the end of its domain, or beyond, where its derivative is not."""

ROUNDING = frozenset({"floor", "ceil", "trunc", "round", "frac"})
COMPARING = frozenset({"gt", "ge", "lt", "le", "eq", "ne"})
SIGN = frozenset({"sign", "sgn", "heaviside", "signbit"})
ORDERING = frozenset({"argmax", "argmin", "max", "min", "sort", "topk", "kthvalue", "median", "cummax", "cummin"})
MOVING = frozenset(
    {"_to_copy", "clone", "cat", "stack", "index", "index_select", "gather", "copy", "flip", "roll", "repeat", "neg"}
)


class Losses:
    """The losses of one run. ``total`` is that of all that is outside a domain, ``wrong`` how many operations are;
    ``fragile`` counts elements near a jump."""

    def __init__(self, rules: dict[str, Any], margins: bool) -> None:
        self.domains = rules["domains"]
        self.of_complex = rules["complex"]
        self.converted = rules["converted"]
        self.margins = margins
        self.training = bool(rules.get("training"))
        self.total = 0.0
        self.wrong = 0
        self.fragile = 0
        self.near = 0.0
        self.where: list[str] = []
        self.rounded: set[int] = set()
        self.tainted: set[int] = set()
        self._before = 0

    def before(self, entry: Entry) -> dict[int, torch.Tensor] | None:
        """Operands in the place of those with which the operation would raise, or convert what no integer holds."""
        plan = entry.plan
        self._before = self.wrong
        interval = None
        position = 0
        if plan.base == "_to_copy" and entry.operands:
            wanted = entry.kwargs.get("dtype")
            if entry.operands[0].value.is_floating_point() and wanted is not None:
                interval = self.converted.get(str(wanted)[6:])
        elif plan.base == "copysign":
            # The sign of a zero is nobody's promise.
            return self._away(entry)
        elif plan.base in self.domains:
            for place, (low, high) in self.domains[plan.base].items():
                if self.training and plan.base in SINGULAR:
                    interval, position = (low, high), int(place)
        if interval is None or position >= len(entry.args):
            return None
        operand = next((each for each in entry.operands if each.place is entry.args[position]), None)
        if operand is None or not operand.value.is_floating_point():
            return None
        mended = self._outside(entry, operand, *interval)
        if mended is None:
            return None
        operand.value = mended
        return {id(operand.place): mended}

    def after(self, entry: Entry) -> None:
        """See whether a result is finite; if not, note why, and put one there that is."""
        before = self._before
        if "empty" in entry.plan.name:
            return
        for result in entry.results:
            if fractional(result) and result.numel() and not finite(result):
                if all(finite(each.value) for each in entry.operands) and not _infinite(entry):
                    self._mend(entry)
                break
        follows = self.tainted and any(address(each.place) in self.tainted for each in entry.operands)
        if self.wrong > before or follows:
            self.tainted.update(map(address, entry.results))
        if self.margins:
            self._decide(entry)

    def _outside(self, entry: Entry, operand: Any, low: float, high: float) -> torch.Tensor | None:
        """Note by how much an operand is outside an interval; the nearest one inside, or None where it is."""
        value = parts(operand.value.detach())
        inside = value.clamp(low, high)
        apart = value - inside
        if not bool(apart.any()):
            return None
        scale = value.abs().clamp_min(1.0)
        self._note(entry, operand.place, apart / scale, 1.0 / scale)
        return whole(inside, operand.value).to(operand.value.dtype)

    def _note(
        self, entry: Entry, tensor: torch.Tensor, apart: torch.Tensor, slope: torch.Tensor, of_result: bool = False
    ) -> None:
        """A loss of signed distances: mostly that of the worst elements. What follows from what was mended waits: its
        gradient would lead through a point where the program is not."""
        distance = apart.abs()
        weights = (distance / distance.max()) ** 4
        weights = weights / weights.sum()
        self.wrong += 1
        self.where.append(entry.plan.name)
        if any(address(each.place) in self.tainted for each in entry.operands):
            return
        self.total += float((weights * distance).sum())
        entry.seeds.append((of_result, tensor, whole(weights * torch.sign(apart) * slope, tensor)))

    def _mend(self, entry: Entry) -> None:
        mended: dict[int, torch.Tensor] = {}
        for operand, low, high in self._intervals(entry):
            inside = self._outside(entry, operand, low, high)
            if inside is not None:
                mended[id(operand.place)] = inside
        mended.update(self._away(entry) or {})
        for operand in entry.operands:
            # Its derivative is taken there, too.
            operand.value = mended.get(id(operand.place), operand.value)
        values = [
            (operand, in_float64(operand.value.detach(), copy=True))
            for operand in entry.operands
            if fractional(operand.value)
        ]
        try:
            again = list(tensors(entry.call({id(operand.place): value for operand, value in values})))
        except (RuntimeError, TypeError, IndexError, NotImplementedError, ValueError):
            again = list(entry.results)
        for result, item in zip(entry.results, again):  # noqa: B905 -- Python 3.9
            if not fractional(result):
                continue
            item = parts(item.detach().to(wide_dtype(result.dtype)).reshape(result.shape))
            most = float(torch.finfo(result.dtype).max) * AFTER
            most = min(most, 1e150)
            if not finite(item):
                item = torch.nan_to_num(item, 0.0, most * 2, -most * 2)
                self._shrink(entry)
            elif bool((item.abs() > most / AFTER * 0.99).any()):
                over = item.abs().clamp_min(1.0)
                self._note(entry, result, (item - item.clamp(-most, most)) / over, 1.0 / over, of_result=True)
            with torch.no_grad():
                result.copy_(whole(item.clamp(-most, most), result))

    def _shrink(self, entry: Entry) -> None:
        """Where nothing else is known: smaller operands."""
        for operand in entry.operands:
            if fractional(operand.value) and operand.value.numel():
                value = parts(operand.value.detach())
                size = value.abs()
                if float(size.max()) > 1.0:
                    self._note(entry, operand.place, value / size.max() * (size > 1.0), 1.0 / size.clamp_min(1.0))

    def _intervals(self, entry: Entry) -> list[Any]:
        plan, found = entry.plan, []
        turned = any(operand.value.is_complex() for operand in entry.operands)
        for place, (low, high) in (self.of_complex if turned else self.domains).get(plan.base, {}).items():
            found += [(o, low, high) for o in _at(entry, int(place))]
        for (name, of), (low, high) in BY_NAME.items():
            if name in plan.names and of in (None, plan.base):
                found += [(o, low, high) for o in _at(entry, plan.names.index(name))]
        return found

    def _away(self, entry: Entry) -> dict[int, torch.Tensor] | None:
        """Operands away from zero, where one is near it that must not be; else None."""
        mended = {}
        for operand in _at(entry, 1) if entry.plan.base in DIVIDING else []:
            if operand.value.is_complex():
                mended.update(self._complex_away(entry, operand))
                continue
            value = operand.value.detach().to(torch.float64)
            side = torch.where(value < 0, -1.0, 1.0).to(torch.float64)
            away = torch.where(value.abs() < NEAR_ZERO, side * NEAR_ZERO, value)
            if bool((away != value).any()):
                self._note(entry, operand.place, value - away, torch.ones_like(value))
                mended[id(operand.place)] = operand.value = away.to(operand.value.dtype)
        return mended or None

    def _complex_away(self, entry: Entry, operand: Any) -> dict[int, torch.Tensor]:
        """The same of complex numbers, outward along the direction in which they lie."""
        value = in_float64(operand.value.detach())
        side = torch.where(value == 0, torch.ones_like(value), torch.sgn(value))
        away = torch.where(value.abs() < NEAR_ZERO, side * NEAR_ZERO, value)
        if not bool((away != value).any()):
            return {}
        apart = parts(value - away)
        self._note(entry, operand.place, apart, torch.ones_like(apart))
        operand.value = away.to(operand.value.dtype)
        return {id(operand.place): operand.value}

    # margins

    def _decide(self, entry: Entry) -> None:
        base = entry.plan.base
        floating = [operand for operand in entry.operands if operand.value.is_floating_point()]
        if base not in MOVING and floating:
            for result in entry.results:
                if result.is_floating_point():
                    self.rounded.add(result.untyped_storage()._cdata)
        elif any(operand.place.untyped_storage()._cdata in self.rounded for operand in floating):
            self.rounded.update(result.untyped_storage()._cdata for result in entry.results)
        if not any(operand.place.untyped_storage()._cdata in self.rounded for operand in floating):
            return
        if base in ROUNDING:
            value = floating[0].value.detach().to(torch.float64)
            jump = {"round": 0.5}.get(base, 0.0)
            self._margin(entry, floating[0], value - (torch.round(value - jump) + jump), value)
        elif base in SIGN:
            value = floating[0].value.detach().to(torch.float64)
            self._margin(entry, floating[0], value, value)
        elif base in COMPARING:
            values = {id(o.place): o.value.detach().to(torch.float64) for o in entry.operands}
            x, y = (values.get(id(each), each) for each in entry.args[:2])
            for operand in floating[:1]:
                sign = 1.0 if operand.place is entry.args[0] else -1.0
                apart = sign * (x - y)
                if isinstance(apart, torch.Tensor) and apart.shape == operand.value.shape:
                    self._margin(entry, operand, apart, values[id(operand.place)])
        elif base in ORDERING and floating[0].value.numel() > 1:
            value = floating[0].value.detach().to(torch.float64).reshape(-1)
            ordered, index = torch.sort(value)
            gaps = ordered[1:] - ordered[:-1]
            apart = torch.full_like(value, math.inf)
            apart[index[1:]] = gaps
            self._margin(entry, floating[0], apart.reshape(floating[0].value.shape), floating[0].value)

    def _margin(self, entry: Entry, operand: Any, apart: torch.Tensor, value: torch.Tensor) -> None:
        """Elements nearer to a jump than rounding is certain not to take them."""
        width = MARGIN * roundoff(operand.value.dtype) * value.abs().to(torch.float64).clamp_min(1.0)
        near = apart.abs() < width
        count = int(near.sum())
        if count:
            self.fragile += count
            away = torch.where(apart < 0, -1.0, 1.0).to(torch.float64) * near
            self.near += float(((width - apart.abs()) * near / width).sum())
            if self.margins:
                entry.seeds.append((False, operand.place, -away))


def parts(tensor: torch.Tensor) -> torch.Tensor:
    """Real numbers in float64: of complex ones the two parts, in a last dimension."""
    return torch.view_as_real(in_float64(tensor).resolve_conj()) if tensor.is_complex() else tensor.to(torch.float64)


def whole(real: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Of parts, numbers as complex as another tensor's."""
    return torch.view_as_complex(real.contiguous()) if like.is_complex() else real


def _at(entry: Entry, position: int) -> list[Any]:
    if position >= len(entry.args):
        return []
    return [o for o in entry.operands if o.place is entry.args[position] and fractional(o.value)]


def _infinite(entry: Entry) -> bool:
    """Whether an infinity was written down as a number, as that of a mask is."""
    return any(isinstance(each, float) and not math.isfinite(each) for each in (*entry.args, *entry.kwargs.values()))


def finite(tensor: torch.Tensor) -> bool:
    """Whether all elements are finite; integers are."""
    if not fractional(tensor) or not tensor.numel():
        return True
    if tensor.is_complex():
        return bool(torch.isfinite(tensor).all())
    if math.isfinite(tensor.sum(dtype=torch.float64).item()):
        return True
    return bool(torch.isfinite(tensor).all())
