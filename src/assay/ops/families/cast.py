"""Conversions between dtypes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from assay.ir.types import ALL, FLOATS, Dtype, is_float, is_integral
from assay.ops.attributes import Classes
from assay.ops.errors import rounded
from assay.ops.facts import BOOLEAN, Facts
from assay.ops.onnx_forms import Arg, Graph
from assay.ops.operands import free
from assay.ops.protocol import Attribute, Binding, operator


def converted(fact: Facts, source: str, target: str) -> Facts:
    """To bool: whether it is not zero; to an integer: towards zero."""
    if target == "bool":
        return BOOLEAN
    if is_integral(target) and is_float(source):
        return Facts(float(math.trunc(fact.low)), float(math.trunc(fact.high)), 0)
    return Facts(fact.low, fact.high, fact.scale)


def targets(b: Binding) -> Classes:
    """Every dtype; the same one is the boundary, a float is the common case."""
    return {
        "boundary": (Dtype(b.x.dtype),),
        "default": tuple(Dtype(d) for d in FLOATS if d != b.x.dtype),
        "other": tuple(Dtype(d) for d in ALL if d != b.x.dtype and d not in FLOATS),
    }


def decides(target: Callable[[Binding], str]) -> Callable[[Binding], bool]:
    """Whether a conversion to this dtype cuts fractions off."""
    return lambda b: is_float(b.x.dtype) and is_integral(target(b))


def to_target(b: Binding, f: Any) -> Facts:
    """The attribute's dtype."""
    return converted(f.x, b.x.dtype, b.dtype.name)


def cast(g: Graph, b: Binding, x: Arg) -> str:
    """Cast, unless the dtype is the operand's own."""
    return g.cast(x, g.out[0].dtype)


def cast_like(g: Graph, b: Binding, x: Arg, other: Arg) -> str:
    """CastLike."""
    return g.node("CastLike", g.name(x), g.name(other), dtype=other.dtype)


operator(
    "cast.to",
    operands=[free("x", jumps=decides(lambda b: b.dtype.name))],
    attributes=[Attribute("dtype", targets, positional=True)],
    infer=lambda b: b.x.with_dtype(b.dtype.name),
    facts=to_target,
    torch="torch.Tensor.to",
    method=None,
    maybe_view="x",
    saves="none",
    onnx=cast,
    jax="jax.lax.convert_element_type",
    tensorflow="tf.cast",
    error={"_to_copy": rounded()},
)
operator(
    "cast.type_as",
    operands=[free("x", jumps=decides(lambda b: b.other.dtype)), free("other")],
    infer=lambda b: b.x.with_dtype(b.other.dtype),
    facts=lambda b, f: converted(f.x, b.x.dtype, b.other.dtype),
    torch="torch.Tensor.type_as",
    method=None,
    maybe_view="x",
    saves="none",
    onnx=cast_like,
)


def shorthand(method: str, dtype: str) -> None:
    """`x.half()` and its like."""
    operator(
        f"cast.{method}",
        operands=[free("x", jumps=decides(lambda b: dtype))],
        infer=lambda b: b.x.with_dtype(dtype),
        facts=lambda b, f: converted(f.x, b.x.dtype, dtype),
        torch=f"torch.Tensor.{method}",
        method=None,
        maybe_view="x",
        saves="none",
        onnx=cast,
        in_float64="cast.double" if is_float(dtype) else None,
    )


for name, target in (("float", "float32"), ("double", "float64"), ("half", "float16"), ("bfloat16", "bfloat16")):
    shorthand(name, target)
for name, target in (("long", "int64"), ("int", "int32"), ("bool", "bool")):
    shorthand(name, target)
