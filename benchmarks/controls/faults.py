"""One wrong thing that a compiler may do to one node: which nodes it fits, and what they then compute.

A fault is a function from a node and the right evaluation of it to a wrong one, registered under its name for the
operators that it fits. Wrong evaluations keep shape and dtype.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch.fx import Node

from benchmarks.controls.graphs import dtype_of, operator_name, words
from benchmarks.controls.reductions import Function, dims_of

aten = torch.ops.aten
Spoil = Callable[[Node, Function], "Function | None"]

SPOILS: dict[str, dict[str, Spoil]] = {}
"""By fault, then by operator. A spoil gives None for a node that it does not fit."""

SUMS = words("sum.default sum.dim_IntList mean.default mean.dim")
PRODUCTS = words("mm.default bmm.default mv.default dot.default addmm.default baddbmm.default")


def fault(name: str, operators: frozenset[str]) -> Callable[[Spoil], Spoil]:
    """Register a spoil of the fault ``name`` for these operators."""

    def register(spoil: Spoil) -> Spoil:
        SPOILS.setdefault(name, {}).update(dict.fromkeys(operators, spoil))
        return spoil

    return register


LONGEST = 256
"""How many terms a reduction with a fault may have: among more, one of them is lost in the noise."""


def spoiled(name: str, node: Node, function: Function) -> Function | None:
    """The node's function with the fault in it; None where the fault does not fit the node."""
    spoil = SPOILS[name].get(operator_name(node))
    return spoil(node, function) if spoil else None


def floating(node: Node) -> bool:
    """Whether a node is one tensor of floating-point numbers."""
    dtype = dtype_of(node)
    return dtype is not None and dtype.is_floating_point


def terms_of(node: Node) -> int:
    """How many terms an element of a sum, product or convolution has."""
    given = [each.meta["val"].shape for each in node.args if isinstance(each, Node) and dtype_of(each) is not None]
    name = operator_name(node)
    if name in SUMS:
        return _count(given[0]) // max(1, _count(node.meta["val"].shape))
    if name in PRODUCTS:
        return _size(given[-2][-1])
    return _count(given[1]) // max(1, _size(given[1][1 if node.args[6] else 0]))


def _count(shape: Iterable[Any]) -> int:
    return math.prod(map(_size, shape))


def _size(size: Any) -> int:
    # A symbol is not compared: that would put a guard on it. Its value in this call is as good.
    return size if isinstance(size, int) else size.node.hint or 1


def is_short(node: Node) -> bool:
    return floating(node) and terms_of(node) <= LONGEST


def _without(x: torch.Tensor, dims: list[int]) -> torch.Tensor:
    """The tensor with zero at one index of these dimensions: in the middle, which every chunking has to get right."""
    x = x.clone()
    x[tuple(x.shape[dim] // 2 if dim in dims else slice(None) for dim in range(x.dim()))] = 0
    return x


@fault("dropped_element", SUMS)
def _sum_without(node: Node, function: Function) -> Function | None:
    def wrong(x: torch.Tensor, dim: Any = None, *args: Any, **kwargs: Any) -> Any:
        if x.numel() == 0:
            return function(x, dim, *args, **kwargs)
        return function(_without(x, dims_of(dim, x.dim())), dim, *args, **kwargs)

    return wrong if is_short(node) else None


@fault("dropped_element", PRODUCTS)
def _product_without(node: Node, function: Function) -> Function | None:
    first = 1 if operator_name(node).startswith(("addmm", "baddbmm")) else 0

    def wrong(*args: Any, **kwargs: Any) -> Any:
        left = args[first]
        if left.numel() == 0:
            return function(*args, **kwargs)
        return function(*args[:first], _without(left, [left.dim() - 1]), *args[first + 1 :], **kwargs)

    return wrong if is_short(node) else None


@fault("dropped_element", words("convolution.default"))
def _convolution_without(node: Node, function: Function) -> Function | None:
    def wrong(x: torch.Tensor, weight: torch.Tensor, bias: Any, stride: Any, *rest: Any) -> Any:
        transposed = bool(rest[2])
        taps = [0 if transposed else 1, *range(2, weight.dim())]
        return function(x, _without(weight, taps) if weight.numel() else weight, bias, stride, *rest)

    return wrong if is_short(node) else None


# --- sign


def _kept(value: Any) -> Any:
    return value


@fault("sign", words("add.Tensor sub.Tensor add.Scalar sub.Scalar rsub.Tensor rsub.Scalar"))
def _other_sign(node: Node, function: Function) -> Function | None:
    reverse = operator_name(node).startswith("rsub")

    def wrong(x: Any, y: Any, *args: Any, **kwargs: Any) -> Any:
        return function(-x, y, *args, **kwargs) if reverse else function(x, -y, *args, **kwargs)

    return wrong if floating(node) and _floating_operands(node) else None


@fault(
    "sign",
    words("mul.Tensor mul.Scalar div.Tensor div.Scalar neg.default mm.default bmm.default tanh.default sin.default"),
)
def _negated(node: Node, function: Function) -> Function | None:
    return (lambda *args, **kwargs: -function(*args, **kwargs)) if floating(node) else None


@fault("sign", words("addmm.default baddbmm.default addcmul.default addcdiv.default"))
def _other_sign_of_product(node: Node, function: Function) -> Function | None:
    return (lambda x, y, z, **kwargs: function(x, -y, z, **kwargs)) if floating(node) else None


def _floating_operands(node: Node) -> bool:
    tensors = [dtype_of(each) for each in node.args if isinstance(each, Node)]
    return all(dtype is None or dtype.is_floating_point for dtype in tensors)


# --- swapped operands


@fault(
    "swapped_operands",
    words(
        "sub.Tensor rsub.Tensor div.Tensor pow.Tensor_Tensor atan2.default copysign.Tensor fmod.Tensor "
        "remainder.Tensor floor_divide.default lt.Tensor le.Tensor gt.Tensor ge.Tensor"
    ),
)
def _swapped(node: Node, function: Function) -> Function | None:
    def wrong(x: Any, y: Any, *args: Any, **kwargs: Any) -> Any:
        return function(y, x, *args, **kwargs)

    both = [dtype_of(each) for each in node.args[:2]]
    if both[0] is None or both[0] != both[1] or _constant_divisor(node):
        return None
    return wrong


def _constant_divisor(node: Node) -> bool:
    """Whether a swap would make integers divide by what may be zero, which ends the process."""
    dtype = dtype_of(node.args[0])
    return operator_name(node).startswith(("fmod", "remainder", "floor_div")) and not (
        dtype and dtype.is_floating_point
    )


@fault("swapped_operands", words("where.self"))
def _swapped_branches(node: Node, function: Function) -> Function | None:
    if dtype_of(node.args[1]) != dtype_of(node.args[2]):
        return None
    return lambda condition, x, y: function(condition, y, x)


@fault("swapped_operands", words("mm.default bmm.default"))
def _swapped_matrices(node: Node, function: Function) -> Function | None:
    shapes = [each.meta["val"].shape for each in node.args[:2] if isinstance(each, Node)]
    square = len(shapes) == 2 and shapes[0][-1] == shapes[0][-2] and shapes[0] == shapes[1]
    return (lambda a, b: function(b, a)) if square and floating(node) else None


_MIRRORED = {"lt": aten.gt, "le": aten.ge, "gt": aten.lt, "ge": aten.le}


@fault("swapped_operands", words("lt.Scalar le.Scalar gt.Scalar ge.Scalar"))
def _swapped_comparison(node: Node, function: Function) -> Function | None:
    return _MIRRORED[operator_name(node).partition(".")[0]].Scalar


# --- wrong halves


@fault("wrong_halves", words("round.default"))
def _away_from_zero(node: Node, function: Function) -> Function | None:
    def wrong(x: torch.Tensor) -> torch.Tensor:
        tie = (x - x.trunc()).abs() == 0.5
        return torch.where(tie, x.trunc() + x.sign(), function(x))

    return wrong if floating(node) else None


@fault("wrong_halves", words("_to_copy.default"))
def _rounded_to_integer(node: Node, function: Function) -> Function | None:
    """A conversion that rounds where it should cut off."""
    source, dtype = dtype_of(node.args[0]), dtype_of(node)
    if (
        source is None
        or dtype is None
        or not source.is_floating_point
        or dtype.is_floating_point
        or dtype == torch.bool
    ):
        return None
    return lambda x, **kwargs: function((x.abs() + 0.5).floor() * x.sign(), **kwargs)


@fault("wrong_halves", words("div.Tensor_mode div.Scalar_mode"))
def _other_mode(node: Node, function: Function) -> Function | None:
    other = {"floor": "trunc", "trunc": "floor"}.get(str(node.kwargs.get("rounding_mode")))
    return (lambda x, y, **_: function(x, y, rounding_mode=other)) if other else None


@fault("wrong_halves", words("floor_divide.default"))
def _truncated(node: Node, function: Function) -> Function | None:
    return lambda x, y: torch.div(x, y, rounding_mode="trunc")


@fault("wrong_halves", words("remainder.Tensor remainder.Scalar"))
def _remainder_of_truncation(node: Node, function: Function) -> Function | None:
    return lambda x, y: torch.fmod(x, y)


@fault("wrong_halves", words("floor.default ceil.default trunc.default"))
def _to_nearest(node: Node, function: Function) -> Function | None:
    return (lambda x: x.round()) if floating(node) else None
