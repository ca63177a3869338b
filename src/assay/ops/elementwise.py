"""Builders for the elementwise families: one operand, and the facts of a function applied to every element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from assay.ir.types import ALL
from assay.ops.errors import ErrorRule, Rules, moves, rounded, steps
from assay.ops.facts import Facts, Interval
from assay.ops.operands import free
from assay.ops.promotion import to_float
from assay.ops.protocol import Operator, operator

Function = Callable[[Facts], Facts]
TRANSCENDENTAL = rounded(8.0)


def unary(
    name: str,
    facts: Function,
    dtypes: tuple[str, ...] = ALL,
    *,
    result: Callable[[str], str] = lambda dtype: dtype,
    domain: Interval | None = None,
    jumps: bool = False,
    error: ErrorRule | Rules | None = None,
    **rest: Any,
) -> Operator:
    """An elementwise function without attributes, by torch's name; ``result`` gives the result's dtype.

    By default it rounds nothing, and steps where it ``jumps``.
    """
    last = name.partition(".")[2]
    rest.setdefault("torch", f"torch.{last}")
    rest.setdefault("inplace", f"{last}_")
    rest.setdefault("out", True)
    return operator(
        name,
        operands=[free("x", dtypes, domain=domain, jumps=jumps)],
        infer=lambda b: b.x.with_dtype(result(b.x.dtype)),
        facts=lambda b, f: facts(f.x),
        error=(steps() if jumps else moves()) if error is None else error,
        **rest,
    )


def smooth(
    name: str,
    facts: Function,
    domain: Interval | None = None,
    dtypes: tuple[str, ...] = ALL,
    *,
    error: ErrorRule | Rules = TRANSCENDENTAL,
    **rest: Any,
) -> Operator:
    """A function whose results are rounded; integers become the default float."""
    return unary(name, lambda x: facts(x).rounded(), dtypes, result=to_float, domain=domain, error=error, **rest)


def rising(function: Callable[[float], float]) -> Function:
    """Facts under a non-decreasing function."""
    return lambda x: x.through(function)


def falling(function: Callable[[float], float]) -> Function:
    """Facts under a non-increasing function."""
    return lambda x: Facts(function(x.high), function(x.low))


def bounded(low: float, high: float) -> Function:
    """Fixed bounds."""
    return lambda x: Facts(low, high)


def above(bottom: float, function: Callable[[float], float]) -> Function:
    """Facts under a function that is at least ``bottom`` and largest at an end of every interval (a valley)."""
    return lambda x: Facts(min(bottom, function(x.low), function(x.high)), max(function(x.low), function(x.high)))
