"""Copies of elements in another order or number: flip, roll, repeat, clone, shuffle."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

from assay.ir.sizes import Shape, Size, smallest
from assay.ir.types import ALL
from assay.ops.attributes import Classes, dim, values
from assay.ops.errors import ErrorRule, Rules, moves
from assay.ops.facts import Facts, require
from assay.ops.operands import free
from assay.ops.protocol import Attribute, Binding, Operator, operator
from assay.ops.shapes import normal_dim, replaced

RANKED = (1, 2, 3, 4, 5)


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


move(
    "flip",
    [Attribute("dims", several_dims)],
    ranks=(0, *RANKED),
    order=("x", "dims"),
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


move(
    "roll",
    [Attribute("shifts", shifts), Attribute("dims", rolled_dims, None)],
    order=("x", "shifts"),
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


move(
    "repeat",
    [Attribute("repeats", repeats, positional=True)],
    tiled,
    (0, 1, 2, 3, 4),
    torch="torch.Tensor.repeat",
    onnx="Tile",
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
    (0, 1, 2, 3, 4),
    order=("x", "dims"),
    maybe_view="x",
    onnx="Tile",
    jax="jnp.tile",
    tensorflow="tf.tile",
    error={"repeat": moves()},
)


def interleaved(b: Binding) -> Shape:
    """Every element several times, next to each other; without a dimension the result is flat."""
    if b.dim is None:
        return (b.x.elements * b.repeats,)
    position = normal_dim(b.dim, b.x.rank)
    return replaced(b.x.shape, position, b.x.shape[position] * b.repeats)


move(
    "repeat_interleave",
    [values("repeats", boundary=(1,), other=(2, 3), positional=True), dim(optional=True)],
    interleaved,
    onnx=None,
    jax="jnp.repeat",
    tensorflow="tf.repeat",
    error={"clone": moves()},
)
move("clone", ranks=(0, *RANKED), onnx="Identity", jax="jnp.copy", tensorflow="tf.identity")
move("contiguous", ranks=(0, *RANKED), torch="torch.Tensor.contiguous", maybe_view="x", error={"clone": moves()})


def rotated(b: Binding) -> Shape:
    """An odd number of quarters swaps the two dimensions."""
    first, second = b.dims
    shape = list(b.x.shape)
    if b.k % 2:
        shape[first], shape[second] = shape[second], shape[first]
    return tuple(shape)


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
    (2, 3, 4),
    jax="jnp.rot90",
)


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


move(
    "pixel_shuffle",
    [Attribute("upscale_factor", squares)],
    shuffled,
    (3, 4),
    order=("x", "upscale_factor"),
    method=None,
    onnx="DepthToSpace",
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


move(
    "pixel_unshuffle",
    [values("downscale_factor", boundary=(1,), other=(2, 3))],
    unshuffled,
    (3, 4),
    order=("x", "downscale_factor"),
    method=None,
    onnx="SpaceToDepth",
    tensorflow="tf.nn.space_to_depth",
)
