"""Products of matrices and convolutions as another compiler has them: the sum over the contracted dimension in chunks
and in another order, in float32 or float64, rounded once.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import torch
from torch.fx import Node

from benchmarks.controls.graphs import dtype_of
from benchmarks.controls.reductions import Function, Order, draw_order


def product(a: torch.Tensor, b: torch.Tensor, order: Order) -> torch.Tensor:
    """The product of (..., m, k) and (..., k, n), of the type that ``order`` accumulates in."""
    a, b = order.shuffled(a.to(order.accumulate), -1), order.shuffled(b.to(order.accumulate), -2)
    size = a.shape[-1]
    count = max(1, min(order.chunks, size))
    found = None
    for left, right in zip(a.tensor_split(count, -1), b.tensor_split(count, -2), strict=True):
        part = torch.matmul(left, right)
        found = part if found is None else part + found
    assert found is not None
    return found


def _plain(node: Node, order: Order) -> Function:
    return lambda a, b: product(a, b, order)


def _vector(node: Node, order: Order) -> Function:
    return lambda a, b: product(a, b.unsqueeze(-1), order).squeeze(-1)


def _dot(node: Node, order: Order) -> Function:
    return lambda a, b: product(a.unsqueeze(0), b.unsqueeze(-1), order).reshape(())


def _added(node: Node, order: Order) -> Function:
    def function(bias: torch.Tensor, a: torch.Tensor, b: torch.Tensor, *, beta: Any = 1, alpha: Any = 1) -> Any:
        found = product(a, b, order)
        if alpha != 1:
            found = found * alpha
        # With beta 0 the bias is not read, whatever it holds.
        return found + bias.to(order.accumulate) * beta if beta != 0 else found

    return function


def _convolution(node: Node, order: Order) -> Function | None:
    def function(
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        stride: Any,
        padding: Any,
        dilation: Any,
        transposed: bool,
        output_padding: Any,
        groups: int,
    ) -> torch.Tensor:
        wide, taps = x.to(order.accumulate), weight.to(order.accumulate)
        rest = (stride, padding, dilation, transposed, output_padding, groups)
        count = min(order.chunks, x.shape[1]) if groups == 1 and x.dim() == weight.dim() and x.numel() else 1
        if count < 2:
            return torch.ops.aten.convolution(wide, taps, None if bias is None else bias.to(order.accumulate), *rest)
        found = None
        for left, right in zip(
            wide.tensor_split(count, 1), taps.tensor_split(count, 0 if transposed else 1), strict=True
        ):
            part = torch.ops.aten.convolution(left.contiguous(), right.contiguous(), None, *rest)
            found = part if found is None else part + found
        assert found is not None
        if bias is None:
            return found
        return found + bias.to(order.accumulate).reshape(-1, *[1] * (found.dim() - 2))

    return function


_MAKERS: dict[str, Callable[[Node, Order], Function | None]] = {
    "mm.default": _plain,
    "bmm.default": _plain,
    "mv.default": _vector,
    "dot.default": _dot,
    "addmm.default": _added,
    "baddbmm.default": _added,
    "convolution.default": _convolution,
}


def another(name: str, node: Node, draw: random.Random) -> Function | None:
    """Another evaluation of a contraction of floating-point numbers; None for what is none."""
    maker, dtype = _MAKERS.get(name), dtype_of(node)
    if maker is None or dtype is None or not dtype.is_floating_point:
        return None
    return maker(node, draw_order(draw, dtype))
