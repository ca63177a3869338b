"""Elementwise functions of one tensor that are exact on dyadic numbers: signs, rounding, clamping, tests."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from assay.ir.types import ALL, BOOL, FLOATS, INTEGERS, NUMERIC, ScalarType, is_float
from assay.ops.attributes import values
from assay.ops.elementwise import unary
from assay.ops.errors import moves, rounded, steps
from assay.ops.facts import BOOLEAN, Facts, constant, hull, require
from assay.ops.operands import free
from assay.ops.promotion import result_dtype
from assay.ops.protocol import Attribute, Binding, operator

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
    return Facts(f.x.low - step, f.x.high + step)


unary(
    "unary.neg",
    lambda x: -x,
    SIGNED,
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
    onnx="Relu",
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
    onnx="Sign",
    jax="jnp.sign",
    tensorflow="tf.sign",
)
for name, rounding, onnx in (("floor", math.floor, "Floor"), ("ceil", math.ceil, "Ceil"), ("trunc", math.trunc, None)):
    unary(
        f"unary.{name}",
        whole(rounding),
        NUMERIC,
        jumps=True,
        saves="none",
        onnx=onnx,
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
    onnx="Round",
    jax="jnp.round",
    tensorflow="tf.round",
    error=steps(),
)
unary("unary.frac", lambda x: Facts(-(x.low < 0), x.high > 0, x.scale), FLOATS, jumps=True, saves="none")
unary(
    "unary.square",
    lambda x: abs(x) * abs(x),
    result=lambda dtype: "int64" if dtype == "bool" else dtype,
    saves="inputs",
    jax="jnp.square",
    tensorflow="tf.square",
    error={"pow": POWER},
)


def sign_bits(x: Facts) -> Facts:
    """A sign of zero that the operations before do not promise would be a false alarm."""
    require(x.positive_zero or x.low > 0 or x.high < 0, "the sign of a zero is not certain")
    return BOOLEAN


for name, saves, onnx, tensorflow in (
    ("logical_not", "none", "Not", "logical_not"),
    ("signbit", "none", None, None),
    ("isfinite", "inputs", None, "is_finite"),
    ("isnan", "inputs", "IsNaN", "is_nan"),
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
    onnx="BitwiseNot",
    jax="jnp.bitwise_not",
    tensorflow="tf.bitwise.invert",
    error=steps(),
)
unary(
    "unary.positive", lambda x: x, NUMERIC, symbol="+", inplace=None, out=False, maybe_view="x", saves="none", error={}
)
unary("unary.nan_to_num", lambda x: x, saves="inputs", jax="jnp.nan_to_num")


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
    onnx="Clip",
    jax="jnp.clip",
    tensorflow="tf.clip_by_value",
    error=moves(),
)
operator(
    "unary.pow",
    operands=[free("x", FLOATS)],
    attributes=[values("exponent", boundary=(0, 1), other=(2, 3, 4, 2.0))],
    infer=lambda b: b.x,
    facts=lambda b, f: power(f.x, b.exponent),
    torch="torch.pow",
    inplace="pow_",
    out=True,
    saves="inputs",
    onnx="Pow",
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
