"""Padding beside what pads by itself, and padding that is taken away again."""

from __future__ import annotations

from assay.generate.motifs.catalogue import motif
from assay.generate.motifs.draft import Draft, Fits
from assay.ir.sizes import smallest
from assay.ir.types import ALL, FLOATS, NUMERIC, TensorType


def spatial(least: int) -> Fits:
    """Whether the last two dimensions have room for a window."""

    def fits(type_: TensorType) -> bool:
        return all(smallest(size) >= least for size in type_.shape[-2:]) and smallest(type_.elements) > 0

    return fits


PADS = ((1, 1, 1, 1), (1, 0, 0, 1), (0, 1, 0, 0), (2, 0, 1, 1))


@motif(
    "pad.constant",
    inductor="constant_pad_nd",
    onnxruntime="PadFusion",
    changes=("attribute pad", "attribute value", "attribute padding", "attribute count_include_pad"),
)
def pad_before_pool(m: Draft) -> None:
    """Zeros around an image that is then pooled"""
    x = m.start(FLOATS, (3, 4), fits=spatial(3))
    value = m.pick("attribute value", m.any(None, 0), 0.5, -1, 7)
    y = m(
        "pad.constant", x, pad=m.pick("attribute pad", m.any(*PADS), (1, 1), (-1, 0, 0, 1), (0, 0, 1, 1)), value=value
    )
    kernel, stride = m.any((2, None), (3, 1), (3, 2), (2, 1))
    padding = m.pick("attribute padding", 0, 1)
    pool = m.either("pool.avg_pool2d", "pool.max_pool2d")
    included = m.pick("attribute count_include_pad", True, False)
    rest = {"count_include_pad": included} if pool == "pool.avg_pool2d" else {"ceil_mode": not included}
    m(pool, y, kernel_size=kernel, stride=stride, padding=padding, **rest)


@motif(
    "conv.conv2d",
    "pad.constant",
    inductor="constant_pad_nd",
    onnxruntime="PadFusion",
    changes=("attribute pad", "attribute value", "attribute padding", "attribute dilation"),
)
def pad_before_convolution(m: Draft) -> None:
    """Zeros around an image that is then convolved"""
    x = m.start(FLOATS, (3, 4), fits=spatial(3), low=-2, high=2)
    pad = m.pick("attribute pad", m.any(*PADS), (1, 2), (-1, 1, 0, 0), (0, 0, 0, 0, 1, 0))
    y = m("pad.constant", x, pad=pad, value=m.pick("attribute value", m.any(None, 0), 0.5, 1))
    m(
        "conv.conv2d",
        y,
        m.made(-1, 1, constant=True),
        None,
        kernel=(3, 3),
        outputs=m.any(1, 2, 3),
        padding=m.pick("attribute padding", 0, 1, "same"),
        stride=m.any(1, 2),
        dilation=m.pick("attribute dilation", 1, 2),
    )


@motif(
    "pad.constant",
    inductor="constant_pad_nd",
    onnxruntime="PadFusion, ConstantFolding",
    changes=("attribute pad", "attribute value"),
)
def pad_of_pad(m: Draft) -> None:
    """A padded tensor padded again"""
    x = m.start(NUMERIC, (1, 2, 3), low=0)
    first, second = m.any(((1, 1), (0, 2)), ((1, 0), (1, 0)), ((0, 1), (2, 0)))
    y = m("pad.constant", x, pad=first, value=0)
    m("pad.constant", y, pad=m.pick("attribute pad", second, (-1, 1), (-1, -1)), value=m.pick("attribute value", 0, 1))


@motif(
    "pad.constant",
    inductor="constant_pad_nd",
    onnxruntime="NoopElimination",
    changes=("attribute pad", "attribute value"),
)
def pad_of_nothing(m: Draft) -> None:
    """A padding by nothing between two operations"""
    x = m.start(FLOATS, (2, 3, 4))
    y = m(m.either("unary.relu", "unary.abs", "smooth.exp2", "unary.square"), x)
    pad = m.pick("attribute pad", (0,) * m.any(2, 4), (0, 1), (-1, 1), (0, 0, 1, 0))
    z = m("pad.constant", y, pad=pad, value=m.pick("attribute value", None, 0.5, -1))
    m(m.either("unary.neg", "unary.abs"), z)


@motif(
    "pad.constant",
    "part.slice",
    inductor="constant_pad_nd, slice_noop",
    onnxruntime="EliminateSlice",
    changes=("attribute start", "attribute stop", "attribute crop"),
)
def pad_crop(m: Draft) -> None:
    """A padding that a slice takes away again"""
    x = m.start(ALL, (1, 2, 3), least=2)
    dim = m.rank(x) - 1
    y = m("pad.constant", x, pad=(1, 1))
    if m.pick("attribute crop", False, True):
        m("pad.constant", y, pad=(-1, -1))
    else:
        start, stop = m.pick("attribute start", 1, 0, 2), m.pick("attribute stop", -1, None)
        m("part.slice", y, dim=dim, start=start, stop=stop)


@motif(
    "matmul.mm",
    "pad.constant",
    "part.slice",
    inductor="pad_mm, constant_pad_nd",
    onnxruntime="EliminateSlice",
    changes=("attribute pad", "attribute stop", "attribute value"),
)
def padded_product(m: Draft) -> None:
    """A matrix product of operands padded with zeros, cut to its own size"""
    x = m.start(FLOATS, (2,), least=1, low=-2, high=2)
    y = m.other(x, (m.shape(x)[1], m.static(2, 5)), low=-2, high=2)
    pad = m.pick("attribute pad", (0, 3), (0, 1), (1, 2))
    value = m.pick("attribute value", None, 1)
    wide = m("pad.constant", x, pad=pad, value=value)
    tall = m("pad.constant", y, pad=(0, 3, *pad))
    product = m("matmul.mm", wide, tall)
    m("part.slice", product, dim=1, stop=m.pick("attribute stop", -3, None, -1))
