"""Elementwise functions of one tensor that are exact on dyadic numbers: signs, rounding, clamping, tests."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from assay.ir.types import ALL, BOOL, FLOATS, INTEGERS, NUMERIC, ScalarType, is_float
from assay.ops.attributes import values
from assay.ops.elementwise import bfloat16_since, clip, floating, less, promoting, truncated, unary, unchanged, where
from assay.ops.errors import moves, rounded, steps
from assay.ops.facts import BOOLEAN, Facts, constant, hull, require
from assay.ops.onnx_forms import NARROW, Arg, Form, Graph, node
from assay.ops.operands import free
from assay.ops.promotion import result_dtype
from assay.ops.protocol import Attribute, Binding, kind_of_scalar, operator

SIGNED = tuple(dtype for dtype in NUMERIC if dtype != "uint8")
ZERO = (0.0,)
# Eager's vectors multiply the 16-bit types as they are where the exponent is 2 or 3.
POWER = rounded(16.0, inside=2.0)


def whole(function: Callable[[float], float]) -> Callable[[Facts], Facts]:
    """Facts under a rounding to integers."""
    return lambda x: Facts(float(function(x.low)), float(function(x.high)), 0)


def to_decimals(b: Binding, f: Any) -> Facts:
    """Rounding to a number of decimals, which are no dyadic numbers."""
    if b.decimals == 0:
        return whole(round)(f.x)
    step = 10.0**-b.decimals
    if f.x.magnitude < 0.45 * step:
        return Facts(0, 0)
    return Facts(f.x.low - step, f.x.high + step)


def signed(form: Form) -> Form:
    """A form for what has a sign; the rest stays as it is."""
    return lambda g, b, x: (unchanged if x.dtype in ("bool", "uint8") else form)(g, b, x)


unary(
    "unary.neg",
    lambda x: -x,
    SIGNED,
    left_out={"uint8": "it wraps"},
    symbol="-",
    saves="none",
    onnx="Neg",
    jax="jnp.negative",
    tensorflow="tf.negative",
)
unary("unary.abs", abs, NUMERIC, saves="inputs", thresholds=ZERO, onnx="Abs", jax="jnp.abs", tensorflow="tf.abs")
unary(
    "unary.relu",
    lambda x: x.clipped(0, math.inf),
    NUMERIC,
    saves="output",
    thresholds=ZERO,
    out=False,
    onnx=signed(node("Relu")),
    jax="jax.nn.relu",
    tensorflow="tf.nn.relu",
    error={"relu": moves(), "threshold_backward": steps(1)},
)
unary(
    "unary.sign",
    whole(lambda v: (v > 0) - (v < 0)),
    jumps=True,
    saves="none",
    thresholds=ZERO,
    onnx=lambda g, b, x: (unchanged if x.dtype == "bool" else node("Sign"))(g, b, x),
    jax="jnp.sign",
    tensorflow="tf.sign",
)


def round_decimals(g: Graph, b: Binding, x: Arg) -> str:
    """Round; eager rounds the 16-bit types at each of the steps, too."""
    if b.decimals == 0:
        return g.node("Round", g.name(x))
    there, back = ("Mul", "Div") if b.decimals > 0 else ("Div", "Mul")
    factor = g.constant(10 ** abs(b.decimals), x.dtype)
    return g.node(back, g.node("Round", g.node(there, g.name(x), factor)), factor)


for name, rounding, onnx in (
    ("floor", math.floor, node("Floor")),
    ("ceil", math.ceil, node("Ceil")),
    ("trunc", math.trunc, promoting(lambda g, b, x: truncated(g, x))),
):
    unary(
        f"unary.{name}",
        whole(rounding),
        NUMERIC,
        jumps=True,
        saves="none",
        onnx=floating(onnx),
        jax=f"jnp.{name}",
        tensorflow=None if name == "trunc" else f"tf.math.{name}",
    )
operator(
    "unary.round",
    operands=[free("x", NUMERIC, jumps=True)],
    attributes=[
        Attribute(
            "decimals",
            lambda b: {"default": (0,), **({"negative": (-1,), "other": (1,)} if is_float(b.x.dtype) else {})},
            default=0,
        )
    ],
    infer=lambda b: b.x,
    facts=to_decimals,
    torch="torch.round",
    inplace="round_",
    out=True,
    saves="none",
    thresholds=(0.5,),
    onnx=floating(bfloat16_since(22, round_decimals)),
    jax="jnp.round",
    tensorflow="tf.round",
    error=steps(),
)
unary(
    "unary.frac",
    lambda x: Facts(-(x.low < 0), x.high > 0, x.scale) if x.scale != 0 else Facts(0, 0, 0),
    FLOATS,
    jumps=True,
    saves="none",
    onnx=lambda g, b, x: g.node("Mod", g.name(x), g.constant(1, x.dtype), fmod=1),
)
unary(
    "unary.square",
    lambda x: abs(x) * abs(x),
    result=lambda dtype: "int64" if dtype == "bool" else dtype,
    saves="inputs",
    onnx=promoting(lambda g, b, x: g.node("Mul", x, x)),
    jax="jnp.square",
    tensorflow="tf.square",
    error={"pow": POWER},
)


def sign_bits(x: Facts) -> Facts:
    """A sign of zero that the operations before do not promise would be a false alarm."""
    require(x.positive_zero or x.low > 0 or x.high < 0, "the sign of a zero is not certain")
    return BOOLEAN


def everywhere(g: Graph, x: str) -> str:
    """True for each element."""
    return g.node("Equal", x, x, dtype="bool")


def nowhere(g: Graph, x: str) -> str:
    """False for each element."""
    return g.node("Not", everywhere(g, x))


def has_sign_bit(g: Graph, b: Binding, x: Arg) -> str:
    """Whether it is below zero, as the reciprocal of -0 is."""
    name = g.name(x)
    if x.dtype == "bool":
        return nowhere(g, name)
    below = less(g, name, 0)
    return g.node("Or", below, less(g, g.node("Reciprocal", name), 0)) if is_float(x.dtype) else below


def is_nan(g: Graph, b: Binding, x: Arg) -> str:
    """IsNaN, which takes floats."""
    return g.node("IsNaN", g.name(x), dtype="bool") if is_float(x.dtype) else nowhere(g, g.name(x))


def is_finite(g: Graph, b: Binding, x: Arg) -> str:
    """Neither IsInf, which takes no 16-bit types before opset 20, nor IsNaN."""
    if not is_float(x.dtype):
        return everywhere(g, g.name(x))
    name = g.cast(x, "float32") if x.dtype in NARROW and g.opset < 20 else g.name(x)
    return g.node("Not", g.node("Or", *(g.node(op, name, dtype="bool") for op in ("IsInf", "IsNaN"))))


for name, saves, onnx, tensorflow in (
    ("logical_not", "none", node("Not"), "logical_not"),
    ("signbit", "none", has_sign_bit, None),
    ("isfinite", "inputs", is_finite, "is_finite"),
    ("isnan", "inputs", is_nan, "is_nan"),
):
    unary(
        f"unary.{name}",
        sign_bits if name == "signbit" else lambda x: BOOLEAN,
        jumps=True,
        result=lambda dtype: "bool",
        inplace="logical_not_" if name == "logical_not" else None,
        out=saves == "none",
        saves=saves,
        differentiable=False,
        # isfinite is made of others.
        error={} if name == "isfinite" else steps(),
        onnx=onnx,
        jax=f"jnp.{name}",
        tensorflow=tensorflow and f"tf.math.{tensorflow}",
    )
operator(
    "unary.bitwise_not",
    operands=[free("x", BOOL + INTEGERS)],
    infer=lambda b: b.x,
    facts=lambda b, f: constant({"uint8": 255, "bool": 1}.get(b.x.dtype, -1)) - f.x,
    torch="torch.bitwise_not",
    inplace="bitwise_not_",
    symbol="~",
    out=True,
    differentiable=False,
    saves="none",
    onnx=lambda g, b, x: (node("Not") if x.dtype == "bool" else node("BitwiseNot", since=18))(g, b, x),
    jax="jnp.bitwise_not",
    tensorflow="tf.bitwise.invert",
    error=steps(),
)
unary(
    "unary.positive",
    lambda x: x,
    NUMERIC,
    symbol="+",
    inplace=None,
    out=False,
    maybe_view="x",
    saves="none",
    onnx=unchanged,
    error={},
)
MOST = {
    "float16": 65504.0,
    "bfloat16": (2 - 2.0**-7) * 2.0**127,
    "float32": (2 - 2.0**-23) * 2.0**127,
    "float64": math.nextafter(math.inf, 0),
}


def numbers_only(g: Graph, b: Binding, x: Arg) -> str:
    """NaN becomes zero, an infinity the greatest finite value."""
    least, most = (g.constant(value, x.dtype) for value in (-MOST[x.dtype], MOST[x.dtype]))
    nan = g.node("IsNaN", g.name(x), dtype="bool")
    return g.node("Clip", where(g, nan, g.constant(0, x.dtype), g.name(x)), least, most)


unary("unary.nan_to_num", lambda x: x, saves="inputs", onnx=floating(numbers_only), jax="jnp.nan_to_num")


def lower_bounds(b: Binding) -> Mapping[str, Sequence[Any]]:
    """Bounds that the dtype holds: no negative ones for what has no sign, no fractions for integers."""
    return {
        "default": (None,),
        "boundary": (0,),
        "negative": () if b.x.dtype in ("bool", "uint8") else (-1, -3),
        "other": (0.5, 0.25) if is_float(b.x.dtype) else (1,),
    }


def upper_bounds(b: Binding) -> Mapping[str, Sequence[Any]]:
    """The same for the upper bound, which may lie below the lower one; one of them is given."""
    return {
        "default": () if b.min is None else (None,),
        "boundary": (0,),
        "negative": () if b.x.dtype in ("bool", "uint8") else (-2,),
        "other": (2, 6, 1.5) if is_float(b.x.dtype) else (2, 6),
    }


def clamped(b: Binding, f: Any) -> Facts:
    """max(x, min), then min(that, max); the bounds share the scale."""
    result: Facts = f.x
    for bound, pick in ((b.min, max), (b.max, min)):
        if bound is not None:
            scale = hull(result, constant(bound)).scale
            result = Facts(pick(result.low, bound), pick(result.high, bound), scale)
    return result


operator(
    "unary.clamp",
    operands=[free("x", ALL)],
    attributes=[Attribute("min", lower_bounds, None), Attribute("max", upper_bounds, None)],
    infer=lambda b: b.x.with_dtype(result_dtype(b.x, ScalarType("int"))),
    facts=clamped,
    torch="torch.clamp",
    inplace="clamp_",
    out=True,
    saves="inputs",
    thresholds=(-3.0, -2.0, -1.0, 0.0, 0.5, 2.0, 6.0),
    onnx=lambda g, b, x: clip(g, x, b.min, b.max),
    jax="jnp.clip",
    tensorflow="tf.clip_by_value",
    error=moves(),
)


def constant_power(g: Graph, b: Binding, x: Arg) -> str:
    """Pow, which has no integers of less than 32 bits."""
    dtype = g.out[0].dtype
    computed = "int32" if dtype in ("uint8", "int8", "int16") else dtype
    return g.cast(g.node("Pow", g.cast(x, computed), g.constant(b.exponent, computed)), dtype)


operator(
    "unary.pow",
    operands=[free("x")],
    attributes=[values("exponent", boundary=(0, 1), other=(2, 3, 4, 2.0))],
    infer=lambda b: b.x.with_dtype(result_dtype(b.x, kind_of_scalar(b.exponent))),
    facts=lambda b, f: power(f.x, b.exponent),
    torch="torch.pow",
    inplace="pow_",
    out=True,
    saves="inputs",
    onnx=constant_power,
    jax="jnp.power",
    tensorflow="tf.pow",
    error=POWER,
)


def power(x: Facts, exponent: float) -> Facts:
    """A small whole power; torch and compilers multiply for 2 and 3, beyond that they may call pow and round."""
    result = constant(1)
    base = abs(x) if exponent % 2 == 0 else x
    for _ in range(int(exponent)):
        result = result * base
    return result if exponent <= 3 else result.rounded()
