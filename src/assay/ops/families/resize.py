"""Resampling of images: interpolation to a size or by a factor, windows as columns and back."""

from __future__ import annotations

from typing import Any

from assay.ir.sizes import Shape, Size, Sym, smallest
from assay.ir.types import FLOATS, TensorType
from assay.ops.attributes import Classes, values
from assay.ops.errors import Rules, moves, sums
from assay.ops.facts import Facts, constant, hull, require
from assay.ops.families.conv import batched, reshaped, windows
from assay.ops.families.pool import mean_bins
from assay.ops.families.reduce import float32, scalar
from assay.ops.onnx_forms import Arg, Graph, wide
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
    if b.x.dtype == "uint8":
        # The others compute bytes in fixed point.
        fitting = ["nearest-exact"]
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


# ONNX


def interpolate_form(g: Graph, b: Binding, x: Arg) -> str | tuple[str, ...]:
    """Resize, unless it may choose another element; means of bins for areas."""
    if b.mode == "area":
        return area(g, b, x)
    if b.mode in NEAREST and any(map(divided, b.x.shape[2:], g.out[0].shape[2:], [b.mode] * (x.rank - 2))):
        return chosen(g, b, x)
    given: dict[str, Any] = {"mode": {"bilinear": "linear", "bicubic": "cubic"}.get(b.mode, b.mode)}
    given["coordinate_transformation_mode"] = "align_corners" if b.align_corners else "half_pixel"
    if b.mode in NEAREST:
        given |= NEAREST[b.mode]
    if b.mode == "bicubic":
        given["cubic_coeff_a"] = -0.75
    return g.node("Resize", g.name(x), None, None, g.shape(g.out[0].shape), **given)


NEAREST = {
    "nearest": {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
    "nearest-exact": {
        "mode": "nearest",
        "coordinate_transformation_mode": "half_pixel",
        "nearest_mode": "round_prefer_ceil",
    },
}


def divided(size: Size, wanted: Size, mode: str) -> bool:
    """Whether in some instantiation a position falls on the border of two elements and is rounded: torch multiplies by
    size / wanted, ONNX divides by wanted / size, and both are float32."""
    count = max(len(each.values) if isinstance(each, Sym) else 1 for each in (size, wanted))
    pairs = zip(*(each.values if isinstance(each, Sym) else (each,) * count for each in (size, wanted)), strict=True)

    def borders(size: int, wanted: int) -> bool:
        scales_exact = all(float32(a / b) * b == a for a, b in ((size, wanted), (wanted, size)))
        twice = [2 * place + (mode != "nearest") for place in range(wanted)]
        return not scales_exact and any(place and place * size % (2 * wanted) == 0 for place in twice)

    return any(borders(*pair) for pair in pairs)


def chosen(g: Graph, b: Binding, x: Arg) -> str:
    """The elements that torch finds nearest, dimension by dimension."""
    name, half = g.name(x), 0.5 if b.mode == "nearest-exact" else 0.0
    for axis in range(2, x.rank):
        size, wanted = b.x.shape[axis], g.out[0].shape[axis]
        if size != wanted:
            name = g.node("Gather", name, nearest(g, size, wanted, half), axis=axis)
    return name


def nearest(g: Graph, size: Size, wanted: Size, half: float) -> str:
    """Where torch finds the elements of one dimension; it computes in float32."""
    if isinstance(size, int) and isinstance(wanted, int):
        scale = float32(size / wanted)
        return g.constant(tuple(min(int(float32((place + half) * scale)), size - 1) for place in range(wanted)))
    scale_of = g.node("Div", scalar(g, size, "float32"), scalar(g, wanted, "float32"))
    places = g.node("Range", g.constant(0.0, "float32"), scalar(g, wanted, "float32"), g.constant(1.0, "float32"))
    centres = g.node("Add", places, g.constant(half, "float32")) if half else places
    found = g.cast(g.node("Floor", g.node("Mul", centres, scale_of)), "int64")
    return g.node("Min", found, g.size(size - 1))


@wide
def area(g: Graph, b: Binding, x: Arg) -> str:
    """Means of bins."""
    return mean_bins(g, g.name(x), x.rank, b.x.shape[2:], g.out[0].shape[2:])


operator(
    "resize.interpolate",
    operands=[free("x", (*FLOATS, "uint8"), (3, 4, 5))],
    attributes=[
        Attribute("size", sizes),
        Attribute("mode", modes, "nearest"),
        Attribute("align_corners", corners, None),
    ],
    infer=resized,
    facts=resampled,
    torch="torch.nn.functional.interpolate",
    saves="inputs",
    onnx=interpolate_form,
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


def unfold_form(g: Graph, b: Binding, x: Arg) -> str:
    """Windows, the elements of each in a column."""

    def columns_of(name: str) -> list[str]:
        kernel, stride, padding, dilation = ((n, n) for n in (b.kernel_size, b.stride, b.padding, b.dilation))
        found = windows(g, name, b.x.shape[-2:], kernel, stride, padding, dilation)
        batch: Shape = b.x.shape[:-3] or (1,)
        return [reshaped(g, found, (*batch, *g.out[0].shape[-2:]))]

    return batched(g, x, 2, columns_of)[0]


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
    onnx=unfold_form,
    saves="none",
    jax="jax.lax.conv_general_dilated_patches",
    tensorflow="tf.image.extract_patches",
    error={"im2col": moves(), "col2im": sums(narrow=True)},
)
