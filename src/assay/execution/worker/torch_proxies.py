"""Derivatives for what has none, or none that leads anywhere: roundings, comparisons, conversions, flat parts.

They are directions for a search and no more: what is found by them is checked by running the program.
"""

from __future__ import annotations

from typing import Any

import torch

from .torch_local import in_float64

FLAT = frozenset(
    {
        "relu",
        "relu6",
        "clamp",
        "clamp_min",
        "clamp_max",
        "hardtanh",
        "hardsigmoid",
        "hardswish",
        "hardshrink",
        "softshrink",
        "threshold",
        "abs",
        "square",
    }
)
"""Functions with parts of derivative zero, through which a tenth of the gradient goes on."""


def _values(entry: Any) -> list[torch.Tensor]:
    return [in_float64(operand.value) for operand in entry.operands]


def _straight(entry: Any, gradient: torch.Tensor) -> Any:
    """As if the first operand had been returned."""
    if not entry.operands or entry.operands[0].value.shape != gradient.shape:
        return None
    return [gradient, *([None] * (len(entry.operands) - 1))]


def _steep(entry: Any, gradient: torch.Tensor) -> Any:
    """A step, as steep as it is near."""
    (x, *rest) = _values(entry)
    if x.is_complex():
        return None
    return [gradient / (1 + x.abs()), *([None] * len(rest))]


def _apart(entry: Any, sign: float) -> Any:
    """The difference of the compared, the slope of a comparison there, and where the operands are in it."""
    values = {id(operand.place): in_float64(operand.value) for operand in entry.operands}
    left, right = (values.get(id(each), each) for each in entry.args[:2])
    difference = left - right
    slope = sign / (1 + difference.abs()) if isinstance(difference, torch.Tensor) else 0.0
    return difference, slope


def _compared(sign: float) -> Any:
    def proxy(entry: Any, gradient: torch.Tensor) -> Any:
        _, slope = _apart(entry, sign)
        return _sides(entry, gradient * slope)

    return proxy


def _equality(sign: float) -> Any:
    def proxy(entry: Any, gradient: torch.Tensor) -> Any:
        difference, slope = _apart(entry, -sign)
        return _sides(entry, gradient * slope * torch.sgn(difference))

    return proxy


def _sides(entry: Any, gradient: torch.Tensor) -> Any:
    """The gradient for the left operand, and its opposite for the right."""
    found = []
    for operand in entry.operands:
        total = torch.zeros_like(gradient)
        if operand.place is entry.args[0]:
            total = total + gradient
        if len(entry.args) > 1 and operand.place is entry.args[1]:
            total = total - gradient
        found.append(total)
    return found


def _both(entry: Any, gradient: torch.Tensor) -> Any:
    return [gradient for _ in entry.operands]


def _not(entry: Any, gradient: torch.Tensor) -> Any:
    return [-gradient]


def _spread(entry: Any, gradient: torch.Tensor) -> Any:
    """Of a reduction to truth: to all elements alike."""
    (x, *_) = _values(entry)
    share = gradient.sum() / max(x.numel(), 1)
    return [share.expand(x.shape)]


def _quotient(entry: Any, gradient: torch.Tensor) -> Any:
    """Of a rounded quotient, that of the quotient."""
    values = {id(operand.place): in_float64(operand.value) for operand in entry.operands}
    x, y = (values.get(id(each), each) for each in entry.args[:2])
    if isinstance(y, torch.Tensor):
        y = torch.where(y == 0, torch.ones((), dtype=torch.float64), y)
    found = []
    for operand in entry.operands:
        total = torch.zeros_like(gradient)
        if operand.place is entry.args[0]:
            total = total + gradient / y
        if operand.place is entry.args[1]:
            total = total - gradient * x / (y * y)
        found.append(total)
    return found


def _divided(entry: Any, gradient: torch.Tensor) -> Any:
    return _quotient(entry, gradient) if entry.kwargs.get("rounding_mode") else None


def _chosen(entry: Any, gradient: torch.Tensor) -> Any:
    """where: of the condition, what choosing the other would change."""
    values = {id(operand.place): in_float64(operand.value) for operand in entry.operands}
    if len(entry.args) < 3:
        return None
    condition, x, y = entry.args[:3]
    x, y = values.get(id(x), x), values.get(id(y), y)
    held = values[id(condition)]
    found = []
    for operand in entry.operands:
        total = torch.zeros_like(gradient)
        if operand.place is condition:
            total = total + gradient * (x - y)
        if operand.place is entry.args[1]:
            total = total + gradient * held
        if operand.place is entry.args[2]:
            total = total + gradient * (1 - held)
        found.append(total)
    return found


PROXIES: dict[str, Any] = {
    **dict.fromkeys(("floor", "ceil", "trunc", "round", "fix", "_to_copy", "clone", "lift_fresh_copy"), _straight),
    **dict.fromkeys(("sign", "sgn", "heaviside"), _steep),
    **dict.fromkeys(("gt", "ge"), _compared(1.0)),
    **dict.fromkeys(("lt", "le"), _compared(-1.0)),
    "eq": _equality(1.0),
    "ne": _equality(-1.0),
    **dict.fromkeys(
        ("logical_and", "logical_or", "logical_xor", "bitwise_and", "bitwise_or", "bitwise_xor"),
        _both,
    ),
    **dict.fromkeys(("logical_not", "bitwise_not"), _not),
    **dict.fromkeys(("any", "all"), _spread),
    "floor_divide": _quotient,
    "div": _divided,
    "where": _chosen,
}
"""By the name of a framework operation: the gradients of its operands, given the entry of the tape and the gradient of
its result; None where the derivative itself will do."""
