"""The fault ``missing_upcast``: a reduction whose running sum is kept in 16 bits, term after term; that of float32 in
bfloat16."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch.fx import Node

from benchmarks.controls.faults import LONGEST, PRODUCTS, SUMS, fault, floating, is_short
from benchmarks.controls.graphs import NARROW, dtype_of, operator_name, words
from benchmarks.controls.reductions import Function, dims_of, gathered, kept_shape

NAME = "missing_upcast"


def _kept_in(node: Node) -> torch.dtype | None:
    """The type of the running sum; None where the fault makes no sense."""
    dtype = dtype_of(node)
    if not floating(node) or dtype is None or dtype == torch.float64:
        return None
    if operator_name(node) != "cumsum.default" and not is_short(node):
        return None
    return dtype if dtype in NARROW else torch.bfloat16


def _running(terms: Iterable[torch.Tensor], kept_in: torch.dtype) -> torch.Tensor:
    total = None
    for term in terms:
        total = term.to(kept_in) if total is None else (total.float() + term.float()).to(kept_in)
    assert total is not None
    return total.float()


@fault(NAME, SUMS)
def _sum(node: Node, function: Function) -> Function | None:
    kept_in, mean = _kept_in(node), operator_name(node).startswith("mean")
    if kept_in is None:
        return None

    def wrong(x: torch.Tensor, dim: Any = None, keepdim: bool = False, **kwargs: Any) -> torch.Tensor:
        dims = dims_of(dim, x.dim())
        terms = gathered(x, dims)
        if not terms.shape[-1]:
            return function(x, dim, keepdim, **kwargs) if dim is not None else function(x, **kwargs)
        total = _running(terms.unbind(-1), kept_in)
        return (total / terms.shape[-1] if mean else total).reshape(kept_shape(x, dims, keepdim))

    return wrong


@fault(NAME, words("cumsum.default"))
def _running_sum(node: Node, function: Function) -> Function | None:
    kept_in = _kept_in(node)
    if kept_in is None:
        return None

    def wrong(x: torch.Tensor, dim: int, **kwargs: Any) -> torch.Tensor:
        if x.dim() == 0 or not 0 < x.shape[dim] <= LONGEST:
            return function(x, dim, **kwargs)
        parts: list[torch.Tensor] = []
        for term in x.unbind(dim):
            parts.append(_running([parts[-1], term] if parts else [term], kept_in))
        return torch.stack(parts, dim)

    return wrong


@fault(NAME, PRODUCTS)
def _product(node: Node, function: Function) -> Function | None:
    kept_in, name = _kept_in(node), operator_name(node)
    if kept_in is None:
        return None
    added = name.startswith(("addmm", "baddbmm"))

    def wrong(*args: Any, beta: Any = 1, alpha: Any = 1) -> torch.Tensor:
        a, b = args[-2:]
        rows = a.unsqueeze(0) if a.dim() == 1 else a
        columns = b.unsqueeze(-1) if b.dim() == 1 else b
        size = rows.shape[-1]
        if not size:
            return function(*args, beta=beta, alpha=alpha) if added else function(*args)
        left, right = rows.float(), columns.float()
        terms = (left[..., step : step + 1] * right[..., step : step + 1, :] for step in range(size))
        total = _running(terms, kept_in)
        if b.dim() == 1:
            total = total.squeeze(-1)
        if a.dim() == 1:
            total = total.squeeze(0)
        return total * alpha + (args[0].float() * beta if beta else 0.0) if added else total

    return wrong
