"""Real-valued functions of one tensor, rounded in every dtype: exponentials, logarithms, roots, trigonometry.

Their domains keep away from poles and from where a derivative is infinite, so that training programs stay finite.
"""

from __future__ import annotations

import math

from assay.ir.types import FLOATS
from assay.ops.elementwise import TRANSCENDENTAL, above, bounded, falling, rising, smooth
from assay.ops.errors import rounded
from assay.ops.facts import Interval

POSITIVE = Interval(2.0**-6, 2.0**30)
UNIT = Interval(-0.9375, 0.9375)
CIRCLE = Interval(-64, 64)
# Eager rounds the root of the 16-bit types before it divides.
ROOT_AND_QUOTIENT = rounded(2.0, inside=1.0)

smooth("smooth.exp", rising(math.exp), Interval(-16, 6), saves="output", onnx="Exp", jax="jnp.exp", tensorflow="tf.exp")
smooth("smooth.exp2", rising(math.exp2), Interval(-16, 8), saves="output", jax="jnp.exp2")
smooth(
    "smooth.expm1", rising(math.expm1), Interval(-16, 6), saves="output", jax="jnp.expm1", tensorflow="tf.math.expm1"
)
smooth("smooth.log", rising(math.log), POSITIVE, saves="inputs", onnx="Log", jax="jnp.log", tensorflow="tf.math.log")
smooth("smooth.log2", rising(math.log2), POSITIVE, saves="inputs", jax="jnp.log2")
smooth("smooth.log10", rising(math.log10), POSITIVE, saves="inputs", jax="jnp.log10")
smooth(
    "smooth.log1p",
    rising(math.log1p),
    Interval(-0.875, 2.0**30),
    saves="inputs",
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
for name in ("sin", "cos"):
    smooth(
        f"smooth.{name}",
        bounded(-1, 1),
        CIRCLE,
        saves="inputs",
        onnx=name.capitalize(),
        jax=f"jnp.{name}",
        tensorflow=f"tf.{name}",
    )
smooth(
    "smooth.tan",
    rising(math.tan),
    Interval(-1.25, 1.25),
    saves="output",
    onnx="Tan",
    jax="jnp.tan",
    tensorflow="tf.tan",
)
smooth("smooth.sinh", rising(math.sinh), Interval(-6, 6), saves="inputs", onnx="Sinh", jax="jnp.sinh")
smooth("smooth.cosh", above(1.0, math.cosh), Interval(-6, 6), saves="inputs", onnx="Cosh", jax="jnp.cosh")
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
smooth("smooth.asin", rising(math.asin), UNIT, saves="inputs", onnx="Asin", jax="jnp.arcsin", tensorflow="tf.asin")
smooth("smooth.acos", falling(math.acos), UNIT, saves="inputs", onnx="Acos", jax="jnp.arccos", tensorflow="tf.acos")
smooth("smooth.atan", rising(math.atan), saves="inputs", onnx="Atan", jax="jnp.arctan", tensorflow="tf.atan")
smooth(
    "smooth.asinh",
    rising(math.asinh),
    inplace=None,
    saves="inputs",
    onnx="Asinh",
    jax="jnp.arcsinh",
    tensorflow="tf.asinh",
)
smooth("smooth.atanh", rising(math.atanh), UNIT, inplace=None, saves="inputs", onnx="Atanh", jax="jnp.arctanh")
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
    "smooth.erfc", falling(math.erfc), Interval(-8, 2), saves="inputs", jax="jax.lax.erfc", tensorflow="tf.math.erfc"
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
    "smooth.sinc", bounded(-0.2173, 1), Interval(-32, 32), saves="inputs", jax="jnp.sinc", error=rounded(8.0, one=0.25)
)
# The constant is rounded too.
smooth("smooth.deg2rad", rising(math.radians), saves="none", jax="jnp.deg2rad", error=rounded(2.0))
