"""Copies of elements in another order or number: flip, roll, repeat, clone, shuffle."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

from assay.ir.sizes import Shape, Size, Sym, smallest
from assay.ir.types import ALL, RANKS
from assay.ops.attributes import Classes, dim, values
from assay.ops.errors import ErrorRule, Rules, moves
from assay.ops.facts import Facts, require
from assay.ops.families.part import BEGIN, END, counting, cut
from assay.ops.families.view import reshape, transpose
from assay.ops.onnx_forms import Arg, Graph
from assay.ops.operands import free
from assay.ops.protocol import Attribute, Binding, Operator, operator
from assay.ops.shapes import normal_dim, replaced

RANKED = RANKS[1:]


def move(
    name: str,
    attributes: Sequence[Attribute] = (),
    infer: Any = lambda b: b.x.shape,
    ranks: tuple[int, ...] = RANKED,
    error: ErrorRule | Rules | None = None,
    **rest: Any,
) -> Operator:
    """Elements of one tensor of any dtype, moved."""
    rest.setdefault("torch", f"torch.{name}")
    return operator(
        f"move.{name}",
        operands=[free("x", ALL, ranks)],
        attributes=attributes,
        infer=lambda b: b.x.with_shape(infer(b)),
        facts=lambda b, f: Facts(f.x.low, f.x.high, f.x.scale),
        saves="none",
        error=moves() if error is None else error,
        **rest,
    )


def several_dims(b: Binding) -> Classes:
    """One, two, or all dimensions, from either end."""
    rank = b.x.rank
    return {
        "boundary": ((), tuple(range(rank))),
        "negative": tuple((d - rank,) for d in range(rank)),
        "other": (*((d,) for d in range(rank)), *combinations(range(rank), 2)),
    }


def backwards(g: Graph, x: str, dims: Sequence[int]) -> str:
    """A Slice from the end to the beginning."""
    count = len(dims)
    return cut(g, x, [-1] * count, [BEGIN] * count, dims, [-1] * count)


def flipped(g: Graph, b: Binding, x: Arg) -> str:
    """Some dimensions backwards."""
    return backwards(g, g.name(x), b.dims) if b.dims else g.node("Identity", g.name(x))


move(
    "flip",
    [Attribute("dims", several_dims)],
    ranks=(0, *RANKED),
    order=("x", "dims"),
    onnx=flipped,
    jax="jnp.flip",
    tensorflow="tf.reverse",
)


def rolled_dims(b: Binding) -> Classes:
    """As many as there are shifts; none means the flat tensor."""
    rank = b.x.rank
    if isinstance(b.shifts, tuple):
        return {"other": tuple(combinations(range(rank), 2))}
    return {"default": (None,), "negative": tuple(range(-rank, 0)), "other": tuple(range(rank))}


def shifts(b: Binding) -> Classes:
    """One number, or two for two dimensions."""
    pairs = ((1, -1), (2, 1)) if b.x.rank > 1 else ()
    return {"boundary": (0,), "negative": (-1, -2), "other": (1, 2, 5, *pairs)}


def rolled_once(g: Graph, x: str, size: Size, shift: int, dim: int) -> str:
    """What goes over the end comes first; a Gather where a size may be smaller than the shift."""
    shift = shift if isinstance(size, Sym) else shift % size if size else 0
    if shift == 0:
        return x
    if abs(shift) <= smallest(size):
        ends = cut(g, x, [-shift], [END], [dim]), cut(g, x, [0], [-shift], [dim])
        return g.node("Concat", *ends, axis=dim)
    places = g.node("Mod", g.node("Sub", counting(g, size), g.constant(shift)), g.size(size))
    return g.node("Gather", x, places, axis=dim)


def rolled(g: Graph, b: Binding, x: Arg) -> str:
    """Each dimension in turn, or all elements as one row."""
    before = g.name(x)
    if b.dims is None:
        return reshape(g, rolled_once(g, reshape(g, before, [-1]), b.x.elements, b.shifts, 0), b.x.shape)
    found = before
    shifts, dims = (b.shifts, b.dims) if isinstance(b.dims, tuple) else ((b.shifts,), (b.dims,))
    for shift, d in zip(shifts, dims, strict=True):
        found = rolled_once(g, found, b.x.shape[d], shift, d)
    return g.node("Identity", before) if found == before else found


move(
    "roll",
    [Attribute("shifts", shifts), Attribute("dims", rolled_dims, None)],
    ranks=RANKS,
    order=("x", "shifts"),
    onnx=rolled,
    jax="jnp.roll",
    tensorflow="tf.roll",
)


def repeats(b: Binding) -> Classes:
    """Once, nothing, several times; more dimensions than there were."""
    rank = b.x.rank
    return {
        "boundary": ((1,) * rank, (2, *(1,) * rank)),
        "other": (*((*(1,) * d, 2, *(1,) * (rank - d - 1)) for d in range(rank)), (2,) * rank, (2, *(3,) * rank)),
    }


def tiled(b: Binding) -> Shape:
    """Sizes times repeats, aligned at the end."""
    times = b.repeats if hasattr(b, "repeats") else b.dims
    shape = (*(1,) * (len(times) - b.x.rank), *b.x.shape)
    times = (*(1,) * (len(shape) - len(times)), *times)
    return tuple(size * each for size, each in zip(shape, times, strict=True))


def tile(g: Graph, b: Binding, x: Arg) -> str:
    """Tile, of as many dimensions as there are repeats."""
    times = b.repeats if hasattr(b, "repeats") else b.dims
    times = (*(1,) * (b.x.rank - len(times)), *times)
    name, more = g.name(x), len(times) - b.x.rank
    if more:
        name = g.node("Unsqueeze", name, g.constant(range(more)))
    return g.node("Tile", name, g.constant(times))


move(
    "repeat",
    [Attribute("repeats", repeats, positional=True)],
    tiled,
    RANKS,
    torch="torch.Tensor.repeat",
    onnx=tile,
    jax="jnp.tile",
    tensorflow="tf.tile",
)
move(
    "tile",
    [
        Attribute(
            "dims",
            lambda b: {"boundary": ((1,) * b.x.rank,), "other": ((2,), (2, 3), (2, *(1,) * b.x.rank))},
        )
    ],
    tiled,
    RANKS,
    order=("x", "dims"),
    maybe_view="x",
    onnx=tile,
    jax="jnp.tile",
    tensorflow="tf.tile",
    error={"repeat": moves()},
)


def interleaved(b: Binding) -> Shape:
    """Every element several times, next to each other; without a dimension the result is flat."""
    if b.dim is None:
        return (b.x.elements * b.repeats,)
    require(b.x.rank > 0, "a number has no dimension")
    position = normal_dim(b.dim, b.x.rank)
    return replaced(b.x.shape, position, b.x.shape[position] * b.repeats)


def beside_each_other(g: Graph, b: Binding, x: Arg) -> str:
    """A new dimension, expanded and merged with the one before it."""
    flat = g.name(x) if b.dim is not None or b.x.rank == 1 else reshape(g, g.name(x), [-1])
    position, rank = (0, 1) if b.dim is None else (normal_dim(b.dim, b.x.rank), b.x.rank)
    more = g.node("Unsqueeze", flat, g.constant([position + 1]))
    grown = g.node("Expand", more, g.constant([*(1,) * (position + 1), b.repeats, *(1,) * (rank - position - 1)]))
    return reshape(g, grown, g.out[0].shape)


move(
    "repeat_interleave",
    [values("repeats", boundary=(1,), other=(2, 3), positional=True), dim(optional=True)],
    interleaved,
    RANKS,
    onnx=beside_each_other,
    jax="jnp.repeat",
    tensorflow="tf.repeat",
    error={"clone": moves()},
)
move("clone", ranks=(0, *RANKED), onnx="Identity", jax="jnp.copy", tensorflow="tf.identity")
move(
    "contiguous",
    ranks=(0, *RANKED),
    torch="torch.Tensor.contiguous",
    maybe_view="x",
    onnx="Identity",
    error={"clone": moves()},
)


def rotated(b: Binding) -> Shape:
    """An odd number of quarters swaps the two dimensions."""
    first, second = b.dims
    shape = list(b.x.shape)
    if b.k % 2:
        shape[first], shape[second] = shape[second], shape[first]
    return tuple(shape)


def quarters(g: Graph, b: Binding, x: Arg) -> str:
    """One dimension or both backwards; an odd number of quarters swaps them."""
    k, (first, second) = b.k % 4, b.dims
    if k == 0:
        return g.node("Identity", g.name(x))
    found = backwards(g, g.name(x), {1: (second,), 2: (first, second), 3: (first,)}[k])
    order = list(range(b.x.rank))
    order[first], order[second] = order[second], order[first]
    return found if k == 2 else transpose(g, found, order)


move(
    "rot90",
    [
        values("k", 1, boundary=(0,), negative=(-1,), other=(2, 3)),
        Attribute(
            "dims",
            lambda b: {
                "default": ((0, 1),),
                "negative": ((-2, -1), (-1, -2)),
                "other": ((1, 0), *(((1, 2),) if b.x.rank > 2 else ())),
            },
            (0, 1),
        ),
    ],
    rotated,
    RANKS[2:],
    onnx=quarters,
    jax="jnp.rot90",
)


CHANNELS_LAST_3D = {"rank 5": "torch 2.13 refuses channels-last tensors of three spatial dimensions"}


def shuffled(b: Binding) -> Shape:
    """Channels become space."""
    r: int = b.upscale_factor
    channels: Size = b.x.shape[-3]
    fewer = channels // (r * r)
    require(fewer * (r * r) == channels and smallest(channels) > 0, "channels do not divide")
    return (*b.x.shape[:-3], fewer, b.x.shape[-2] * r, b.x.shape[-1] * r)


def squares(b: Binding) -> Classes:
    """Factors whose square divides the channels."""
    channels = b.x.shape[-3]
    fitting = tuple(r for r in (2, 3) if isinstance(channels, int) and channels and channels % (r * r) == 0)
    return {"boundary": (1,), "other": fitting}


def depth_to_space(g: Graph, b: Binding, x: Arg) -> str:
    """DepthToSpace of a batch; torch orders what a channel is made of as column, row, depth."""
    require(b.x.rank < 5, "DepthToSpace takes a batch of images")
    batch = g.name(x) if b.x.rank == 4 else g.node("Unsqueeze", g.name(x), g.constant([0]))
    found = g.node("DepthToSpace", batch, blocksize=b.upscale_factor, mode="CRD")
    return found if b.x.rank == 4 else g.node("Squeeze", found, g.constant([0]))


move(
    "pixel_shuffle",
    [Attribute("upscale_factor", squares)],
    shuffled,
    (3, 4, 6),
    left_out=CHANNELS_LAST_3D,
    order=("x", "upscale_factor"),
    method=None,
    onnx=depth_to_space,
    tensorflow="tf.nn.depth_to_space",
    # Backward of a tensor without elements gives another shape in eager torch 2.13.
    trains=lambda b: smallest(b.x.elements) > 0,
)


def unshuffled(b: Binding) -> Shape:
    """Space becomes channels."""
    r: int = b.downscale_factor
    height, width = b.x.shape[-2] // r, b.x.shape[-1] // r
    require(height * r == b.x.shape[-2] and width * r == b.x.shape[-1], "sizes do not divide")
    # Of no elements torch 2.13 gives the shape of the input back.
    require(all(smallest(size) > 0 for size in b.x.shape), "nothing to shuffle")
    return (*b.x.shape[:-3], b.x.shape[-3] * (r * r), height, width)


def space_to_depth(g: Graph, b: Binding, x: Arg) -> str:
    """SpaceToDepth of single channels: of several, ONNX puts what it makes in another order than torch."""
    require(b.x.rank < 5, "SpaceToDepth takes a batch of images")
    channels = reshape(g, g.name(x), (-1, 1, *b.x.shape[-2:]))
    found = g.node("SpaceToDepth", channels, blocksize=b.downscale_factor)
    # Sizes that are 0 are kept: none of the tensor's is.
    batch = g.node("Reshape", found, g.shape((1 if b.x.rank == 3 else b.x.shape[0], -1, 0, 0)))
    return batch if b.x.rank == 4 else g.node("Squeeze", batch, g.constant([0]))


move(
    "pixel_unshuffle",
    [values("downscale_factor", boundary=(1,), other=(2, 3))],
    unshuffled,
    (3, 4, 6),
    left_out=CHANNELS_LAST_3D,
    order=("x", "downscale_factor"),
    method=None,
    onnx=space_to_depth,
    tensorflow="tf.nn.space_to_depth",
)
