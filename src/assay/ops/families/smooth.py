"""Real-valued functions of one tensor, rounded in every dtype: exponentials, logarithms, roots, trigonometry.

Their domains keep away from poles and from where a derivative is infinite, so that training programs stay finite.
"""

from __future__ import annotations

import math

from assay.ir.types import FLOATS
from assay.ops.elementwise import (
    TRANSCENDENTAL,
    above,
    bounded,
    falling,
    late,
    multiplied,
    of_several,
    promoting,
    rising,
    smooth,
    where,
)
from assay.ops.errors import rounded
from assay.ops.facts import Interval, require
from assay.ops.onnx_forms import NARROW, Arg, Form, Graph, wide
from assay.ops.protocol import Binding

POSITIVE = Interval(2.0**-6, 2.0**30)
UNIT = Interval(-0.9375, 0.9375)
CIRCLE = Interval(-64, 64)
# Eager rounds the root of the 16-bit types before it divides.
ROOT_AND_QUOTIENT = rounded(2.0, inside=1.0)


def log_to_base(base: float) -> Form:
    """The natural logarithm over that of the base."""
    return of_several(lambda g, x: g.node("Div", g.node("Log", x), g.like(math.log(base), x)))


def exp_minus_one(g: Graph, x: str) -> str:
    """exp(x) - 1 = tanh(x / 2) (exp(x) + 1), where nothing cancels."""
    half = g.node("Tanh", g.node("Mul", x, g.like(0.5, x)))
    return g.node("Mul", half, g.node("Add", g.node("Exp", x), g.like(1, x)))


def log_of_one_plus(g: Graph, x: str) -> str:
    """log(u) x / (u - 1) for u = 1 + x, which takes back how u was rounded (Kahan); x itself where u is 1."""
    one = g.like(1, x)
    shifted = g.node("Add", x, one)
    corrected = g.node("Mul", g.node("Log", shifted), g.node("Div", x, g.node("Sub", shifted, one)))
    return where(g, g.node("Equal", shifted, one, dtype="bool"), x, corrected)


@wide
@promoting
def complementary(g: Graph, b: Binding, x: str) -> str:
    """1 - Erf, which cancels: up to half of float32's bits, where only the 16-bit types have enough left."""
    return g.node("Sub", g.like(1, x), g.node("Erf", x))


def in_16_bits(form: Form) -> Form:
    """A form that is too inaccurate for more."""

    def narrow(g: Graph, b: Binding, *args: Arg) -> str | tuple[str, ...]:
        require(g.out[0].dtype in NARROW, "too inaccurate for more than 16 bits")
        return form(g, b, *args)

    return narrow


def normalised_sine(g: Graph, x: str) -> str:
    """sin(pi x) / (pi x), and 1 at zero."""
    angle = multiplied(g, x, math.pi)
    at_zero = g.node("Equal", x, g.like(0, x), dtype="bool")
    return where(g, at_zero, g.like(1, x), g.node("Div", g.node("Sin", angle), angle))


smooth("smooth.exp", rising(math.exp), Interval(-16, 6), saves="output", onnx="Exp", jax="jnp.exp", tensorflow="tf.exp")
smooth(
    "smooth.exp2",
    rising(math.exp2),
    Interval(-16, 8),
    saves="output",
    onnx=promoting(lambda g, b, x: g.node("Pow", g.like(2, x), x)),
    jax="jnp.exp2",
)
smooth(
    "smooth.expm1",
    rising(math.expm1),
    Interval(-16, 6),
    saves="output",
    onnx=of_several(exp_minus_one),
    jax="jnp.expm1",
    tensorflow="tf.math.expm1",
)
smooth("smooth.log", rising(math.log), POSITIVE, saves="inputs", onnx="Log", jax="jnp.log", tensorflow="tf.math.log")
smooth("smooth.log2", rising(math.log2), POSITIVE, saves="inputs", onnx=log_to_base(2), jax="jnp.log2")
smooth("smooth.log10", rising(math.log10), POSITIVE, saves="inputs", onnx=log_to_base(10), jax="jnp.log10")
smooth(
    "smooth.log1p",
    rising(math.log1p),
    Interval(-0.875, 2.0**30),
    saves="inputs",
    onnx=of_several(log_of_one_plus),
    jax="jnp.log1p",
    tensorflow="tf.math.log1p",
)
smooth(
    "smooth.sqrt",
    rising(math.sqrt),
    POSITIVE,
    saves="output",
    onnx="Sqrt",
    jax="jnp.sqrt",
    tensorflow="tf.sqrt",
    error=rounded(2.0),
)
smooth(
    "smooth.rsqrt",
    falling(lambda v: 1 / math.sqrt(v)),
    POSITIVE,
    saves="output",
    onnx=of_several(lambda g, x: g.node("Reciprocal", g.node("Sqrt", x))),
    jax="jax.lax.rsqrt",
    tensorflow="tf.math.rsqrt",
    error=ROOT_AND_QUOTIENT,
)
smooth(
    "smooth.reciprocal",
    falling(lambda v: 1 / v),
    POSITIVE,
    saves="output",
    onnx="Reciprocal",
    jax="jnp.reciprocal",
    tensorflow="tf.math.reciprocal",
    error=rounded(2.0),
)
for name, wave in (("sin", math.sin), ("cos", math.cos)):
    smooth(
        f"smooth.{name}",
        bounded(-1, 1, wave),
        CIRCLE,
        saves="inputs",
        onnx=late(name.capitalize()),
        jax=f"jnp.{name}",
        tensorflow=f"tf.{name}",
    )
smooth(
    "smooth.tan",
    rising(math.tan),
    Interval(-1.25, 1.25),
    saves="output",
    onnx=late("Tan"),
    jax="jnp.tan",
    tensorflow="tf.tan",
)
smooth("smooth.sinh", rising(math.sinh), Interval(-6, 6), saves="inputs", onnx=late("Sinh"), jax="jnp.sinh")
smooth("smooth.cosh", above(1.0, math.cosh), Interval(-6, 6), saves="inputs", onnx=late("Cosh"), jax="jnp.cosh")
smooth(
    "smooth.tanh",
    rising(math.tanh),
    saves="output",
    onnx="Tanh",
    jax="jnp.tanh",
    tensorflow="tf.tanh",
    # 1 - y² cancels near the ends, and eager rounds y² to the 16-bit types.
    error={"tanh": TRANSCENDENTAL, "tanh_backward": rounded(2.0, one=1.0, times=0, inside=1.0)},
)
smooth(
    "smooth.asin", rising(math.asin), UNIT, saves="inputs", onnx=late("Asin"), jax="jnp.arcsin", tensorflow="tf.asin"
)
smooth(
    "smooth.acos", falling(math.acos), UNIT, saves="inputs", onnx=late("Acos"), jax="jnp.arccos", tensorflow="tf.acos"
)
smooth("smooth.atan", rising(math.atan), saves="inputs", onnx=late("Atan"), jax="jnp.arctan", tensorflow="tf.atan")
smooth(
    "smooth.asinh",
    rising(math.asinh),
    # In place it has no derivative.
    inplace=None,
    saves="inputs",
    onnx=late("Asinh"),
    jax="jnp.arcsinh",
    tensorflow="tf.asinh",
)
smooth(
    "smooth.atanh",
    rising(math.atanh),
    UNIT,
    saves="inputs",
    # Torch has no derivative of `atanh_`, nor of `acosh_`.
    trains_inplace=False,
    onnx=late("Atanh"),
    jax="jnp.arctanh",
)
smooth(
    "smooth.erf",
    rising(math.erf),
    saves="inputs",
    onnx="Erf",
    jax="jax.lax.erf",
    tensorflow="tf.math.erf",
    # Eager takes the 16-bit types through a polynomial whose error is absolute.
    error=rounded(8.0, one=0.5),
)
smooth(
    "smooth.erfc",
    falling(math.erfc),
    Interval(-8, 2),
    saves="inputs",
    onnx=in_16_bits(complementary),
    jax="jax.lax.erfc",
    tensorflow="tf.math.erfc",
)
smooth(
    "smooth.sigmoid",
    rising(lambda v: 1 / (1 + math.exp(-v)) if v > -700 else 0.0),
    saves="output",
    onnx="Sigmoid",
    jax="jax.nn.sigmoid",
    tensorflow="tf.sigmoid",
    # Eager rounds 1 - y and its product to the 16-bit types.
    error={"sigmoid": TRANSCENDENTAL, "sigmoid_backward": rounded(4.0, inside=2.0)},
)
smooth(
    "smooth.logit",
    rising(lambda v: math.log(v / (1 - v))),
    Interval(0.0625, 0.9375),
    FLOATS,
    saves="inputs",
    onnx=of_several(lambda g, x: g.node("Log", g.node("Div", x, g.node("Sub", g.like(1, x), x)))),
    jax="jax.scipy.special.logit",
    # The rounding of x / (1 - x) is absolute in its logarithm; eager rounds both steps to the 16-bit types.
    error={"logit": rounded(8.0, one=1.0, inside=2.0), "logit_backward": rounded(4.0, inside=2.0)},
)
smooth(
    "smooth.lgamma",
    lambda x: above(-0.1215, math.lgamma)(x),
    Interval(0.25, 64),
    saves="inputs",
    jax="jax.lax.lgamma",
    tensorflow="tf.math.lgamma",
    # Both have zeros, near which their sums cancel.
    error={"lgamma": rounded(16.0, one=1.0), "digamma": rounded(16.0, one=1.0)},
)
# The rounding of pi x, at most in the argument's units, moves the sine by as much: absolute, once divided.
smooth(
    "smooth.sinc",
    bounded(-0.2173, 1),
    Interval(-32, 32),
    saves="inputs",
    onnx=of_several(normalised_sine),
    jax="jnp.sinc",
    error=rounded(8.0, one=0.25),
)
# The constant is rounded too.
smooth(
    "smooth.deg2rad",
    rising(math.radians),
    saves="none",
    onnx=promoting(lambda g, b, x: multiplied(g, x, math.pi / 180)),
    jax="jnp.deg2rad",
    error=rounded(2.0),
)
