"""Cumulative operations and differences along one dimension."""

from __future__ import annotations

import math
from typing import Any

from assay.ir.sizes import largest
from assay.ir.types import ALL, FLOATS, NUMERIC, TensorType, is_float
from assay.ops.attributes import dim, values
from assay.ops.errors import SELECTS, smooth, steady, sums
from assay.ops.facts import Facts, hull, require, total
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
    """Of bools it is whether neighbours differ."""
    result: Facts = f.x
    for _ in range(b.n):
        result = result - result
    return result


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
    onnx="CumSum",
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
    facts=lambda b, f: Facts(f.x.low, f.x.high + math.log(max(length(b), 1))),
    torch="torch.logcumsumexp",
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
        results=2,
        unpromised=(1,),
        error=SELECTS,
        jax=f"jax.lax.{name}",
    )
operator(
    "scan.diff",
    operands=[free("x", NUMERIC, (1, 2, 3, 4, 5))],
    attributes=[values("n", 1, boundary=(0,), other=(2,)), dim(default=-1)],
    infer=differences,
    facts=repeated_difference,
    torch="torch.diff",
    maybe_view="x",
    saves="none",
    jax="jnp.diff",
)
