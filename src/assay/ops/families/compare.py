"""Elementwise comparisons and logic; the results are bools."""

from __future__ import annotations

from typing import Any

from assay.ir.types import TensorType
from assay.ops.errors import steps
from assay.ops.facts import BOOLEAN, Facts, representable, require
from assay.ops.onnx_forms import Arg, Form, Graph, common, compare
from assay.ops.operands import broadcast, free, shape_of
from assay.ops.promotion import result_dtype
from assay.ops.protocol import Binding, operator
from assay.ops.shapes import broadcast as broadcast_shapes


def boolean(b: Binding) -> TensorType:
    """A bool of the broadcast shape."""
    return TensorType("bool", broadcast_shapes(shape_of(b.x), shape_of(b.y)))


def compared(b: Binding, f: Any) -> Facts:
    """A bool; neither side may be rounded on its way to the common dtype, which is where systems differ by right."""
    dtype = result_dtype(b.x, b.y)
    require(representable(f.x, dtype) and representable(f.y, dtype), "an operand is rounded before it is compared")
    return BOOLEAN


def ordered(op: str) -> Form:
    """A comparison of numbers; bools become some."""

    def form(g: Graph, b: Binding, x: Arg, y: Arg) -> str:
        dtype = common(x, y)
        dtype = "int32" if dtype == "bool" else dtype
        return g.node(op, g.cast(x, dtype), g.cast(y, dtype), dtype="bool")

    return form


def unequal(g: Graph, b: Binding, x: Arg, y: Arg) -> str:
    """Not Equal."""
    dtype = common(x, y)
    return g.node("Not", g.node("Equal", g.cast(x, dtype), g.cast(y, dtype), dtype="bool"))


for name, symbol, onnx, jax in (
    ("eq", "==", compare("Equal"), "equal"),
    ("ne", "!=", unequal, "not_equal"),
    ("lt", "<", ordered("Less"), "less"),
    ("le", "<=", ordered("LessOrEqual"), "less_equal"),
    ("gt", ">", ordered("Greater"), "greater"),
    ("ge", ">=", ordered("GreaterOrEqual"), "greater_equal"),
):
    operator(
        f"compare.{name}",
        operands=[free("x", jumps=True), broadcast("y", "x", jumps=True)],
        infer=boolean,
        facts=compared,
        torch=f"torch.{name}",
        inplace=f"{name}_",
        symbol=symbol,
        out=True,
        differentiable=False,
        saves="none",
        error=steps(0, 1),
        onnx=onnx,
        jax=f"jnp.{jax}",
        tensorflow=f"tf.math.{jax}",
    )
for name, op in (("logical_and", "And"), ("logical_or", "Or"), ("logical_xor", "Xor")):
    operator(
        f"compare.{name}",
        operands=[free("x", jumps=True), broadcast("y", "x", scalars=(), jumps=True)],
        infer=boolean,
        facts=lambda b, f: BOOLEAN,
        torch=f"torch.{name}",
        inplace=f"{name}_",
        out=True,
        differentiable=False,
        saves="none",
        error=steps(0, 1),
        onnx=op,
        jax=f"jnp.{name}",
        tensorflow=f"tf.math.{name}",
    )
