"""Norms, means and softmax, taken apart into the operations that passes put together again."""

from __future__ import annotations

import math

from assay.generate.motifs.catalogue import motif
from assay.generate.motifs.draft import Draft, number
from assay.ir.sizes import smallest
from assay.ir.types import FLOATS
from assay.ops.shapes import broadcastable

EPS = (0.125, 0.25, 0.5)


def rows(m: Draft, low: float = -2, high: float = 2, least: int = 2) -> str:
    """What is normalised along its last dimension."""
    return m.start(FLOATS, (2, 3, 4), low, high, least=1, fits=lambda t: smallest(t.shape[-1]) >= least)


def affine(m: Draft, y: str, scale: bool = True, shift: bool = True) -> str:
    """Times a weight, plus a bias, of the last dimension."""
    shape = m.shape(y)[-1:]
    if scale:
        y = m("binary.mul", *m.order(y, m.constant(m.dtype(y), shape, -2, 2)))
    return m("binary.add", y, m.constant(m.dtype(y), shape, -2, 2)) if shift else y


@motif(
    "binary.add",
    "binary.mul",
    "binary.sub",
    "reduce.mean",
    inductor="var_mean_welford_",
    onnxruntime="LayerNormFusion",
    changes=("constant eps", "attribute dim", "attribute square", "attribute root", "order", "attribute affine"),
    rounds=True,
    weight=2.0,
)
def layer_norm_parts(m: Draft) -> None:
    """A layer normalisation, taken apart"""
    x = rows(m)
    dim = m.pick("attribute dim", (-1,), (-2,), (-1, -2))
    centred = m("binary.sub", x, m("reduce.mean", x, dim=dim, keepdim=True))
    squares = ["unary.pow"] if m.graph else ["unary.pow", "unary.square"]
    square = m.pick("attribute square", m.either(*squares), "unary.abs")
    squared = m(square, centred, exponent=2) if square == "unary.pow" else m(square, centred)
    variance = m("reduce.mean", squared, dim=dim, keepdim=True)
    shifted = m("binary.add", variance, m.pick("constant eps", m.any(*EPS), 1, 2.0))
    roots = ["smooth.sqrt"] if m.graph else ["smooth.sqrt", "smooth.rsqrt"]
    root = m.pick("attribute root", m.either(*roots), "")
    if root == "smooth.rsqrt":
        y = m("binary.mul", centred, m(root, shifted))
    else:
        y = m("binary.div", centred, m(root, shifted)) if root else m("binary.mul", centred, shifted)
    if m.pick("attribute affine", True, False):
        affine(m, y)


@motif(
    "binary.add",
    "binary.mul",
    "reduce.mean",
    inductor="pointless_convert",
    onnxruntime="SimplifiedLayerNormFusion",
    changes=("constant eps", "attribute dim", "attribute root", "order", "attribute between"),
    rounds=True,
    weight=1.6,
)
def rms_norm_parts(m: Draft) -> None:
    """A root-mean-square normalisation, taken apart, in a wider type or not"""
    x = rows(m)
    own = m.dtype(x)
    between = m.pick("attribute between", own if own in ("float32", "float64") else "float32", own, "float64")
    wide = x if between == own else m.cast(x, between)
    squares = ["unary.pow"] if m.graph else ["unary.pow", "unary.square"]
    square = m.either(*squares)
    squared = m(square, wide, exponent=2) if square == "unary.pow" else m(square, wide)
    mean = m("reduce.mean", squared, dim=m.pick("attribute dim", (-1,), (-2,), (0,)), keepdim=True)
    shifted = m("binary.add", mean, m.pick("constant eps", m.any(*EPS), 1))
    root = m.pick(
        "attribute root", m.either("smooth.sqrt", *([] if m.graph else ["smooth.rsqrt"])), "smooth.reciprocal"
    )
    if root == "smooth.sqrt":
        y = m("binary.div", wide, m(root, shifted))
    else:
        y = m("binary.mul", *m.order(wide, m(root, shifted)))
    if between != own:
        y = m.cast(y, own)
    affine(m, y, shift=False)


@motif(
    "binary.add",
    "norm.layer_norm",
    inductor="MixOrderReduction, BatchLayernormFusion",
    onnxruntime="SkipLayerNormFusion, BiasSkipLayerNormFusion, EmbedLayerNormFusion",
    changes=("shape bias", "order", "constant eps", "attribute affine"),
    rounds=True,
    weight=1.3,
)
def skip_layer_norm(m: Draft) -> None:
    """A residual and a bias, added before a layer normalisation"""
    x = rows(m)
    shape = m.shape(x)
    y = m("binary.add", *m.order(x, m.input(m.dtype(x), shape, -2, 2)))
    if m.any(True, False):
        bias = m.pick("shape bias", shape[-1:], (*shape[:-1], 1), ())
        y = m("binary.add", y, m.constant(m.dtype(x), bias, -2, 2))
    parameter = m.pick("attribute affine", m.made(-2, 2, constant=True), None)
    eps = m.pick("constant eps", 1e-5, 1e-3, 0.125)
    m("norm.layer_norm", y, parameter, parameter, normalized_shape=shape[-1:], eps=eps)


@motif(
    "binary.div",
    "binary.sub",
    "reduce.amax",
    "reduce.sum",
    "smooth.exp",
    inductor="prepare_softmax_pattern, prepare_softmax_online",
    onnxruntime="AttentionFusion",
    changes=("attribute dim", "attribute of"),
    rounds=True,
)
def softmax_parts(m: Draft) -> None:
    """A softmax, taken apart"""
    x = rows(m, -0.5, 0.5)
    dim = m.any((-1,), (0,))
    other = m.pick("attribute dim", dim, (0,) if dim == (-1,) else (-1,))
    shifted = m("binary.sub", x, m("reduce.amax", x, dim=dim, keepdim=True))
    raised = m("smooth.exp", shifted)
    summed = m("reduce.sum", raised, dim=other, keepdim=True)
    m("binary.div", m.pick("attribute of", raised, shifted, x), summed)


@motif(
    "binary.sub",
    "reduce.amax",
    inductor="mul_softmax_pattern, div_softmax_pattern",
    onnxruntime="BiasSoftmaxFusion",
    changes=("constant scale", "shape scale", "attribute dim", "attribute function", "order"),
)
def scaled_softmax(m: Draft) -> None:
    """A scaled value less its own maximum, as before a softmax"""
    x = rows(m, -0.5, 0.5, least=1)
    dim = m.pick("attribute dim", m.any((-1,), (0,)), (0, -1))
    function = m.pick("attribute function", m.either("binary.mul", "binary.div"), "binary.add")
    if m.any(True, False):
        scale = m.pick("constant scale", m.any(0.5, 2.0), -1.0, 1)
        sign = {"sign": -1} if function == "binary.div" and scale < 0 else {}
        y = m(function, x, scale, **sign)
    else:
        shape = m.pick("shape scale", m.any((), (1,)), m.shape(x)[-1:], (*m.shape(x)[:-1], 1))
        low = 1 if function == "binary.div" else -2
        y = m(function, *m.order(x, m.other(x, shape, low, 2)))
    z = m("binary.sub", y, m("reduce.amax", y, dim=dim, keepdim=True))
    m(m.either("smooth.exp", "unary.neg", "smooth.exp2", "unary.abs"), z)


@motif(
    "binary.sub",
    "reduce.sum",
    "smooth.exp",
    "smooth.log",
    inductor="prepare_softmax_pattern",
    changes=("attribute dim", "attribute keepdim", "attribute last"),
    rounds=True,
)
def log_sum_exp_parts(m: Draft) -> None:
    """The logarithm of a sum of exponentials, shifted by the maximum or not"""
    x = rows(m, -1.5, 1.5)
    dim = m.pick("attribute dim", (-1,), (0,), (0, -1))
    shifted, top = x, ""
    if m.any(True, False) and "reduce.amax" in m.builder.allowed:
        top = m("reduce.amax", x, dim=dim, keepdim=True)
        shifted = m("binary.sub", x, top)
    summed = m("reduce.sum", m("smooth.exp", shifted), dim=dim, keepdim=m.pick("attribute keepdim", True, False))
    y = m(m.pick("attribute last", "smooth.log", "smooth.log2", "smooth.log1p"), summed)
    other = top or x
    if broadcastable(m.shape(other), m.shape(y)):
        m("binary.add" if top else "binary.sub", other, y)


@motif(
    "binary.div",
    "binary.sub",
    "reduce.sum",
    inductor="var_mean_sum_",
    onnxruntime="LayerNormFusion",
    changes=("constant count", "attribute dim", "attribute keepdim", "attribute function"),
    weight=1.5,
)
def mean_parts(m: Draft) -> None:
    """A mean as a sum and a division by the number of elements"""
    x = rows(m, -4, 4, least=1)
    size = m.shape(x)[-1]
    summed = m(
        "reduce.sum", x, dim=m.pick("attribute dim", (-1,), (0,)), keepdim=m.pick("attribute keepdim", True, False)
    )
    if m.pick("attribute function", "div", "mul") == "div":
        count = m.pick("constant count", number(size), 1, number(size + 1))
        mean = m("binary.div", summed, count)
    else:
        mean = m("binary.mul", summed, 1 / smallest(size))
    if broadcastable(m.shape(x), m.shape(mean)):
        m("binary.sub", x, mean)


@motif(
    "binary.mul",
    "binary.sub",
    "reduce.sum",
    inductor="var_mean_welford_, MixOrderReduction",
    onnxruntime="CommonSubexpressionElimination",
    changes=("attribute dim", "order", "constant count"),
    weight=1.3,
)
def moments(m: Draft) -> None:
    """Sum and sum of squares of one tensor, and the variance from them"""
    x = rows(m, -2, 2, least=1)
    dim = m.any((-1,), (0,))
    size = smallest(m.shape(x)[dim[0]])
    first = m("reduce.sum", x, dim=dim, keepdim=True)
    second = m("reduce.sum", m("binary.mul", x, x), dim=m.pick("attribute dim", dim, (0, -1)), keepdim=True)
    share = 1 / m.pick("constant count", 2 ** int(math.log2(size)), 2, 1)
    mean, square = m("binary.mul", first, share), m("binary.mul", second, share)
    m("binary.sub", *m.order(square, m("binary.mul", mean, mean)))


@motif(
    "binary.add",
    "binary.div",
    "binary.sub",
    "reduce.mean",
    "reduce.var",
    "smooth.sqrt",
    "view.reshape",
    inductor="var_mean_welford_",
    onnxruntime="ReshapeFusion",
    changes=("attribute groups", "attribute correction"),
    rounds=True,
    weight=1.5,
)
def group_norm_parts(m: Draft) -> None:
    """Groups of channels, centred and divided by their deviation"""
    x = m.start(FLOATS, (3, 4), -2, 2, least=1, fits=lambda t: isinstance(t.shape[1], int) and t.shape[1] % 2 == 0)
    shape = m.shape(x)
    groups = m.pick("attribute groups", 2, 1, int(shape[1]))  # type: ignore[arg-type]
    y = m("view.reshape", x, shape=(shape[0], groups, -1))
    mean = m("reduce.mean", y, dim=(-1,), keepdim=True)
    variance = m("reduce.var", y, dim=(-1,), correction=m.pick("attribute correction", 0, 1), keepdim=True)
    z = m("binary.div", m("binary.sub", y, mean), m("smooth.sqrt", m("binary.add", variance, m.any(*EPS))))
    m("view.reshape", z, shape=shape)


@motif(
    "binary.add",
    "norm.softmax",
    inductor="_sfdp_pattern_5",
    onnxruntime="BiasSoftmaxFusion",
    changes=("shape bias", "attribute dim", "order"),
    rounds=True,
)
def biased_softmax(m: Draft) -> None:
    """A softmax of a sum with something that broadcasts"""
    x = rows(m, least=1)
    shape = m.shape(x)
    usual = (*(1,) * (len(shape) - 2), *shape[-2:]) if len(shape) > 2 else shape[-1:]
    bias = m.other(x, m.pick("shape bias", usual, (*shape[:-1], 1), shape, ()), -2, 2)
    m("norm.softmax", m("binary.add", *m.order(x, bias)), dim=m.pick("attribute dim", -1, 0, len(shape) - 2))


@motif(
    "binary.add",
    "binary.mul",
    "binary.sub",
    inductor="_check_conv_and_broadcast_op",
    onnxruntime="ConvBNFusion, ConvMulFusion, ConvAddFusion",
    changes=("shape statistics", "order", "attribute function"),
)
def batch_norm_parts(m: Draft) -> None:
    """An image, less a constant a channel, times one, plus one"""
    x = m.start(FLOATS, (3, 4), -2, 2, least=1)
    shape = m.shape(x)
    channel = (shape[1], *(1,) * (len(shape) - 2))
    usual = m.any(channel, (1, *channel))
    made = m.pick("shape statistics", usual, shape[-1:], (1,) * len(shape))
    mean, scale, shift = (m.constant(m.dtype(x), made, -2, 2) for _ in range(3))
    centred = m("binary.sub", *m.order(x, mean))
    scaled = m(m.pick("attribute function", "binary.mul", "binary.add"), centred, scale)
    m("binary.add", scaled, shift)
