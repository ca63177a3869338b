"""Images sampled at given places, put together of blocks, unpooled; pools by norms and by given samples."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from assay.ir.sizes import Shape, Size, largest, product, smallest
from assay.ir.types import ALL, FLOATS, INTEGERS, RANKS, TensorType
from assay.ops.attributes import Classes, values
from assay.ops.errors import ADDED, SELECTS, moves, rounded, smooth
from assay.ops.facts import Facts, Interval, constant, hull, require, total
from assay.ops.families.pool import UNBATCHED, each, kernel, strides, unbatched
from assay.ops.operands import exactly, free
from assay.ops.protocol import Attribute, Binding, Draw, Operand, operator
from assay.ops.shapes import window

WIDE = ("float32", "float64")
INTEGRAL = dict.fromkeys(("bool", *INTEGERS), "powers and quotients, of which integers have none")


def nonempty(b: Binding) -> None:
    """Images have elements."""
    require(smallest(b.x.elements) > 0, "an image of nothing")


def grid_type(b: Binding, draw: Draw) -> TensorType:
    """[batch, sizes of the result, coordinates]."""
    spatial = b.x.rank - 2
    return TensorType(b.x.dtype, (b.x.shape[0], *(draw.size() for _ in range(spatial)), spatial))


def is_grid(b: Binding, candidate: TensorType) -> bool:
    """Coordinates for each place of the result."""
    spatial = b.x.rank - 2
    shape = candidate.shape
    return candidate.dtype == b.x.dtype and len(shape) == b.x.rank and (shape[0], shape[-1]) == (b.x.shape[0], spatial)


def gridded(b: Binding) -> TensorType:
    """As many channels, in the sizes of the grid."""
    nonempty(b)
    require(smallest(b.grid.elements) > 0, "a grid of nothing")
    require(b.mode != "bicubic" or b.x.rank == 4, "bicubic in two dimensions only")
    return b.x.with_shape((*b.x.shape[:2], *b.grid.shape[1:-1]))  # type: ignore[no-any-return]


def interpolated(b: Binding, f: Any) -> Facts:
    """Means of elements and of zeros; cubic ones a little beyond."""
    most = f.x.magnitude * (4.0 if b.mode == "bicubic" else 1.0)
    return Facts(min(f.x.low, 0.0, -most if b.mode == "bicubic" else 0.0), max(f.x.high, most))


# A place that is rounded moves what is sampled by the difference of neighbours.
SAMPLED = smooth(16.0, operand=4.0)
operator(
    "sampled.grid_sample",
    operands=[
        free("x", WIDE, (4, 5)),
        # Nearest elements, and borders, follow from rounding.
        Operand(
            "grid",
            WIDE,
            (4, 5),
            accepts=is_grid,
            make=grid_type,
            domain=Interval(-1.5, 1.5),
            jumps=lambda b: b.mode == "nearest",
        ),
    ],
    attributes=[
        values("mode", "bilinear", other=("nearest", "bicubic")),
        values("padding_mode", "zeros", other=("border", "reflection")),
        values("align_corners", other=(True, False)),
    ],
    infer=gridded,
    facts=interpolated,
    torch="torch.nn.functional.grid_sample",
    rounds=True,
    saves="inputs",
    left_out=dict.fromkeys(("float16", "bfloat16"), "places in 16 bits are too coarse to say what is sampled"),
    error={
        "grid_sampler_2d": SAMPLED,
        "grid_sampler_3d": SAMPLED,
        "grid_sampler_2d_backward": SAMPLED,
        "grid_sampler_3d_backward": SAMPLED,
    },
)


def affine_sizes(b: Binding) -> Classes:
    """Sizes of images of as many batches, in two or three dimensions."""
    batch = b.x.shape[0]
    if b.x.shape[-1] == 3:
        return {"boundary": ((batch, 1, 1, 1),), "other": ((batch, 2, 3, 4), (batch, 1, 5, 2))}
    return {"boundary": ((batch, 1, 1, 1, 1),), "other": ((batch, 2, 3, 2, 4),)}


def affine(b: Binding, draw: Draw) -> TensorType:
    """Matrices of two or three rows."""
    spatial = draw.random.choice((2, 2, 3))
    return TensorType(draw.random.choice(WIDE), (draw.size(), spatial, spatial + 1))


operator(
    "sampled.affine_grid",
    operands=[
        free(
            "x",
            WIDE,
            (3,),
            accepts=lambda b, t: t.shape[1:] in ((2, 3), (3, 4)),
            make=affine,
            domain=Interval(-4, 4),
        )
    ],
    attributes=[Attribute("size", affine_sizes), values("align_corners", other=(True, False))],
    order=("x", "size"),
    infer=lambda b: gridpoints(b),
    # Hardly any map of the places on both sides of zero leaves them on one.
    facts=lambda b, f: Facts(-4 * f.x.magnitude, 4 * f.x.magnitude, holds=0.0),
    torch="torch.nn.functional.affine_grid",
    rounds=True,
    saves="inputs",
    left_out=dict.fromkeys(("float16", "bfloat16"), "places in 16 bits are too coarse to sample by"),
    # The places of the grid are rounded, and have either sign.
    error={"affine_grid_generator": smooth(8.0, operand=4.0), "linspace": rounded(4.0)},
)


def gridpoints(b: Binding) -> TensorType:
    """Coordinates of each place."""
    require(smallest(b.x.shape[0]) > 0, "no batch")
    return b.x.with_shape((b.x.shape[0], *b.size[2:], b.x.shape[1]))  # type: ignore[no-any-return]


def folded(b: Binding) -> TensorType:
    """[batch, channels, rows, columns]: blocks are added up where they overlap."""
    nonempty(b)
    height, width = b.output_size
    blocks: Size = 1
    for size in (height, width):
        blocks = blocks * window(size, b.kernel_size, b.stride, b.padding, b.dilation)
    require(b.x.shape[-1] == blocks, "another number of blocks")
    channels = b.x.shape[-2] // (b.kernel_size * b.kernel_size)
    require(channels * (b.kernel_size * b.kernel_size) == b.x.shape[-2], "blocks of another size")
    return b.x.with_shape((*b.x.shape[:-2], channels, height, width))  # type: ignore[no-any-return]


def blocks_of(b: Binding, draw: Draw) -> TensorType:
    """Blocks of 2 x 2 that tile an image of 4 x 6, or overlap in one of 3 x 3."""
    count = draw.random.choice((6, 4))
    batch = (draw.size(),) if draw.random.random() < 0.6 else ()
    return TensorType(draw.random.choice(FLOATS), (*batch, 4 * draw.random.choice((1, 2, 3)), count))


def arrangements(b: Binding) -> Classes:
    """What so many blocks make."""
    return {"other": ((4, 6),) if b.x.shape[-1] == 6 else ((3, 3), (4, 4))}


operator(
    "sampled.fold",
    operands=[
        free("x", FLOATS, (2, 3), accepts=lambda b, t: t.shape[-1] in (4, 6), make=blocks_of),
    ],
    attributes=[
        Attribute("output_size", arrangements),
        values("kernel_size", other=(2,)),
        values("dilation", 1, other=(2,)),
        values("padding", 0, other=(1,)),
        values("stride", 1, other=(2,)),
    ],
    order=("x", "output_size", "kernel_size"),
    infer=folded,
    facts=lambda b, f: hull(constant(0), total(f.x, 1), total(f.x, 4)),
    torch="torch.nn.functional.fold",
    saves="none",
    left_out=dict.fromkeys(("bool", *INTEGERS), "of no use to what convolutions are made of"),
    jax="jax.lax.scatter_add",
    error={},
)


def unpooled(operands: Sequence[str], attributes: Any, spatial: int) -> str:
    """What the pool chose goes back to where it was."""
    size, stride = attributes["kernel_size"], attributes["stride"]
    step = "" if stride is None else f", stride={stride!r}"
    pool = f"torch.nn.functional.max_pool{spatial}d({operands[0]}, {size!r}{step}, return_indices=True)"
    back = f"torch.nn.functional.max_unpool{spatial}d"
    sizes = f"output_size={operands[0]}.shape[-{spatial}:]"
    return f"(lambda found: {back}(found[0], found[1], {size!r}{step}, {sizes}))({pool})"


def windows_apart(b: Binding, spatial: int) -> TensorType:
    """Windows that do not overlap: no element is chosen twice; the size before is within reach."""
    nonempty(b)
    sizes = each(b.kernel_size, spatial)
    steps = sizes if b.stride is None else each(b.stride, spatial)
    require(all(step >= size for step, size in zip(steps, sizes, strict=True)), "windows that overlap")
    for d in range(spatial):
        size = b.x.shape[d - spatial]
        reached = (window(size, sizes[d], steps[d], 0, 1) - 1) * steps[d] + sizes[d]
        require(reached - steps[d] < size and size < reached + steps[d], "a size out of reach")
    pooled_shape = [window(b.x.shape[d - spatial], sizes[d], steps[d], 0, 1) for d in range(spatial)]
    require(all(smallest(size) > 0 for size in pooled_shape), "no window")
    return b.x  # type: ignore[no-any-return]


for number in (1, 2, 3):
    operator(
        f"sampled.max_unpool{number}d",
        # Ties would be put in either place: elements are exact, and tie where they are equal.
        operands=[free("x", WIDE, unbatched(number), jumps=True)],
        attributes=[kernel(number), values("stride", None, other=(2, 3))],
        infer=partial(windows_apart, spatial=number),
        facts=lambda b, f: hull(constant(0), f.x),
        torch=f"torch.nn.functional.max_unpool{number}d",
        render=partial(unpooled, spatial=number),
        saves="both",
        left_out=UNBATCHED
        | dict.fromkeys((each for each in ALL if each not in WIDE), "there is no kernel, or none for the pool before"),
        # Which of equal elements is the greatest is nobody's promise.
        unpromised=(0,),
        error={f"max_unpool{max(number, 2)}d": moves(scatters=True)},
    )


def norm_pooled(b: Binding, spatial: int) -> TensorType:
    """The sliding window's shape, without padding."""
    nonempty(b)
    shape: Shape = b.x.shape
    sizes = each(b.kernel_size, spatial)
    steps = sizes if b.stride is None else each(b.stride, spatial)
    for d in range(spatial):
        result = window(shape[d - spatial], sizes[d], steps[d], 0, 1)
        require(smallest(result) > 0, "no window")
        shape = (*shape[: len(shape) + d - spatial], result, *shape[len(shape) + d - spatial + 1 :])
    return b.x.with_shape(shape)  # type: ignore[no-any-return]


def normed(spatial: int, b: Binding, f: Any) -> Facts:
    """No more than the sum."""
    return Facts(0.0, f.x.high * product_of(each(b.kernel_size, spatial)) + 0.01)


for number in (1, 2, 3):
    operator(
        f"sampled.lp_pool{number}d",
        operands=[free("x", WIDE if number == 3 else FLOATS, (number + 2,), domain=Interval(0.25, 8))],
        attributes=[values("norm_type", boundary=(1.0,), other=(2.0, 3.0)), kernel(number), strides(number)],
        order=("x", "norm_type", "kernel_size"),
        infer=partial(norm_pooled, spatial=number),
        facts=partial(normed, number),
        torch=f"torch.nn.functional.lp_pool{number}d",
        rounds=True,
        saves="both",
        left_out=INTEGRAL | {f"rank {number + 1}": "without a batch it is the same"},
        error={},
    )


def product_of(sizes: tuple[int, ...]) -> int:
    """How many elements a window has."""
    result = 1
    for size in sizes:
        result *= size
    return result


def normalised(operands: Sequence[str], attributes: Any) -> str:
    """Of what is contiguous."""
    size, alpha, k = (attributes[name] for name in ("size", "alpha", "k"))
    return f"torch.nn.functional.local_response_norm({operands[0]}.contiguous(), {size}, alpha={alpha}, k={k})"


operator(
    "sampled.local_response_norm",
    operands=[free("x", WIDE, RANKS[3:])],
    attributes=[
        values("size", boundary=(1,), other=(2, 3)),
        values("alpha", 1e-4, other=(0.5,)),
        values("k", 1.0, other=(2.0,)),
    ],
    infer=lambda b: filled(b),
    facts=lambda b, f: Facts(min(f.x.low, 0.0), max(f.x.high, 0.0)),
    torch="torch.nn.functional.local_response_norm",
    rounds=True,
    # It takes views that other orders of dimensions do not have.
    render=normalised,
    saves="both",
    left_out=INTEGRAL | dict.fromkeys(("float16", "bfloat16"), "eager squares and adds in 16 bits"),
    error={},
)


def filled(b: Binding) -> TensorType:
    """An image with elements."""
    nonempty(b)
    return b.x  # type: ignore[no-any-return]


def groups_of(b: Binding) -> Classes:
    """Divisors of the channels."""
    size = b.x.shape[1]
    found = tuple(d for d in (2, 3, 4) if isinstance(size, int) and size and size % d == 0)
    return {"boundary": (1,), "other": found}


operator(
    "sampled.channel_shuffle",
    operands=[free("x", ALL, RANKS[3:])],
    attributes=[Attribute("groups", groups_of)],
    order=("x", "groups"),
    infer=filled,
    facts=lambda b, f: Facts(f.x.low, f.x.high, f.x.scale),
    torch="torch.nn.functional.channel_shuffle",
    saves="none",
    error={"channel_shuffle": moves()},
)


def fractional(b: Binding, spatial: int) -> tuple[TensorType, TensorType]:
    """As asked for, within what the window leaves."""
    nonempty(b)
    shape: Shape = b.x.shape
    for d in range(spatial):
        # In three dimensions torch asks for one more.
        require(shape[d - spatial] >= b.kernel_size + b.output_size - (spatial == 2), "windows do not fit")
    found = b.x.with_shape((*shape[:-spatial], *(b.output_size,) * spatial))
    return found, found.with_dtype("int64")


def samples(spatial: int, b: Binding) -> TensorType:
    """A place for each channel of each batch."""
    return TensorType(b.x.dtype, (*b.x.shape[:2], spatial))


def chosen(spatial: int, b: Binding, f: Any) -> tuple[Facts, Facts]:
    """An element, and where in the plane it is."""
    return Facts(f.x.low, f.x.high, f.x.scale), Facts(0, largest(product(b.x.shape[-spatial:])) - 1, 0)


for number in (2, 3):
    operator(
        f"sampled.fractional_max_pool{number}d",
        operands=[
            free("x", WIDE, (number + 2,), jumps=True),
            exactly(
                "samples",
                partial(samples, number),
                domain=Interval(0, 0.875),
                jumps=True,
                no_gradient=True,
            ),
        ],
        attributes=[
            values("kernel_size", boundary=(1,), other=(2, 3)),
            values("output_size", boundary=(1,), other=(2, 3)),
        ],
        infer=partial(fractional, spatial=number),
        facts=partial(chosen, number),
        torch=f"torch.nn.functional.fractional_max_pool{number}d",
        render=lambda operands, attributes, spatial=number: (
            f"torch.nn.functional.fractional_max_pool{spatial}d({operands[0]}, {attributes['kernel_size']}, "
            f"output_size={attributes['output_size']}, return_indices=True, _random_samples={operands[1]})"
        ),
        results=2,
        finite=True,
        unpromised=(1,),
        saves="both",
        left_out=dict.fromkeys(
            ("float16", "bfloat16", "rank 3", "rank 4"), "samples in 16 bits; without a batch they have another shape"
        ),
        error={
            f"fractional_max_pool{number}d": SELECTS,
            f"fractional_max_pool{number}d_backward": ADDED,
        },
    )
