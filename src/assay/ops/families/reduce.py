"""Reductions over one, several or all dimensions."""

from __future__ import annotations

from assay.ir.sizes import largest, product
from assay.ir.types import ALL, NUMERIC, TensorType
from assay.ops.attributes import dims, flag
from assay.ops.operands import free
from assay.ops.protocol import Binding, operator
from assay.ops.shapes import normal_dims, reduced


def reduced_type(b: Binding, dtype: str) -> TensorType:
    """The type after reducing ``b.dim``."""
    return TensorType(dtype, reduced(b.x.shape, normal_dims(b.dim, b.x.rank), b.keepdim))


def count(b: Binding) -> int:
    """The greatest number of elements that one result combines."""
    return largest(product(b.x.shape[position] for position in normal_dims(b.dim, b.x.rank)))


operator(
    "reduce.sum",
    operands=[free("x", ALL)],
    attributes=[dims("dim"), flag("keepdim")],
    infer=lambda b: reduced_type(b, b.x.dtype if b.x.dtype.startswith(("float", "bfloat")) else "int64"),
    facts=lambda b, f: f.x.summed(count(b)),
    torch="torch.sum",
    saves="none",
    onnx="ReduceSum",
    jax="jnp.sum",
    tensorflow="tf.reduce_sum",
)
operator(
    "reduce.amax",
    operands=[free("x", NUMERIC)],
    attributes=[dims("dim", nonempty=True), flag("keepdim")],
    infer=lambda b: reduced_type(b, b.x.dtype),
    facts=lambda b, f: f.x,
    torch="torch.amax",
    onnx="ReduceMax",
    jax="jnp.max",
    tensorflow="tf.reduce_max",
)
