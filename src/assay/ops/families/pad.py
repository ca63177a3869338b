"""Padding by a constant (and cropping, by negative amounts), by reflection, by the edge, around."""

from __future__ import annotations

from typing import Any

from assay.ir.sizes import Shape, Size, smallest
from assay.ir.types import ALL, INTEGER_RANGE, NUMERIC, RANKS, TensorType, is_float
from assay.ops.attributes import Classes, values
from assay.ops.errors import Rules, moves, sums
from assay.ops.facts import Facts, constant, hull, require
from assay.ops.onnx_forms import Arg, Graph
from assay.ops.operands import free
from assay.ops.protocol import Attribute, Binding, operator


def padded(b: Binding) -> TensorType:
    """Pairs of amounts, from the last dimension on."""
    shape: list[Size] = list(b.x.shape)
    for pair in range(len(b.pad) // 2):
        position = len(shape) - 1 - pair
        left, right = b.pad[2 * pair], b.pad[2 * pair + 1]
        require(shape[position] + (min(left, 0) + min(right, 0)) >= 0, "more is cropped than there is")
        shape[position] = shape[position] + (left + right)
        require(smallest(shape[position]) >= 0, "more is cropped than there is")
    result: TensorType = b.x.with_shape(tuple(shape))
    return result


def pads(b: Binding) -> list[tuple[int, int]]:
    """The amounts before and after each dimension, from the first on."""
    pairs = [(b.pad[2 * pair], b.pad[2 * pair + 1]) for pair in range(len(b.pad) // 2)]
    return [(0, 0)] * (b.x.rank - len(pairs)) + pairs[::-1]


def pad_node(
    g: Graph, name: str, amounts: list[tuple[int, int]], value: str | None = None, mode: str | None = None
) -> str:
    """Pad, which takes what comes before all dimensions, then what comes after them."""
    return g.node("Pad", name, g.constant([pair[end] for end in (0, 1) for pair in amounts]), value, mode=mode)


def filled(g: Graph, b: Binding, x: Arg) -> str:
    """With a constant, or zeros."""
    return pad_node(g, g.name(x), pads(b), None if b.value is None else g.constant(b.value, x.dtype))


def repeated(g: Graph, b: Binding, x: Arg) -> str:
    """By reflection, the edge, or around, which Pad does since opset 19."""
    if b.mode == "circular" and g.opset < 19:
        return around(g, g.name(x), pads(b))
    return pad_node(g, g.name(x), pads(b), mode={"replicate": "edge", "circular": "wrap"}.get(b.mode, b.mode))


def around(g: Graph, name: str, amounts: list[tuple[int, int]]) -> str:
    """The end of each dimension before it, and the start after it."""
    for axis, (before, after) in enumerate(amounts):
        parts = [name]
        if before:
            parts.insert(0, part(g, name, axis, -before, INTEGER_RANGE["int64"][1]))
        if after:
            parts.append(part(g, name, axis, 0, after))
        name = g.node("Concat", *parts, axis=axis) if len(parts) > 1 else name
    return name


def part(g: Graph, name: str, axis: int, start: int, end: int) -> str:
    """A slice along one dimension."""
    return g.node("Slice", name, *(g.constant([number]) for number in (start, end, axis)))


def amounts(b: Binding) -> Classes:
    """For the last dimension or the last two: nothing, one side, both, and crops."""
    pairs = ((0, 2), (1, 1), (2, 3), (3, 0))
    crops = ((-1, 0), (0, -1), (-1, 2), (1, -1))
    return {
        "boundary": ((0, 0), (1, 0), (0, 1)),
        "negative": crops if b.x.rank == 1 else (*crops, (1, 1, -1, 0)),
        "other": pairs if b.x.rank == 1 else (*pairs, (1, 0, 0, 2), (2, 1, 1, 1)),
    }


def fills(b: Binding) -> Classes:
    """Numbers that the dtype holds; 0 is torch's default."""
    return {
        "default": (None,),
        "boundary": (0,),
        "negative": () if b.x.dtype in ("bool", "uint8") else (-1,),
        "other": (0.5, 7) if is_float(b.x.dtype) else (1,),
    }


operator(
    "pad.constant",
    operands=[free("x", ALL, RANKS[1:])],
    attributes=[Attribute("pad", amounts), Attribute("value", fills, None)],
    order=("x", "pad"),
    infer=padded,
    facts=lambda b, f: hull(f.x, constant(b.value or 0)),
    torch="torch.nn.functional.pad",
    saves="none",
    onnx=filled,
    jax="jnp.pad",
    tensorflow="tf.pad",
    error={"constant_pad_nd": moves()},
)


def mode(name: str, dtypes: tuple[str, ...]) -> None:
    """The modes that repeat elements: over the last one to three dimensions of a tensor with one or two more."""

    def within(b: Binding) -> Classes:
        room: Shape = b.x.shape
        found = []
        for dims in range(1, 4):
            if b.x.rank in (dims + 1, dims + 2):
                least = min(smallest(size) for size in room[-dims:])
                most = {"reflect": least - 1, "replicate": 3, "circular": least}[name]
                if least > 0:
                    found += [pair * dims for pair in ((1, 0), (0, 1), (1, 1), (2, 1), (0, 2)) if max(pair) <= most]
        # A pair of one dimension and no other on the ends of several: amounts differ between dimensions.
        mixed = tuple((1, 0, 0, 1) for each in found[:1] if any(len(pad) == 4 for pad in found))
        nothing = tuple((0, 0) * (len(each) // 2) for each in found[:1])
        return {"other": (*nothing, *found, *mixed)}

    def infer(b: Binding) -> TensorType:
        require(all(smallest(size) > 0 for size in b.x.shape), "nothing to repeat")
        for position in range(len(b.pad)):
            size = b.x.shape[b.x.rank - 1 - position // 2]
            require(name == "replicate" or size >= b.pad[position] + (name == "reflect"), "more than there is")
        return padded(b)

    def facts(b: Binding, f: Any) -> Facts:
        return Facts(f.x.low, f.x.high, f.x.scale)

    # Backward adds up the gradients of what was repeated in the gradient's own dtype. Around is made of copies.
    word = {"reflect": "reflection", "replicate": "replication", "circular": None}[name]
    rules: Rules = (
        {}
        if word is None
        else {
            f"{word}_pad{dims}d{end}": rule
            for dims in (1, 2, 3)
            for end, rule in (("", moves()), ("_backward", sums(narrow=True)))
        }
    )
    operator(
        f"pad.{name}",
        operands=[free("x", dtypes, (2, 3, 4, 5))],
        attributes=[Attribute("pad", within), values("mode", other=(name,))],
        order=("x", "pad"),
        infer=infer,
        facts=facts,
        torch="torch.nn.functional.pad",
        saves="none" if name == "circular" else "inputs",
        error=rules,
        onnx=repeated,
        jax="jnp.pad",
        tensorflow=None if name == "circular" else "tf.pad",
    )


for word, accepted in (("reflect", NUMERIC), ("replicate", NUMERIC), ("circular", ALL)):
    mode(word, accepted)
