"""Activation functions, as neural networks name them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from assay.ir.types import FLOATS, NUMERIC, TensorType
from assay.ops.attributes import choice, dim, values
from assay.ops.elementwise import above, rising
from assay.ops.errors import ErrorRule, Rules, moves, rounded, steps
from assay.ops.facts import Facts, constant, hull
from assay.ops.operands import free
from assay.ops.promotion import to_float
from assay.ops.protocol import Attribute, Binding, Operator, operator
from assay.ops.shapes import halved, normal_dim, replaced


def activation(
    name: str,
    facts: Callable[[Binding, Facts], Facts],
    attributes: Sequence[Attribute] = (),
    dtypes: tuple[str, ...] = FLOATS,
    *,
    ranks: tuple[int, ...] = (0, 1, 2, 3, 4, 5),
    jumps: bool | Callable[[Binding], bool] = False,
    error: ErrorRule | Rules | None = None,
    backward: ErrorRule | None = None,
    **rest: Any,
) -> Operator:
    """An elementwise function of torch.nn.functional; the dtype stays.

    ``error`` is the rule of the operation of its name (or the rules of those that it is made of), ``backward`` that of
    the operation that gives its gradient.
    """
    rest.setdefault("infer", lambda b: b.x)
    rules: Rules = {name: error} if isinstance(error, ErrorRule) else error or {}
    if backward is not None:
        rules = {**rules, f"{name}_backward": backward}
    return operator(
        f"activation.{name}",
        operands=[free("x", dtypes, ranks, jumps=jumps)],
        attributes=attributes,
        facts=lambda b, f: facts(b, f.x),
        torch=f"torch.nn.functional.{name}",
        error=rules,
        **rest,
    )


CLAMPED = {"hardtanh": moves(), "hardtanh_backward": steps(1)}
EXPONENTIAL = rounded(8.0)
# From the result, where that is what is kept: gradient * (result + alpha).
SLOPE = rounded(8.0, one=1.0, times=0)


def _exponential(alpha: float, beta: float) -> Callable[[float], float]:
    return lambda v: v if v > 0 else alpha * math.expm1(v / beta)


def _normal_share(v: float) -> float:
    return v * 0.5 * (1 + math.erf(v / math.sqrt(2)))


def _sigmoid(v: float) -> float:
    return 1 / (1 + math.exp(-v)) if v > -700 else 0.0


def _softplus(v: float) -> float:
    return v if v > 30 else math.log1p(math.exp(v))


def leaky(b: Binding, x: Facts) -> Facts:
    """Negative elements are scaled; exact where the slope is dyadic."""
    scaled = x * constant(b.negative_slope)
    low = scaled.low if x.low < 0 else x.low
    return Facts(low, max(x.high, scaled.low, scaled.high) if x.high > 0 else scaled.high, hull(x, scaled).scale)


def shrunk(b: Binding, x: Facts) -> Facts:
    """Towards zero by lambd."""
    pull = rising(lambda v: math.copysign(max(abs(v) - b.lambd, 0.0), v))(x)
    return Facts(pull.low, pull.high, (x + constant(b.lambd)).scale)


def smooth_join(b: Binding, x: Facts) -> Facts:
    """Softplus; at a small threshold its two pieces do not meet, and it jumps."""
    gap = math.log1p(math.exp(-b.threshold)) / b.beta
    image = rising(lambda v: _softplus(v * b.beta) / b.beta)(x)
    return Facts(image.low - gap, image.high)


def gated(b: Binding, x: Facts) -> Facts:
    """A half times the sigmoid of the other half."""
    return Facts(min(x.low, 0.0), max(x.high, 0.0))


def gated_type(b: Binding) -> TensorType:
    """Half the size in the split dimension, which must be even."""
    position = normal_dim(b.dim, b.x.rank)
    result: TensorType = b.x.with_shape(replaced(b.x.shape, position, halved(b.x.shape[position])))
    return result


activation(
    "relu6",
    lambda b, x: x.clipped(0, 6),
    dtypes=NUMERIC,
    saves="inputs",
    thresholds=(0.0, 6.0),
    jax="jax.nn.relu6",
    error=CLAMPED,
)
activation(
    "hardtanh",
    lambda b, x: replace(
        x.clipped(b.min_val, b.max_val), scale=hull(x, constant(b.min_val), constant(b.max_val)).scale
    ),
    [values("min_val", -1.0, boundary=(0.0,), negative=(-2.0,)), values("max_val", 1.0, other=(2.0, 0.5))],
    saves="inputs",
    thresholds=(-2.0, -1.0, 0.0, 0.5, 1.0, 2.0),
    jax="jax.nn.hard_tanh",
    error=CLAMPED,
)
activation(
    "leaky_relu",
    leaky,
    [values("negative_slope", 0.01, boundary=(0.0, 1.0), negative=(-0.5,), other=(0.5, 0.25, 2.0))],
    saves="inputs",
    thresholds=(0.0,),
    onnx="LeakyRelu",
    jax="jax.nn.leaky_relu",
    tensorflow="tf.nn.leaky_relu",
    # The slope is rounded too.
    error=rounded(2.0),
    backward=rounded(2.0, jumps=(1,)),
)
activation(
    "elu",
    lambda b, x: rising(_exponential(b.alpha, 1))(x),
    [values("alpha", 1.0, boundary=(0.0,), other=(0.5, 2.0))],
    thresholds=(0.0,),
    onnx="Elu",
    jax="jax.nn.elu",
    tensorflow="tf.nn.elu",
    saves="inputs",
    error=EXPONENTIAL,
    backward=SLOPE,
)
activation(
    "celu",
    lambda b, x: rising(_exponential(b.alpha, b.alpha))(x),
    [values("alpha", 1.0, other=(0.5, 2.0))],
    thresholds=(0.0,),
    onnx="Celu",
    jax="jax.nn.celu",
    saves="inputs",
    error=EXPONENTIAL,
)
activation(
    "selu",
    lambda b, x: rising(lambda v: 1.0507009873554805 * _exponential(1.6732632423543772, 1)(v))(x),
    thresholds=(0.0,),
    onnx="Selu",
    jax="jax.nn.selu",
    tensorflow="tf.nn.selu",
    saves="inputs",
    error={"elu": EXPONENTIAL, "elu_backward": SLOPE},
)
activation(
    "gelu",
    lambda b, x: above(-0.1715, _normal_share)(Facts(x.low - 1e-2, x.high + 1e-2)),
    [choice("approximate", "none", "tanh")],
    saves="inputs",
    onnx="Gelu",
    jax="jax.nn.gelu",
    tensorflow="tf.nn.gelu",
    error=rounded(8.0, operand=1.0),
    backward=rounded(8.0, one=1.0, operand=1.0, times=0),
)
activation(
    "silu",
    lambda b, x: above(-0.2795, lambda v: v * _sigmoid(v))(x),
    saves="inputs",
    jax="jax.nn.silu",
    tensorflow="tf.nn.silu",
    # 1 + x (1 - sigmoid) has a zero, and the difference loses digits where x is large.
    error=rounded(8.0),
    backward=rounded(8.0, one=1.0, operand=0.25, times=0),
)
activation(
    "mish",
    lambda b, x: above(-0.3095, lambda v: v * math.tanh(_softplus(v)))(x),
    saves="inputs",
    onnx="Mish",
    jax="jax.nn.mish",
    error=rounded(8.0, operand=1.0),
    backward=rounded(8.0, one=1.0, operand=1.0, times=0),
)
activation(
    "softplus",
    smooth_join,
    [values("beta", 1.0, other=(2.0, 0.5)), values("threshold", 20.0, other=(5.0, 2.0))],
    jumps=lambda b: b.threshold != 20,
    saves="inputs",
    thresholds=(20.0, 5.0, 2.0),
    onnx="Softplus",
    jax="jax.nn.softplus",
    tensorflow="tf.nn.softplus",
    error=rounded(8.0, jumps=(0,)),
    backward=rounded(8.0, jumps=(1,)),
)
activation(
    "hardsigmoid",
    lambda b, x: rising(lambda v: min(max(v + 3, 0), 6) / 6)(x),
    saves="inputs",
    thresholds=(-3.0, 3.0),
    onnx="HardSigmoid",
    jax="jax.nn.hard_sigmoid",
    error=rounded(3.0),
    backward=rounded(2.0, jumps=(1,)),
)
activation(
    "hardswish",
    lambda b, x: above(-0.377, lambda v: v * min(max(v + 3, 0), 6) / 6)(x),
    saves="inputs",
    thresholds=(-3.0, 3.0),
    onnx="HardSwish",
    jax="jax.nn.hard_swish",
    error=rounded(4.0),
    backward=rounded(4.0, one=1.0, times=0, jumps=(1,)),
)
activation(
    "logsigmoid",
    lambda b, x: rising(lambda v: -_softplus(-v))(x),
    jax="jax.nn.log_sigmoid",
    tensorflow="tf.math.log_sigmoid",
    saves="inputs",
    error={"log_sigmoid_forward": rounded(8.0), "log_sigmoid_backward": rounded(8.0)},
)
activation(
    "softsign",
    lambda b, x: rising(lambda v: v / (1 + abs(v)))(x),
    dtypes=NUMERIC,
    infer=lambda b: b.x.with_dtype(to_float(b.x.dtype)),
    onnx="Softsign",
    jax="jax.nn.soft_sign",
    tensorflow="tf.nn.softsign",
    saves="inputs",
)
# Small elements cancel, so that the result is only bounded by the operand.
activation(
    "tanhshrink",
    lambda b, x: Facts(min(x.low, -0.02), max(x.high, 0.02)),
    dtypes=NUMERIC,
    infer=lambda b: b.x.with_dtype(to_float(b.x.dtype)),
    saves="none",
)
activation(
    "softshrink",
    shrunk,
    [values("lambd", 0.5, boundary=(0.0,), other=(1.0, 2.0))],
    saves="inputs",
    thresholds=(-2.0, -1.0, -0.5, 0.5, 1.0, 2.0),
    onnx="Shrink",
    error=rounded(1.0),
    backward=steps(1),
)
activation(
    "hardshrink",
    lambda b, x: hull(x, constant(0)),
    [values("lambd", 0.5, boundary=(0.0,), other=(1.0, 2.0))],
    jumps=True,
    saves="inputs",
    thresholds=(-2.0, -1.0, -0.5, 0.5, 1.0, 2.0),
    error=steps(),
    backward=steps(1),
)
activation(
    "threshold",
    lambda b, x: hull(x, constant(b.value)),
    [
        values("threshold", boundary=(0,), negative=(-1,), other=(1, 2), positional=True),
        values("value", boundary=(0,), other=(1, 7), positional=True),
    ],
    dtypes=NUMERIC,
    jumps=True,
    saves="inputs",
    thresholds=(-1.0, 0.0, 1.0, 2.0),
    error=steps(),
    backward=steps(1),
)
activation(
    "glu",
    gated,
    [dim("dim", default=-1)],
    ranks=(1, 2, 3, 4, 5),
    infer=gated_type,
    saves="inputs",
    jax="jax.nn.glu",
    # Backward goes through the sigmoid of the gate, and 1 minus it, in the dtype of the gradient.
    error=rounded(8.0, inside=1.0),
    backward=rounded(12.0, operand=1.0, times=0, inside=4.0),
)
