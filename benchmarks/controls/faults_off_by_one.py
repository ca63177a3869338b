"""The fault ``off_by_one``: a slice, an index, a shift, a pad or a count that is one off."""

from __future__ import annotations

from typing import Any

import torch
from torch.fx import Node

from benchmarks.controls.faults import fault, floating
from benchmarks.controls.graphs import dtype_of, words
from benchmarks.controls.reductions import Function, dims_of

NAME = "off_by_one"


@fault(NAME, words("slice.Tensor"))
def _slice(node: Node, function: Function) -> Function | None:
    """The slice one further on, where the dimension reaches that far, or one further back."""

    def wrong(x: torch.Tensor, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> torch.Tensor:
        right = function(x, dim, start, end, step)
        count, size = right.shape[dim], x.shape[dim]
        if not count or count == size:
            return right
        first = min(max(0, start + size if (start or 0) < 0 else start or 0), size)
        first += 1 if first + (count - 1) * step + 1 < size else -1
        return x.index_select(dim, (torch.arange(count) * step + first).clamp(0, size - 1))

    return wrong


@fault(NAME, words("select.int"))
def _select(node: Node, function: Function) -> Function | None:
    def wrong(x: torch.Tensor, dim: int, index: int) -> torch.Tensor:
        return function(x, dim, (index + 1) % x.shape[dim])

    return wrong


@fault(NAME, words("roll.default"))
def _roll(node: Node, function: Function) -> Function | None:
    return lambda x, shifts, *dims: function(x, [shifts[0] + 1, *shifts[1:]], *dims)


@fault(NAME, words("gather.default index_select.default"))
def _indexed(node: Node, function: Function) -> Function | None:
    def wrong(x: torch.Tensor, dim: int, index: torch.Tensor, **kwargs: Any) -> torch.Tensor:
        size = x.shape[dim] if x.dim() else 1
        return function(x, dim, (index + 1) % size if size else index, **kwargs)

    return wrong


@fault(NAME, words("take.default"))
def _take(node: Node, function: Function) -> Function | None:
    return lambda x, index: function(x, (index + 1) % x.numel() if x.numel() else index)


@fault(NAME, words("embedding.default"))
def _embedding(node: Node, function: Function) -> Function | None:
    return lambda weight, index, *rest: function(weight, (index + 1) % weight.shape[0], *rest)


@fault(NAME, words("index.Tensor"))
def _index(node: Node, function: Function) -> Function | None:
    if not isinstance(node.args[1], list | tuple):
        return None
    first = next((n for n, each in enumerate(node.args[1]) if each is not None), None)
    if first is None or dtype_of(node.args[1][first]) == torch.bool:
        return None

    def wrong(x: torch.Tensor, index: Any) -> torch.Tensor:
        changed = list(index)
        changed[first] = (changed[first] + 1) % x.shape[first]
        return function(x, changed)

    return wrong


@fault(NAME, words("constant_pad_nd.default"))
def _pad(node: Node, function: Function) -> Function | None:
    """The last dimension's content one further on."""
    pads = node.args[1]
    if not isinstance(pads, list | tuple) or not all(isinstance(each, int) for each in pads) or max(pads[:2]) < 1:
        return None
    step = 1 if pads[1] > 0 else -1
    shifted = [pads[0] + step, pads[1] - step, *pads[2:]]
    return lambda x, _, *value: function(x, shifted, *value)


@fault(
    NAME,
    words(
        "reflection_pad1d.default reflection_pad2d.default reflection_pad3d.default replication_pad1d.default "
        "replication_pad2d.default replication_pad3d.default flip.default repeat.default cat.default"
    ),
)
def _rolled(node: Node, function: Function) -> Function | None:
    """Every element one further on in the last dimension."""

    def wrong(*args: Any) -> torch.Tensor:
        right = function(*args)
        return right.roll(1, -1) if right.dim() else right

    return wrong


@fault(NAME, words("arange.default arange.start arange.start_step"))
def _arange(node: Node, function: Function) -> Function | None:
    return lambda *args, **kwargs: function(*args, **kwargs) + 1


@fault(NAME, words("mean.default mean.dim"))
def _count(node: Node, function: Function) -> Function | None:
    """A mean that divides by one more."""

    def wrong(x: torch.Tensor, dim: Any = None, *args: Any, **kwargs: Any) -> torch.Tensor:
        count = 1
        for each in dims_of(dim, x.dim()):
            count *= x.shape[each] if x.dim() else 1
        return function(x, dim, *args, **kwargs) * (count / (count + 1))

    return wrong if floating(node) else None


@fault(NAME, words("cumsum.default"))
def _exclusive(node: Node, function: Function) -> Function | None:
    """A running sum without the element itself."""
    return (lambda x, dim, **kwargs: function(x, dim, **kwargs) - x) if floating(node) else None
