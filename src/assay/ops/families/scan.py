"""Cumulative operations and differences along one dimension."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from assay.ir.sizes import Size, largest
from assay.ir.types import ALL, FLOATS, INTEGER_RANGE, RANKS, TensorType, is_float
from assay.ops.attributes import dim, values
from assay.ops.errors import SELECTS, smooth, steady, sums
from assay.ops.facts import BOOLEAN, Facts, hull, require, total
from assay.ops.families.reduce import extreme, reduce_node
from assay.ops.onnx_forms import Arg, Form, Graph, wide
from assay.ops.operands import free
from assay.ops.protocol import Binding, operator
from assay.ops.shapes import normal_dim, replaced


def length(b: Binding) -> int:
    """The greatest number of elements along the dimension."""
    return largest(b.x.shape[normal_dim(b.dim, b.x.rank)]) if b.x.rank else 1


def widened(b: Binding) -> TensorType:
    """Integers and bools accumulate in int64."""
    result: TensorType = b.x if is_float(b.x.dtype) else b.x.with_dtype("int64")
    return result


def running_product(b: Binding, f: Any) -> Facts:
    """Products of every prefix."""
    most, number = f.x.magnitude, length(b)
    require(number * math.log2(max(most, 2)) < 60, "a product of many")
    bound = max(most, 1.0) ** number
    return Facts(-bound if f.x.low < 0 else 0.0, bound, None if f.x.scale is None else f.x.scale * max(number, 1))


def differences(b: Binding) -> TensorType:
    """One element fewer for each order."""
    position = normal_dim(b.dim, b.x.rank)
    require(b.x.shape[position] >= b.n, "fewer elements than the order")
    result: TensorType = b.x.with_shape(replaced(b.x.shape, position, b.x.shape[position] - b.n))
    return result


def repeated_difference(b: Binding, f: Any) -> Facts:
    """Of bools it is whether neighbours differ. As good as zero is one of them, or they are on both sides: inputs by a
    formula are seldom sorted."""
    result: Facts = f.x
    if b.x.dtype == "bool":
        return BOOLEAN if b.n else result
    for _ in range(b.n):
        result = result - result
    return replace(result, holds=0.0) if b.n else result


def logarithms_of_sums(b: Binding, f: Any) -> Facts:
    """From one element to all; of equal ones they are apart by the logarithm of their number, whatever these are."""
    apart = math.log(max(length(b), 1))
    return Facts(f.x.low, f.x.high + apart, holds=apart)


# ONNX


def scanned(g: Graph, op: str, b: Binding, x: Arg) -> str:
    """CumSum or CumProd; of a single number it is the number."""
    name = g.cast(x, g.out[0].dtype)
    return g.node(op, name, g.constant(b.dim)) if x.rank else name


def prefixes(g: Graph, b: Binding, name: str, identity: float) -> str:
    """Along a new dimension after ``b.dim``: for each place the elements up to it, and behind them the identity."""
    position, rank = normal_dim(b.dim, b.x.rank), b.x.rank
    size: Size = b.x.shape[position]
    square = g.node("Expand", g.constant(True, "bool"), g.shape([size, size]))
    upto = g.node("Trilu", square, upper=0)
    if position < rank - 1:
        upto = g.node("Unsqueeze", upto, g.constant(tuple(range(2, rank - position + 1))))
    rows = g.node("Unsqueeze", name, g.constant([position]))
    return g.node("Where", upto, rows, g.like(identity, name), dtype=g.dtypes[name])


def of_prefixes(op: str, identity: float) -> Form:
    """A reduction of every prefix, for what has no node of its own."""

    def form(g: Graph, b: Binding, x: Arg) -> str:
        name = g.cast(x, g.out[0].dtype)
        if not x.rank:
            return name
        return reduce_node(g, op, prefixes(g, b, name, identity), (normal_dim(b.dim, x.rank) + 1,), False)

    return wide(form)


def running_products(g: Graph, b: Binding, x: Arg) -> str | tuple[str, ...]:
    """CumProd, or the products of all prefixes."""
    return scanned(g, "CumProd", b, x) if g.opset >= 26 else of_prefixes("ReduceProd", 1)(g, b, x)


def running_extremes(op: str) -> Form:
    """The extreme of every prefix, and the last place that has it: "Max" or "Min"."""

    def form(g: Graph, b: Binding, x: Arg) -> tuple[str, str]:
        if not x.rank:
            return g.name(x), g.constant(0)
        held = "int32" if x.dtype in ("bool", "int16") else x.dtype
        low, high = INTEGER_RANGE.get(held, (-math.inf, math.inf))
        rows = prefixes(g, b, g.cast(x, held), low if op == "Max" else high)
        over = normal_dim(b.dim, x.rank) + 1
        found = g.cast(extreme(g, f"Reduce{op}", rows, (over,), False), x.dtype)
        return found, g.node(f"Arg{op}", rows, axis=over, keepdims=False, select_last_index=True, dtype="int64")

    return form


def neighbours(g: Graph, b: Binding, x: Arg) -> str:
    """Every element but the first less every one but the last, as often as asked for."""
    name, axis = g.name(x), g.constant([b.dim])
    for _ in range(b.n):
        after = g.node("Slice", name, g.constant([1]), g.constant([INTEGER_RANGE["int64"][1]]), axis)
        before = g.node("Slice", name, g.constant([0]), g.constant([-1]), axis)
        name = g.node("Xor" if x.dtype == "bool" else "Sub", after, before)
    return name


# specifications

operator(
    "scan.cumsum",
    operands=[free("x", ALL)],
    attributes=[dim()],
    infer=widened,
    facts=lambda b, f: hull(total(f.x, 1), total(f.x, length(b))),
    torch="torch.cumsum",
    out=True,
    inplace="cumsum_",
    saves="none",
    onnx=lambda g, b, x: scanned(g, "CumSum", b, x),
    jax="jnp.cumsum",
    tensorflow="tf.cumsum",
    error=sums(),
)
operator(
    "scan.cumprod",
    operands=[free("x", ALL)],
    attributes=[dim()],
    infer=widened,
    facts=running_product,
    torch="torch.cumprod",
    onnx=running_products,
    out=True,
    inplace="cumprod_",
    jax="jnp.cumprod",
    tensorflow="tf.math.cumprod",
    error=steady(2.0, each=1.0),
)
operator(
    "scan.logcumsumexp",
    operands=[free("x", FLOATS)],
    attributes=[dim()],
    infer=lambda b: b.x,
    facts=logarithms_of_sums,
    torch="torch.logcumsumexp",
    onnx=of_prefixes("ReduceLogSumExp", -math.inf),
    out=True,
    jax="jax.lax.cumlogsumexp",
    tensorflow="tf.math.cumulative_logsumexp",
    error=smooth(8.0, one=1.0),
)
for name in ("cummax", "cummin"):
    operator(
        f"scan.{name}",
        operands=[free("x", ALL, jumps=True)],
        attributes=[dim()],
        infer=lambda b: (b.x, b.x.with_dtype("int64")),
        facts=lambda b, f: (Facts(f.x.low, f.x.high, f.x.scale), Facts(0, max(length(b) - 1, 0), 0)),
        torch=f"torch.{name}",
        out=True,
        results=2,
        unpromised=(1,),
        error=SELECTS,
        onnx=running_extremes("Max" if name == "cummax" else "Min"),
        jax=f"jax.lax.{name}",
    )
operator(
    "scan.diff",
    operands=[free("x", ALL, RANKS[1:])],
    attributes=[values("n", 1, boundary=(0,), other=(2,)), dim(default=-1)],
    infer=differences,
    facts=repeated_difference,
    torch="torch.diff",
    out=True,
    onnx=lambda g, b, x: (wide(neighbours) if b.n > 1 else neighbours)(g, b, x),
    maybe_view="x",
    saves="none",
    jax="jnp.diff",
)
