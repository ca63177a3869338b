"""Reductions as another compiler has them: their terms in another order and in chunks, in float32 or float64, and norms
and softmax composed of them.

Each maker takes a node and the draw of its graph, and returns what to call on the node's arguments; the result is
rounded and laid out by the caller.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch.fx import Node

from benchmarks.controls.graphs import NARROW, dtype_of

Function = Callable[..., Any]


@dataclass(frozen=True)
class Order:
    """How the terms of a sum are added: shuffled or not, in how many chunks, in which type."""

    seed: int
    chunks: int
    accumulate: torch.dtype

    def shuffled(self, terms: torch.Tensor, dim: int = -1) -> torch.Tensor:
        """The terms in another order; half of the orders leave them in place."""
        if self.seed % 2 or terms.shape[dim] < 3:
            return terms
        return terms.index_select(dim, permutation(self.seed, terms.shape[dim]))

    def total(self, terms: torch.Tensor) -> torch.Tensor:
        """The sum over the last dimension."""
        parts = self.shuffled(terms.to(self.accumulate)).tensor_split(max(1, min(self.chunks, terms.shape[-1])), -1)
        found = parts[0].sum(-1)
        for part in parts[1:]:
            found = part.sum(-1) + found
        return found


def draw_order(draw: random.Random, dtype: torch.dtype | None) -> Order:
    """An order for terms of a dtype."""
    seed, chunks, double = draw.randrange(1 << 16), draw.randint(1, 4), draw.random() < 0.3
    if dtype == torch.float64 or (double and dtype == torch.float32):
        return Order(seed, chunks, torch.float64)
    return Order(seed, chunks, torch.float32)


@lru_cache(maxsize=256)
def permutation(seed: int, count: int) -> torch.Tensor:
    """A permutation that does not touch the generator of the program."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed))


def dims_of(dims: Any, rank: int) -> list[int]:
    """Reduced dimensions, from 0 up; none given means all."""
    if isinstance(dims, int):
        dims = [dims]
    return sorted(dim % max(rank, 1) for dim in dims) if dims else list(range(rank))


def gathered(x: torch.Tensor, dims: Sequence[int]) -> torch.Tensor:
    """A copy or view with the reduced dimensions as one, the last."""
    if x.dim() == 0:
        return x.reshape(1)
    kept = [dim for dim in range(x.dim()) if dim not in dims]
    count = 1
    for dim in dims:
        count *= x.shape[dim]
    return x.permute(*kept, *dims).reshape([*(x.shape[dim] for dim in kept), count])


def kept_shape(x: torch.Tensor, dims: Sequence[int], keepdim: bool) -> list[int]:
    """The shape of a reduction's result."""
    if keepdim:
        return [1 if dim in dims else size for dim, size in enumerate(x.shape)]
    return [size for dim, size in enumerate(x.shape) if dim not in dims]


def _sum(node: Node, draw: random.Random) -> Function:
    order = draw_order(draw, dtype_of(node))

    def function(x: torch.Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> torch.Tensor:
        dims = dims_of(dim, x.dim())
        return order.total(gathered(x, dims)).reshape(kept_shape(x, dims, keepdim))

    return function


def _mean(node: Node, draw: random.Random) -> Function:
    order = draw_order(draw, dtype_of(node))

    def function(x: torch.Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> torch.Tensor:
        dims = dims_of(dim, x.dim())
        terms = gathered(x, dims)
        count = terms.shape[-1]
        total = order.total(terms)
        return (total * (1.0 / count) if count else total / count).reshape(kept_shape(x, dims, keepdim))

    return function


def _variance(node: Node, draw: random.Random) -> Function | None:
    order = draw_order(draw, dtype_of(node))
    root = str(node.target).startswith("aten.std")

    def function(x: torch.Tensor, dim: Any = None, *, correction: Any = None, keepdim: bool = False) -> torch.Tensor:
        dims = dims_of(dim, x.dim())
        terms = gathered(x, dims).to(order.accumulate)
        count = terms.shape[-1]
        freedom = max(0, count - (1 if correction is None else correction))
        if not count or not freedom:
            return node.target(x, dim, correction=correction, keepdim=keepdim)  # type: ignore[operator]
        centred = terms - (order.total(terms) / count).unsqueeze(-1)
        found = (order.total(centred * centred) / freedom).reshape(kept_shape(x, dims, keepdim))
        return found.sqrt() if root else found

    return function


def _cumulated(node: Node, draw: random.Random) -> Function:
    order = draw_order(draw, dtype_of(node))

    def function(x: torch.Tensor, dim: int, *, dtype: Any = None) -> torch.Tensor:
        if x.dim() == 0 or x.numel() == 0:
            return x.clone()
        parts, before = [], None
        for part in x.to(order.accumulate).tensor_split(min(order.chunks, x.shape[dim]), dim):
            block = part.cumsum(dim) if before is None else part.cumsum(dim) + before
            before = block.narrow(dim, block.shape[dim] - 1, 1)
            parts.append(block)
        return torch.cat(parts, dim)

    return function


def _norm(node: Node, draw: random.Random) -> Function | None:
    if len(node.args) > 1 and node.args[1] != 2:
        return None
    order = draw_order(draw, torch.float64)

    def function(x: torch.Tensor, ord: Any = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
        dims = dims_of(dim, x.dim())
        terms = gathered(x, dims).double()
        return order.total(terms * terms).sqrt().reshape(kept_shape(x, dims, keepdim))

    # In float64 itself the squares could overflow, or lose digits, where the norm does not.
    return None if dtype_of(node) == torch.float64 else function


def _softmax(node: Node, draw: random.Random) -> Function:
    order, reciprocal = draw_order(draw, dtype_of(node)), draw.random() < 0.5

    def function(x: torch.Tensor, dim: int, half_to_float: bool = False) -> torch.Tensor:
        if x.numel() == 0 or x.dim() == 0:
            return node.target(x, dim, half_to_float)  # type: ignore[operator]
        terms = x.to(order.accumulate)
        powers = (terms - terms.amax(dim, keepdim=True)).exp()
        total = order.total(powers.movedim(dim, -1)).unsqueeze(dim)
        return powers * total.reciprocal() if reciprocal else powers / total

    return function


def _log_softmax(node: Node, draw: random.Random) -> Function:
    order = draw_order(draw, dtype_of(node))

    def function(x: torch.Tensor, dim: int, half_to_float: bool = False) -> torch.Tensor:
        if x.numel() == 0 or x.dim() == 0:
            return node.target(x, dim, half_to_float)  # type: ignore[operator]
        terms = x.to(order.accumulate)
        shifted = terms - terms.amax(dim, keepdim=True)
        return shifted - order.total(shifted.exp().movedim(dim, -1)).log().unsqueeze(dim)

    return function


def _log_sum(node: Node, draw: random.Random) -> Function:
    order = draw_order(draw, dtype_of(node))

    def function(x: torch.Tensor, dim: Any, keepdim: bool = False) -> torch.Tensor:
        dims = dims_of(dim, x.dim())
        terms = gathered(x, dims).to(order.accumulate)
        if terms.shape[-1] == 0 or not bool(terms.isfinite().all()):
            return node.target(x, dim, keepdim)  # type: ignore[operator]
        largest = terms.amax(-1, keepdim=True)
        found = largest.squeeze(-1) + order.total((terms - largest).exp()).log()
        return found.reshape(kept_shape(x, dims, keepdim))

    return function


def _layer_norm(node: Node, draw: random.Random) -> Function:
    order = draw_order(draw, dtype_of(node.args[0]))

    def function(x: torch.Tensor, shape: Any, weight: Any, bias: Any, epsilon: float) -> tuple[torch.Tensor, ...]:
        if x.numel() == 0:
            return node.target(x, shape, weight, bias, epsilon)  # type: ignore[operator]
        dims = list(range(x.dim() - len(shape), x.dim()))
        terms = gathered(x, dims).to(order.accumulate)
        kept = kept_shape(x, dims, True)
        mean = (order.total(terms) / terms.shape[-1]).unsqueeze(-1)
        centred = terms - mean
        scale = 1.0 / ((order.total(centred * centred) / terms.shape[-1]).unsqueeze(-1) + epsilon).sqrt()
        found = (centred * scale).reshape(x.shape)
        if weight is not None:
            found = found * weight
        if bias is not None:
            found = found + bias
        return found, mean.reshape(kept), scale.reshape(kept)

    return function


_MAKERS: dict[str, Callable[[Node, random.Random], Function | None]] = {
    "sum.default": _sum,
    "sum.dim_IntList": _sum,
    "mean.default": _mean,
    "mean.dim": _mean,
    "var.correction": _variance,
    "std.correction": _variance,
    "cumsum.default": _cumulated,
    "linalg_vector_norm.default": _norm,
    "_softmax.default": _softmax,
    "_log_softmax.default": _log_softmax,
    "logsumexp.default": _log_sum,
    "native_layer_norm.default": _layer_norm,
}


def another(name: str, node: Node, draw: random.Random) -> Function | None:
    """Another evaluation of a reduction of floating-point numbers; None for what is none."""
    maker = _MAKERS.get(name)
    if maker is None or not node.args:
        return None
    given = dtype_of(node.args[0])
    if given is None or not given.is_floating_point:
        return None
    if node.kwargs.get("dtype") not in (None, given) or (dtype_of(node) == torch.float64 and given in NARROW):
        return None
    return maker(node, draw)
