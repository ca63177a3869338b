"""Elementwise arithmetic of two operands, with broadcasting, promotion and Python numbers."""

from __future__ import annotations

from typing import Any

from assay.ir.types import NUMERIC, TensorType
from assay.ops.attributes import values
from assay.ops.facts import Facts, constant, maximum
from assay.ops.operands import broadcast, free, shape_of
from assay.ops.promotion import result_dtype
from assay.ops.protocol import Binding, operator
from assay.ops.shapes import broadcast as broadcast_shapes


def promoted(b: Binding) -> TensorType:
    """The type of an elementwise result: promoted dtype, broadcast shape."""
    return TensorType(result_dtype(b.x, b.y), broadcast_shapes(shape_of(b.x), shape_of(b.y)))


def sum_with_alpha(b: Binding, f: Any) -> Facts:
    """x + alpha·y."""
    result: Facts = f.x + f.y * constant(b.alpha)
    return result


operator(
    "binary.add",
    operands=[free("x", NUMERIC), broadcast("y", "x", NUMERIC)],
    attributes=[values("alpha", 1, boundary=(0,), negative=(-1, -2), other=(2, 3))],
    infer=promoted,
    facts=sum_with_alpha,
    torch="torch.add",
    inplace="add_",
    symbol="+",
    out=True,
    saves="none",
    onnx="Add",
    jax="jnp.add",
    tensorflow="tf.add",
)
operator(
    "binary.maximum",
    operands=[free("x", NUMERIC), broadcast("y", "x", NUMERIC, scalars=())],
    infer=promoted,
    facts=lambda b, f: maximum(f.x, f.y),
    torch="torch.maximum",
    out=True,
    saves="inputs",
    onnx="Max",
    jax="jnp.maximum",
    tensorflow="tf.maximum",
)
