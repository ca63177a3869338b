"""Activation functions, as neural networks name them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from assay.ir.sizes import smallest
from assay.ir.types import FLOATS, INTEGERS, NUMERIC, RANKS, TensorType, is_float
from assay.ops.attributes import choice, dim, values
from assay.ops.elementwise import (
    above,
    bfloat16_since,
    clip,
    late,
    less,
    multiplied,
    of_several,
    rising,
    where,
)
from assay.ops.errors import ErrorRule, Rules, moves, rounded, steps
from assay.ops.facts import Facts, constant, fit, hull
from assay.ops.families.smooth import exp_minus_one
from assay.ops.onnx_forms import Arg, Form, Graph, Of, node, of, wide
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
    ranks: tuple[int, ...] = RANKS,
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
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


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


def except_in_float64(form: Form, in_float64: Form) -> Form:
    """A node has its constants in float32: in float64, other nodes take its place."""
    return lambda g, b, x: (in_float64 if x.dtype == "float64" else form)(g, b, x)


def leak(g: Graph, b: Binding, x: Arg) -> str:
    """A slope of its own below zero."""
    name = g.name(x)
    return where(g, less(g, name, 0), multiplied(g, name, b.negative_slope), name)


def exponential_unit(g: Graph, x: str, alpha: float, beta: float = 1) -> str:
    """x above zero, alpha (exp(x / beta) - 1) below."""
    below = g.node("Min", x, g.like(0, x))
    curved = exp_minus_one(g, below if beta == 1 else g.node("Div", below, g.like(beta, x)))
    return g.node("Add", g.node("Max", x, g.like(0, x)), multiplied(g, curved, alpha))


def elu(g: Graph, b: Binding, x: Arg) -> str:
    """Elu by its definition."""
    return exponential_unit(g, g.name(x), b.alpha)


@wide
def celu(g: Graph, b: Binding, x: Arg) -> str:
    """Celu, which is of float32 only."""
    if g.out[0].dtype == "float32":
        return g.node("Celu", g.name(x), alpha=b.alpha)
    return exponential_unit(g, g.name(x), b.alpha, b.alpha)


def selu(g: Graph, b: Binding, x: Arg) -> str:
    """Selu by its definition."""
    return multiplied(g, exponential_unit(g, g.name(x), SELU_ALPHA), SELU_SCALE)


@wide
def gelu_of_nodes(g: Graph, b: Binding, x: Arg) -> str:
    """Gelu by the error function, or its approximation, as exporters write it for older opsets."""
    name = g.name(x)
    half, one = g.like(0.5, name), g.like(1, name)
    if b.approximate == "none":
        share = g.node("Erf", g.node("Div", name, g.like(math.sqrt(2), name)))
        return g.node("Mul", g.node("Mul", name, g.node("Add", share, one)), half)
    cubed = multiplied(g, g.node("Pow", name, g.like(3, name)), 0.044715)
    share = g.node("Tanh", multiplied(g, g.node("Add", name, cubed), math.sqrt(2 / math.pi)))
    return g.node("Mul", g.node("Mul", name, half), g.node("Add", share, one))


def newer(form: Form, since: int, older: Form) -> Form:
    """A form since an opset, and another before."""
    return lambda g, b, x: (form if g.opset >= since else older)(g, b, x)


@wide
def softplus_of_pieces(g: Graph, b: Binding, x: Arg) -> str:
    """softplus(beta x) / beta, and x from the threshold on."""
    name = g.name(x)
    scaled = multiplied(g, name, b.beta)
    curved = multiplied(g, g.node("Softplus", scaled), 1 / b.beta)
    return where(g, g.node("Greater", scaled, g.like(b.threshold, name), dtype="bool"), name, curved)


def softplus(g: Graph, b: Binding, x: Arg) -> str | tuple[str, ...]:
    """Softplus; beyond the usual threshold it is x in all but float64."""
    usual = (b.beta, b.threshold) == (1, 20) and x.dtype != "float64"
    return (late("Softplus") if usual else softplus_of_pieces)(g, b, x)


def hard_gate(g: Graph, x: str) -> str:
    """x + 3, between 0 and 6, over 6."""
    shifted = g.node("Clip", g.node("Add", x, g.like(3, x)), g.like(0, x), g.like(6, x))
    return g.node("Div", shifted, g.like(6, x))


def shrink(bias: float | Of) -> Form:
    """Shrink, which takes no bfloat16 in any opset."""
    return bfloat16_since(math.inf, node("Shrink", bias=bias, lambd=of("lambd")))


def replace_small(g: Graph, b: Binding, x: Arg) -> str | tuple[str, ...]:
    """ThresholdedRelu where zero takes the place of what is small."""
    if b.value == 0 and is_float(x.dtype):
        return late("ThresholdedRelu", alpha=of("threshold", float))(g, b, x)
    small = g.node("LessOrEqual", g.name(x), g.constant(b.threshold, x.dtype), dtype="bool")
    return where(g, small, g.constant(b.value, x.dtype), g.name(x))


@wide
def gate(g: Graph, b: Binding, x: Arg) -> str:
    """The first half times the sigmoid of the second."""
    half = g.out[0].shape[b.dim]
    # ONNX Runtime refuses to count parts of nothing.
    sizes = g.shape([half, half]) if smallest(half) == 0 else None
    number = 2 if g.opset >= 18 and sizes is None else None
    first, second = g.several("Split", g.name(x), sizes, outputs=2, axis=b.dim, num_outputs=number)
    return g.node("Mul", first, g.node("Sigmoid", second))


activation(
    "relu6",
    lambda b, x: x.clipped(0, 6),
    dtypes=NUMERIC,
    inplace="torch.nn.functional.relu6",
    saves="inputs",
    thresholds=(0.0, 6.0),
    onnx=lambda g, b, x: clip(g, x, 0, 6),
    jax="jax.nn.relu6",
    error=CLAMPED,
)
activation(
    "hardtanh",
    lambda b, x: replace(
        x.clipped(b.min_val, b.max_val), scale=hull(x, constant(b.min_val), constant(b.max_val)).scale
    ),
    [values("min_val", -1.0, boundary=(0.0,), negative=(-2.0,)), values("max_val", 1.0, other=(2.0, 0.5))],
    inplace="torch.nn.functional.hardtanh_",
    saves="inputs",
    left_out=dict.fromkeys(INTEGERS, "it bounds by floats"),
    thresholds=(-2.0, -1.0, 0.0, 0.5, 1.0, 2.0),
    onnx=lambda g, b, x: clip(g, x, b.min_val, b.max_val),
    jax="jax.nn.hard_tanh",
    error=CLAMPED,
)
activation(
    "leaky_relu",
    leaky,
    [values("negative_slope", 0.01, boundary=(0.0, 1.0), negative=(-0.5,), other=(0.5, 0.25, 2.0))],
    saves="inputs",
    thresholds=(0.0,),
    onnx=except_in_float64(node("LeakyRelu", alpha=of("negative_slope")), leak),
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
    inplace="torch.nn.functional.elu_",
    onnx=except_in_float64(late("Elu", alpha=of("alpha")), elu),
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
    inplace="torch.nn.functional.celu_",
    onnx=celu,
    jax="jax.nn.celu",
    saves="inputs",
    error=EXPONENTIAL,
)
activation(
    "selu",
    lambda b, x: rising(lambda v: SELU_SCALE * _exponential(SELU_ALPHA, 1)(v))(x),
    thresholds=(0.0,),
    inplace="torch.nn.functional.selu_",
    onnx=except_in_float64(late("Selu"), selu),
    jax="jax.nn.selu",
    tensorflow="tf.nn.selu",
    saves="inputs",
    error={"elu": EXPONENTIAL, "elu_backward": SLOPE},
)


def near_gelu(b: Binding, x: Facts) -> Facts:
    """The product with the normal share, of which half cancels in the 16-bit types, or an approximation of it."""
    found, off = above(-0.1715, _normal_share)(x), 1e-3 + x.magnitude * 2.0**-8
    return Facts(found.low - off, found.high + off)


activation(
    "gelu",
    near_gelu,
    [choice("approximate", "none", "tanh")],
    saves="inputs",
    onnx=except_in_float64(newer(node("Gelu", approximate=of("approximate")), 20, gelu_of_nodes), gelu_of_nodes),
    jax="jax.nn.gelu",
    tensorflow="tf.nn.gelu",
    error=rounded(8.0, operand=1.0),
    backward=rounded(8.0, one=1.0, operand=1.0, times=0),
)
activation(
    "silu",
    lambda b, x: above(-0.2795, lambda v: v * _sigmoid(v))(x),
    inplace="torch.nn.functional.silu",
    saves="inputs",
    onnx=newer(node("Swish"), 24, of_several(lambda g, x: g.node("Mul", x, g.node("Sigmoid", x)))),
    jax="jax.nn.silu",
    tensorflow="tf.nn.silu",
    # 1 + x (1 - sigmoid) has a zero, and the difference loses digits where x is large.
    error=rounded(8.0),
    backward=rounded(8.0, one=1.0, operand=0.25, times=0),
)
activation(
    "mish",
    lambda b, x: above(-0.3095, lambda v: v * math.tanh(_softplus(v)))(x),
    inplace="torch.nn.functional.mish",
    saves="inputs",
    onnx=newer(late("Mish"), 18, of_several(lambda g, x: g.node("Mul", x, g.node("Tanh", g.node("Softplus", x))))),
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
    onnx=softplus,
    jax="jax.nn.softplus",
    tensorflow="tf.nn.softplus",
    error=rounded(8.0, jumps=(0,)),
    backward=rounded(8.0, jumps=(1,)),
)
activation(
    "hardsigmoid",
    lambda b, x: rising(lambda v: min(max(v + 3, 0), 6) / 6)(x),
    inplace="torch.nn.functional.hardsigmoid",
    saves="inputs",
    thresholds=(-3.0, 3.0),
    onnx=except_in_float64(late("HardSigmoid", alpha=1 / 6, beta=0.5), of_several(hard_gate)),
    jax="jax.nn.hard_sigmoid",
    error=rounded(3.0),
    backward=rounded(2.0, jumps=(1,)),
)
activation(
    "hardswish",
    lambda b, x: above(-0.377, lambda v: v * min(max(v + 3, 0), 6) / 6)(x),
    inplace="torch.nn.functional.hardswish",
    saves="inputs",
    thresholds=(-3.0, 3.0),
    onnx=except_in_float64(late("HardSwish"), of_several(lambda g, x: g.node("Mul", x, hard_gate(g, x)))),
    jax="jax.nn.hard_swish",
    error=rounded(4.0),
    backward=rounded(4.0, one=1.0, times=0, jumps=(1,)),
)
activation(
    "logsigmoid",
    lambda b, x: rising(lambda v: -_softplus(-v))(x),
    onnx=of_several(lambda g, x: g.node("Neg", g.node("Softplus", g.node("Neg", x)))),
    jax="jax.nn.log_sigmoid",
    tensorflow="tf.math.log_sigmoid",
    saves="inputs",
    error={"log_sigmoid_forward": rounded(8.0), "log_sigmoid_backward": rounded(8.0)},
)


def softened(b: Binding, x: Facts) -> Facts:
    """x / (1 + |x|), whose divisor has the dtype of x: of uint8 it may be zero."""
    fit(abs(x) + constant(1), b.x.dtype)
    return rising(lambda v: v / (1 + abs(v)))(x)


activation(
    "softsign",
    softened,
    dtypes=NUMERIC,
    infer=lambda b: b.x.with_dtype(to_float(b.x.dtype)),
    onnx=late("Softsign"),
    jax="jax.nn.soft_sign",
    tensorflow="tf.nn.softsign",
    saves="inputs",
)
# Small elements cancel, so that the result is only bounded by the operand.
activation(
    "tanhshrink",
    lambda b, x: Facts(min(x.low, -0.02), max(x.high, 0.02), holds=0.0 if x.sure == 0 else None),
    dtypes=NUMERIC,
    infer=lambda b: b.x.with_dtype(to_float(b.x.dtype)),
    saves="none",
    onnx=of_several(lambda g, x: g.node("Sub", x, g.node("Tanh", x))),
)
activation(
    "softshrink",
    shrunk,
    [values("lambd", 0.5, boundary=(0.0,), other=(1.0, 2.0))],
    saves="inputs",
    thresholds=(-2.0, -1.0, -0.5, 0.5, 1.0, 2.0),
    onnx=shrink(of("lambd")),
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
    onnx=shrink(0.0),
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
    inplace="torch.nn.functional.threshold_",
    saves="inputs",
    thresholds=(-1.0, 0.0, 1.0, 2.0),
    onnx=replace_small,
    error=steps(),
    backward=steps(1),
)
activation(
    "glu",
    gated,
    [dim("dim", default=-1)],
    ranks=RANKS[1:],
    infer=gated_type,
    saves="inputs",
    onnx=gate,
    jax="jax.nn.glu",
    # Backward goes through the sigmoid of the gate, and 1 minus it, in the dtype of the gradient.
    error=rounded(8.0, inside=1.0),
    backward=rounded(12.0, operand=1.0, times=0, inside=4.0),
)
