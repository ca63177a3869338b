"""Resampling of images: interpolation to a size or by a factor, windows as columns and back."""

from __future__ import annotations

from typing import Any

from assay.ir.sizes import Size, smallest
from assay.ir.types import FLOATS, TensorType
from assay.ops.attributes import Classes, values
from assay.ops.errors import Rules, moves, sums
from assay.ops.facts import Facts, constant, hull, require
from assay.ops.operands import free
from assay.ops.protocol import Attribute, Binding, operator
from assay.ops.shapes import window

SPATIAL = {
    "nearest": (1, 2, 3),
    "nearest-exact": (1, 2, 3),
    "linear": (1,),
    "bilinear": (2,),
    "bicubic": (2,),
    "area": (1, 2, 3),
}
# Weights of a cubic sum to one with magnitudes up to this in each of two dimensions.
CUBIC = 1.6**2


def _resampled() -> Rules:
    """Moves to the nearest, means with few weights otherwise; gradients are added up in the dtype of the result.

    A weight is the difference of two positions, so that its error grows with the image and not with the weight; those
    of a cubic have both signs.
    """
    forward = {
        **{f"upsample_nearest{n}d": moves() for n in (1, 2, 3)},
        **{f"_upsample_nearest_exact{n}d": moves() for n in (1, 2, 3)},
        "upsample_linear1d": sums(each=2.0, inside=3.0),
        "upsample_bilinear2d": sums(each=2.0, inside=3.0),
        "upsample_bicubic2d": sums(each=4.0, inside=1.0, operand=1.0),
        "_adaptive_avg_pool2d": sums(),
        "_adaptive_avg_pool3d": sums(narrow=True),
    }
    weighted = {
        f"{name}_backward": sums(narrow=True, each=rule.each, operand=rule.operand)
        for name, rule in forward.items()
        if rule.each
    }
    return {**forward, **{f"{name}_backward": sums(narrow=True) for name in forward}, **weighted}


RESAMPLED = _resampled()


def sizes(b: Binding) -> Classes:
    """One size for all spatial dimensions, or one for each."""
    spatial = b.x.rank - 2
    return {"boundary": (1, tuple(b.x.shape[2:])), "other": (3, 4, 7, *(((2, 5, 3)[:spatial],)))}


def modes(b: Binding) -> Classes:
    """Those of the number of spatial dimensions."""
    fitting = [mode for mode, spatial in SPATIAL.items() if b.x.rank - 2 in spatial and mode != "nearest"]
    return {"default": ("nearest",), "other": tuple(fitting)}


def resized(b: Binding) -> TensorType:
    """The sizes that were asked for."""
    require(all(smallest(size) > 0 for size in b.x.shape), "nothing to resample")
    spatial = b.x.rank - 2
    wanted: tuple[Size, ...] = b.size if isinstance(b.size, tuple) else (b.size,) * spatial
    require(all(smallest(size) > 0 for size in wanted), "a size of nothing")
    result: TensorType = b.x.with_shape((*b.x.shape[:2], *wanted))
    return result


def corners(b: Binding) -> Classes:
    """Whether corners are aligned, where that has a meaning."""
    return {"default": (None,), "other": (True, False) if b.mode in ("linear", "bilinear", "bicubic") else ()}


def resampled(b: Binding, f: Any) -> Facts:
    """Elements as they are, means of them, or (cubic) a little beyond."""
    if b.mode == "nearest":
        return Facts(f.x.low, f.x.high, f.x.scale)
    most = f.x.magnitude * CUBIC
    if b.mode == "bicubic":
        return Facts(-most, most)
    return Facts(f.x.low, f.x.high, f.x.scale if b.mode == "nearest-exact" else None)


operator(
    "resize.interpolate",
    operands=[free("x", FLOATS, (3, 4, 5))],
    attributes=[
        Attribute("size", sizes),
        Attribute("mode", modes, "nearest"),
        Attribute("align_corners", corners, None),
    ],
    infer=resized,
    facts=resampled,
    torch="torch.nn.functional.interpolate",
    saves="inputs",
    onnx="Resize",
    jax="jax.image.resize",
    tensorflow="tf.image.resize",
    error=RESAMPLED,
)


def columns(b: Binding) -> TensorType:
    """[batch, channels · window, positions]."""
    k: int = b.kernel_size
    require(all(smallest(size) > 0 for size in b.x.shape[-3:]), "no windows")
    height, width = (window(size, k, b.stride, b.padding, b.dilation) for size in b.x.shape[-2:])
    require(smallest(height) > 0 and smallest(width) > 0, "no windows")
    result: TensorType = b.x.with_shape((*b.x.shape[:-3], b.x.shape[-3] * (k * k), height * width))
    return result


operator(
    "resize.unfold",
    operands=[free("x", FLOATS, (3, 4))],
    attributes=[
        values("kernel_size", boundary=(1,), other=(2, 3), positional=True),
        values("dilation", 1, other=(2,)),
        values("padding", 0, other=(1, 2)),
        values("stride", 1, other=(2, 3)),
    ],
    infer=columns,
    facts=lambda b, f: hull(f.x, constant(0)),
    torch="torch.nn.functional.unfold",
    saves="none",
    jax="jax.lax.conv_general_dilated_patches",
    tensorflow="tf.image.extract_patches",
    error={"im2col": moves(), "col2im": sums(narrow=True)},
)
