"""Sorting and selection by order; the indices of equal elements are promised by the stable forms only."""

from __future__ import annotations

from typing import Any

from assay.ir.sizes import Size, largest, smallest
from assay.ir.types import ALL, NUMERIC, TensorType
from assay.ops.attributes import Classes, dim, flag, values
from assay.ops.errors import SELECTS
from assay.ops.facts import Facts, require
from assay.ops.families.reduce import top
from assay.ops.onnx_forms import Arg, Graph
from assay.ops.operands import free
from assay.ops.protocol import Attribute, Binding, operator
from assay.ops.shapes import normal_dim, replaced

LAST = dim(default=-1)


def length(b: Binding) -> Size:
    """The size of the sorted dimension."""
    size: Size = b.x.shape[normal_dim(b.dim, b.x.rank)] if b.x.rank else 1
    return size


def places(b: Binding) -> Facts:
    """Any index along the dimension."""
    return Facts(0, max(largest(length(b)) - 1, 0), 0)


def ordered(b: Binding, f: Any) -> tuple[Facts, Facts]:
    """The elements, and where they were."""
    return Facts(f.x.low, f.x.high, f.x.scale), places(b)


def both(b: Binding) -> tuple[TensorType, TensorType]:
    """Elements and indices of the same shape."""
    return b.x, b.x.with_dtype("int64")


def first(g: Graph, x: Arg, count: Size, axis: int, largest: bool) -> tuple[str, str]:
    """The first elements in order and their places; a single number is in order."""
    if not x.rank:
        return g.name(x), g.constant(0)
    return top(g, g.name(x), g.size(count), axis, largest)


def in_order(g: Graph, b: Binding, x: Arg) -> tuple[str, str]:
    """All of them."""
    return first(g, x, length(b), b.dim, b.descending)


operator(
    "sort.sort",
    operands=[free("x", ALL, jumps=True)],
    attributes=[LAST, flag("descending")],
    infer=both,
    facts=ordered,
    torch="torch.sort",
    out=True,
    onnx=in_order,
    results=2,
    unpromised=(1,),
    saves="output",
    jax="jnp.sort",
    tensorflow="tf.sort",
    error=SELECTS,
)
operator(
    "sort.stable_sort",
    operands=[free("x", ALL, jumps=True)],
    attributes=[values("stable", other=(True,)), LAST, flag("descending")],
    infer=both,
    facts=ordered,
    torch="torch.sort",
    out=True,
    onnx=in_order,
    results=2,
    saves="output",
    jax="jnp.sort",
    tensorflow="tf.sort",
    error=SELECTS,
)
operator(
    "sort.argsort",
    operands=[free("x", ALL, jumps=True)],
    attributes=[values("stable", other=(True,)), LAST, flag("descending")],
    infer=lambda b: b.x.with_dtype("int64"),
    facts=lambda b, f: places(b),
    torch="torch.argsort",
    out=True,
    onnx=lambda g, b, x: in_order(g, b, x)[1],
    differentiable=False,
    saves="output",
    jax="jnp.argsort",
    tensorflow="tf.argsort",
)
operator(
    "sort.msort",
    operands=[free("x", ALL)],
    infer=lambda b: b.x,
    facts=lambda b, f: Facts(f.x.low, f.x.high, f.x.scale),
    torch="torch.msort",
    onnx=lambda g, b, x: first(g, x, x.type.shape[0] if x.rank else 1, 0, False)[0],
    out=True,
    saves="none",
    jax="jnp.sort",
)


def counts(b: Binding) -> Classes:
    """None, one, all, or some."""
    size = smallest(length(b))
    return {"boundary": tuple({0, min(1, size), size}), "other": tuple(range(2, min(size, 6)))}


def selected(b: Binding) -> tuple[TensorType, TensorType]:
    """As many elements as asked for."""
    require(length(b) >= b.k, "more than there are")
    shape = replaced(b.x.shape, normal_dim(b.dim, b.x.rank), b.k) if b.x.rank else ()
    return b.x.with_shape(shape), TensorType("int64", shape)


operator(
    "sort.topk",
    operands=[free("x", NUMERIC, jumps=True)],
    attributes=[LAST, Attribute("k", counts, positional=True), flag("largest", True)],
    infer=selected,
    facts=ordered,
    torch="torch.topk",
    out=True,
    results=2,
    unpromised=(1,),
    saves="output",
    onnx=lambda g, b, x: first(g, x, b.k, b.dim, b.largest),
    jax="jax.lax.top_k",
    tensorflow="tf.math.top_k",
    error=SELECTS,
)
