"""Convolutions beside what is folded into their weights or fused behind them."""

from __future__ import annotations

from typing import Any

from assay.generate.motifs.catalogue import motif
from assay.generate.motifs.draft import Draft
from assay.ir.sizes import smallest
from assay.ir.types import FLOATS, TensorType

ACTIVATIONS = (
    "unary.relu",
    "smooth.sigmoid",
    "smooth.tanh",
    "activation.hardswish",
    "activation.hardsigmoid",
    "activation.silu",
    "activation.gelu",
    "activation.relu6",
    "activation.leaky_relu",
    "activation.hardtanh",
    "activation.elu",
)


def image(m: Draft, dims: int = 2, batch: bool = True, reach: float = 2) -> str:
    """Something to convolve: a batch, or now and then a single one."""

    def fits(type_: TensorType) -> bool:
        return all(smallest(size) >= 3 for size in type_.shape[-dims:]) and smallest(type_.elements) > 0

    return m.start(FLOATS, (dims + 2,) if batch else (dims + 1, dims + 2), -reach, reach, fits)


def convolved(m: Draft, x: str, dims: int = 2, bias: bool | None = None, **attributes: Any) -> str:
    """A convolution with constant weights."""
    attributes = {"kernel": m.any((1,) * dims, (3,) * dims), "outputs": m.any(1, 2, 3), **attributes}
    given = m.any(True, False) if bias is None else bias
    added = m.made(-2, 2, constant=True) if given else None
    return m(f"conv.conv{dims}d", x, m.made(-1, 1, constant=True), added, **attributes)


def channels(m: Draft, y: str, dims: int = 2) -> tuple[Any, ...]:
    """A shape that has the channels of an image and is 1 elsewhere."""
    return (m.shape(y)[-dims - 1], *(1,) * dims)


@motif(
    "conv.conv2d",
    "norm.batch_norm",
    inductor="efficient_conv_bn_eval_graph_transform_decomposed, fuse_conv_bn",
    onnxruntime="ConvBNFusion",
    changes=("attribute affine", "attribute groups", "attribute dims", "constant eps", "attribute transposed"),
    rounds=True,
)
def convolution_batch_norm(m: Draft) -> None:
    """Batch normalisation with fixed statistics, behind a convolution"""
    dims = m.pick("attribute dims", 2, 1)
    x = image(m, dims)
    count = m.shape(x)[1]
    whole = count if isinstance(count, int) else 1
    if m.pick("attribute transposed", False, True):
        y = m(
            f"conv.conv_transpose{dims}d",
            x,
            m.made(-1, 1, constant=True),
            None,
            kernel=(2,) * dims,
            outputs=2,
            stride=m.any(1, 2),
        )
    else:
        y = convolved(m, x, dims, groups=m.pick("attribute groups", 1, whole), stride=m.any(1, 2), padding=m.any(0, 1))
    affine = m.pick("attribute affine", True, False)
    parameter = m.made(-2, 2, constant=True) if affine else None
    mean, variance = m.made(-1, 1, constant=True), m.made(0.25, 4, constant=True)
    eps = m.pick("constant eps", 1e-5, 1e-3, 0.125)
    z = m("norm.batch_norm", y, mean, variance, parameter, parameter, eps=eps)
    if m.any(True, False):
        m(m.either(*ACTIVATIONS), z)


@motif(
    "conv.conv2d",
    inductor="_register_unary_fusion",
    onnxruntime="ConvActivationFusion, NchwcTransformer",
    changes=("attribute groups", "attribute stride", "attribute dims", "attribute padding"),
)
def convolution_activation(m: Draft) -> None:
    """An activation behind a convolution"""
    dims = m.pick("attribute dims", 2, 1, 3)
    x = image(m, dims, batch=m.any(True, False))
    count = m.shape(x)[-dims - 1]
    whole = count if isinstance(count, int) else 1
    y = convolved(
        m,
        x,
        dims,
        groups=m.pick("attribute groups", 1, whole),
        stride=m.pick("attribute stride", 1, 2),
        padding=m.pick("attribute padding", 0, 1, "same"),
    )
    m(m.either(*ACTIVATIONS), y)


@motif(
    "conv.conv2d",
    inductor="_check_conv_and_broadcast_op",
    onnxruntime="ConvAddFusion, ConvMulFusion",
    changes=("shape constant", "order", "attribute function", "attribute bias"),
)
def convolution_constant(m: Draft) -> None:
    """A constant of a number a channel, added to a convolution or multiplied with it"""
    x = image(m)
    y = convolved(m, x, bias=m.pick("attribute bias", m.any(True, False), None))
    shape = m.shape(y)
    usual = m.any(channels(m, y), (1, *channels(m, y)))
    shape = m.pick("shape constant", usual, (1, 1, 1), (*shape[:2], 1, 1), shape[-1:], (1,), ())
    function = m.pick("attribute function", m.either("binary.add", "binary.mul"), "binary.sub", "binary.div")
    low = 1 if function == "binary.div" else -2
    m(function, *m.order(y, m.constant(m.dtype(x), shape, low, 2)))


@motif(
    "binary.add",
    "conv.conv2d",
    inductor="_register_binary_unary_fusion, _register_inplace_fusion",
    onnxruntime="ConvAddActivationFusion, NchwcTransformer",
    changes=("order", "shape other", "attribute alpha", "attribute function"),
)
def convolution_residual(m: Draft) -> None:
    """A second branch added to a convolution, then an activation"""
    x = image(m)
    y = convolved(m, x, outputs=2)
    shape = m.pick("shape other", m.shape(y), channels(m, y), (*m.shape(y)[:2], 1, 1))
    other = m(m.either("unary.neg", "unary.abs", "unary.relu"), m.other(y, shape, -2, 2))
    function = m.pick("attribute function", "binary.add", "binary.sub")
    z = m(function, *m.order(y, other), alpha=m.pick("attribute alpha", 1, 2, -1))
    m(m.either(*ACTIVATIONS), z)


@motif(
    "binary.mul",
    "conv.conv2d",
    inductor="constant_fold, unnecessary_dtype_convert",
    onnxruntime="ConstantFolding",
    changes=("shape scale", "attribute dtype", "attribute groups"),
)
def scaled_weight(m: Draft) -> None:
    """A weight that is a product of constants"""
    x = image(m)
    count = m.shape(x)[1]
    groups = m.pick("attribute groups", 1, count if isinstance(count, int) else 1)
    inputs = count // groups
    outputs = m.any(1, 2) * groups
    if not isinstance(inputs, int):
        inputs = 1
    dtype = m.dtype(x)
    weight = m.constant(dtype, (outputs, inputs, 3, 3), -1, 1)
    scale = m.constant(dtype, m.pick("shape scale", (outputs, 1, 1, 1), (), (3,), (1, inputs, 1, 1)), -2, 2)
    product = m("binary.mul", weight, scale)
    wide = m.pick("attribute dtype", "", "float64", "bfloat16")
    if wide:
        product = m.cast(m.cast(product, wide), dtype)
    bias = m.any(None, m.made(-1, 1, constant=True))
    m("conv.conv2d", x, product, bias, kernel=(3, 3), outputs=outputs // groups, groups=groups, padding=1)


@motif(
    "conv.conv2d",
    "view.permute",
    inductor="conv_1x1_as_mm, layout_optimization",
    onnxruntime="NchwcTransformer, TransposeOptimizer",
    changes=("attribute kernel", "attribute stride", "attribute dims"),
)
def pointwise_convolution(m: Draft) -> None:
    """A convolution of single elements, with its channels turned to the end"""
    x = image(m)
    kernel = m.pick("attribute kernel", (1, 1), (1, 2), (3, 1))
    y = convolved(m, x, kernel=kernel, stride=m.pick("attribute stride", 1, 2, (2, 1)))
    z = m("view.permute", y, dims=m.pick("attribute dims", (0, 2, 3, 1), (0, 3, 1, 2), (0, 1, 3, 2)))
    m(m.either("unary.relu", "move.contiguous", "unary.abs"), z)


@motif(
    "conv.conv2d",
    inductor="layout_optimization",
    onnxruntime="NchwcTransformer, ConvActivationFusion",
    changes=("attribute padding", "attribute groups", "attribute pool"),
)
def convolutions_in_a_row(m: Draft) -> None:
    """Convolution, activation, convolution, pooling"""
    x = image(m, reach=1)
    padding = m.pick("attribute padding", 1, 2, "same")
    y = m(m.either(*ACTIVATIONS[:3]), convolved(m, x, kernel=(3, 3), outputs=2, padding=padding))
    z = convolved(m, y, kernel=(3, 3), outputs=m.any(1, 2), groups=m.pick("attribute groups", 1, 2), padding=1)
    pool = m.pick("attribute pool", m.either("pool.max_pool2d", "pool.avg_pool2d"), "pool.adaptive_avg_pool2d")
    if pool.startswith("pool.adaptive"):
        m(pool, z, output_size=1)
    else:
        m(pool, z, kernel_size=2, stride=m.any(1, 2))
