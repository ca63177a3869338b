"""Activations, taken apart into the operations that passes put together again, and chains of bounds."""

from __future__ import annotations

from assay.generate.motifs.catalogue import motif
from assay.generate.motifs.draft import Draft
from assay.ir.types import FLOATS, NUMERIC

RANKS = (1, 2, 3, 4)


@motif(
    "binary.add",
    "binary.mul",
    "smooth.erf",
    inductor="_gelu_fusion_1",
    onnxruntime="GeluFusion, BiasGeluFusion",
    changes=("constant root", "constant one", "constant half", "order", "attribute function"),
    rounds=True,
)
def gelu_erf(m: Draft) -> None:
    """gelu, taken apart, with the error function"""
    x = m.start(FLOATS, RANKS)
    if m.any(True, False):
        x = m("binary.add", x, m.constant(m.dtype(x), m.shape(x)[-1:], -2, 2))
    if m.any(True, False):
        inner = m("binary.mul", x, m.pick("constant root", 0.7071067811865476, 0.70710678, 0.5, -0.7071067811865476))
    else:
        inner = m("binary.div", x, m.pick("constant root", 1.4142135623730951, 1.4142, 2.0))
    outer = m(
        "binary.add",
        m(m.pick("attribute function", "smooth.erf", "smooth.tanh"), inner),
        m.pick("constant one", 1, 2, 1.0),
    )
    half = m.pick("constant half", 0.5, 0.25, 1)
    if m.any(True, False):
        m("binary.mul", *m.order(m("binary.mul", x, half), outer))
    else:
        m("binary.mul", m("binary.mul", *m.order(x, outer)), half)


@motif(
    "binary.add",
    "binary.mul",
    "smooth.tanh",
    inductor="_gelu_fusion_2",
    onnxruntime="FastGeluFusion",
    changes=("constant cube", "constant root", "constant half", "order", "attribute exponent"),
    rounds=True,
    weight=1.6,
)
def gelu_tanh(m: Draft) -> None:
    """gelu, taken apart, with the hyperbolic tangent"""
    x = m.start(FLOATS, RANKS, -3, 3)
    exponent = m.pick("attribute exponent", 3, 2)
    if m.any(True, False) and "unary.pow" in m.builder.allowed:
        cube = m("unary.pow", x, exponent=exponent)
    else:
        cube = m("binary.mul", x, x)
        cube = m("binary.mul", cube, x) if exponent == 3 else cube
    inner = m("binary.add", *m.order(x, m("binary.mul", cube, m.pick("constant cube", 0.044715, 0.0447, 0.5))))
    root = m.pick("constant root", 0.7978845608028654, 0.8, 1.0)
    outer = m("binary.add", m("smooth.tanh", m("binary.mul", inner, root)), 1)
    m("binary.mul", m("binary.mul", x, m.pick("constant half", 0.5, 1, 2.0)), outer)


@motif(
    "binary.mul",
    "smooth.sigmoid",
    inductor="_register_unary_fusion",
    onnxruntime="QuickGeluFusion",
    changes=("constant factor", "order", "attribute function"),
    rounds=True,
)
def gated_by_itself(m: Draft) -> None:
    """A value times the sigmoid of itself, scaled or not"""
    x = m.start(FLOATS, RANKS)
    factor = m.pick("constant factor", m.any(1.702, None), 1.0, -1.0, 1.7)
    inner = x if factor is None else m("binary.mul", x, factor)
    m("binary.mul", *m.order(x, m(m.pick("attribute function", "smooth.sigmoid", "smooth.tanh"), inner)))


@motif(
    "binary.add",
    "binary.div",
    "smooth.exp",
    "unary.neg",
    inductor="_silu_fusion",
    onnxruntime="QuickGeluFusion",
    changes=("constant one", "attribute numerator"),
    rounds=True,
)
def silu_parts(m: Draft) -> None:
    """silu, taken apart: x / (1 + exp(-x))"""
    x = m.start(FLOATS, RANKS, -3, 3)
    below = m("binary.add", m("smooth.exp", m("unary.neg", x)), m.pick("constant one", 1, 2, 1.0))
    if m.pick("attribute numerator", True, False):
        m("binary.div", x, below)
    else:
        m("smooth.reciprocal", below)


@motif(
    "binary.add",
    "binary.div",
    "unary.clamp",
    inductor="_hardswish_fusion, _hardsigmoid_fusion",
    onnxruntime="ConvActivationFusion",
    changes=("constant shift", "constant top", "constant divisor", "order", "attribute gate"),
)
def hard_gate(m: Draft) -> None:
    """hardswish or hardsigmoid, taken apart"""
    x = m.start(FLOATS, RANKS, -6, 6)
    shifted = m("binary.add", x, m.pick("constant shift", 3, 2, 3.0))
    top = m.pick("constant top", 6, 5, 1)
    if m.any(True, False):
        clamped = m("unary.clamp", shifted, min=0, max=top)
    else:
        clamped = m("unary.clamp", m("unary.clamp", shifted, min=0, max=None), min=None, max=top)
    gate = m.pick("attribute gate", m.any("binary.mul", ""), "binary.add")
    y = m(gate, *m.order(x, clamped)) if gate else clamped
    m("binary.div", y, m.pick("constant divisor", 8 if m.builder.policy.exact else 6, 4, 2))


@motif(
    "binary.mul",
    "compare.gt",
    "ternary.where",
    inductor="_leaky_relu_fusion",
    onnxruntime="ConvActivationFusion",
    changes=("constant slope", "constant bound", "order", "attribute comparison"),
)
def leaky_parts(m: Draft) -> None:
    """leaky_relu, taken apart"""
    x = m.start(FLOATS, RANKS, jumps=True)
    comparison = m.pick("attribute comparison", "compare.gt", "compare.ge", "compare.lt")
    above = m(comparison, x, m.pick("constant bound", 0, 1, -1))
    scaled = m("binary.mul", x, m.pick("constant slope", m.any(0.25, 0.125), -0.5, 2.0, 0))
    first, second = m.order(x, scaled)
    m("ternary.where", first, second, above)


@motif(
    "unary.clamp",
    inductor="_hardtanh_fusion",
    onnxruntime="FuseReluClip",
    changes=("constant low", "constant high", "attribute first"),
)
def relu_clamp(m: Draft) -> None:
    """A relu, then bounds"""
    x = m.start(NUMERIC, RANKS, -8, 8)
    unsigned = m.dtype(x) == "uint8"
    low = m.pick("constant low", 0, 1, 0 if unsigned else -1)
    high = m.pick("constant high", 6, 0, 0 if unsigned else -1)
    first = m.pick("attribute first", "unary.relu", "unary.abs")
    y = m(first, x) if first == "unary.abs" or m.any(True, True, False) else m("activation.relu6", x)
    m("unary.clamp", y, min=low, max=high)


@motif(
    "unary.clamp",
    inductor="_hardtanh_fusion, normalize_clamp_default",
    onnxruntime="FuseReluClip",
    changes=("constant low", "constant high", "attribute side"),
)
def clamp_chain(m: Draft) -> None:
    """Bounds after bounds, narrower, wider, or crossed"""
    x = m.start(NUMERIC, RANKS, 0, 8)
    y = m("unary.clamp", x, min=m.any(None, 1), max=m.any(5, 6))
    low, high = m.pick("constant low", 2, 0, 7), m.pick("constant high", 4, 8, 1)
    side = m.pick("attribute side", "both", "low", "high")
    m("unary.clamp", y, min=None if side == "high" else low, max=None if side == "low" else high)


@motif(
    "binary.maximum",
    "binary.minimum",
    inductor="ValueRanges",
    onnxruntime="ConstantFolding",
    changes=("order", "shape bound", "attribute second"),
)
def extremes_of_extremes(m: Draft) -> None:
    """The lesser of the greater of a value and bounds that are tensors"""
    x = m.start(NUMERIC, RANKS, 0, 8)
    shape = m.pick("shape bound", m.any((), m.shape(x)[-1:]), m.shape(x), (1,))
    low, high = (m.constant(m.dtype(x), shape, 0, 6) for _ in range(2))
    y = m("binary.maximum", *m.order(x, low))
    m(m.pick("attribute second", "binary.minimum", "binary.maximum", "binary.fmin"), y, high)


@motif(
    inductor="ValueRanges",
    onnxruntime="CommonSubexpressionElimination",
    changes=("attribute second", "attribute between"),
)
def idempotent_pair(m: Draft) -> None:
    """A function whose second application does nothing"""
    x = m.start(NUMERIC, RANKS)
    function = m.either("unary.relu", "unary.abs", "unary.sign" if m.builder.policy.decisions else "unary.relu")
    y = m(function, x)
    between = m.pick("attribute between", "", "unary.neg", "unary.square")
    y = m(between, y) if between else y
    m(m.pick("attribute second", function, "unary.relu", "unary.abs", "unary.neg"), y)


@motif(
    "smooth.exp",
    "smooth.log1p",
    inductor="_register_unary_fusion",
    changes=("constant factor", "attribute last"),
    rounds=True,
)
def softplus_parts(m: Draft) -> None:
    """softplus and mish, taken apart"""
    x = m.start(FLOATS, RANKS)
    factor = m.pick("constant factor", None, 2.0, 0.5)
    inner = x if factor is None else m("binary.mul", x, factor)
    y = m("smooth.log1p", m("smooth.exp", inner))
    if m.any(True, False):
        m("binary.mul", x, m(m.pick("attribute last", "smooth.tanh", "smooth.sigmoid"), y))
    elif factor is not None:
        m("binary.mul", y, 1 / factor)


@motif(
    "activation.gelu",
    "binary.add",
    inductor="_register_binary_unary_fusion",
    onnxruntime="BiasGeluFusion, FastGeluFusion",
    changes=("shape bias", "order", "attribute approximate"),
    rounds=True,
)
def bias_gelu(m: Draft) -> None:
    """A bias and a gelu"""
    x = m.start(FLOATS, (2, 3))
    shape = m.pick("shape bias", m.shape(x)[-1:], m.shape(x), (1,), (*m.shape(x)[:-1], 1))
    y = m("binary.add", *m.order(x, m.constant(m.dtype(x), shape)))
    m("activation.gelu", y, approximate=m.pick("attribute approximate", m.any("none", "tanh"), "tanh", "none"))
