"""Advanced indexing as Python writes it: index tensors among slices, numbers, None and an ellipsis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from assay.ir.sizes import Shape, Size, smallest
from assay.ir.types import ALL, RANKS, TensorType
from assay.ops.attributes import Classes, hidden
from assay.ops.errors import ADDED, moves
from assay.ops.facts import Facts, require
from assay.ops.operands import free, index
from assay.ops.protocol import Binding, Draw, operator
from assay.ops.shapes import broadcast as broadcast_shapes
from assay.ops.shapes import broadcastable

BOTH = ("int64", "int32")
# The parts of a subscript: i and j are index tensors, the rest is Python.
PATTERNS = (
    "i, :, None",
    "None, i",
    "..., i",
    "i, ...",
    "i, None, 1:",
    "::2, i",
    "1:, i, ...",
    "i, 0",
    "0, i",
    "-1, ..., i",
    "i, 0, :",
    "i, :, 0",
    "0, :, i",
    ":-1, None, i",
    "None, ..., i, None",
    "..., i, ::2, :",
)
PAIRS = (
    "i, j",
    ":, i, j",
    "i, :, j",
    "i, ..., j",
    "..., i, j",
    "i, None, j",
    "i, j, None, ...",
    "0, i, j",
    "i, 0, j",
    "i, 1:, j",
    "::2, i, :, j",
    "i, j, ::2",
    "None, i, j",
)


def parts(b: Binding) -> list[str]:
    """The parts of the subscript, with the ellipsis spelled out and full slices behind."""
    found: list[str] = b.subscript.split(", ")
    taken = sum(part not in ("None", "...") for part in found)
    missing = [":"] * (b.x.rank - taken)
    require(taken <= b.x.rank, "more parts than dimensions")
    if "..." in found:
        place = found.index("...")
        return [*found[:place], *missing, *found[place + 1 :]]
    return [*found, *missing]


def dimensions(b: Binding) -> Iterator[tuple[str, Size]]:
    """Each part with the size that it takes; None takes none."""
    sizes = iter(b.x.shape)
    for part in parts(b):
        yield part, 1 if part == "None" else next(sizes)


def fitting(patterns: tuple[str, ...]) -> Any:
    """Those for which there are enough dimensions, none too small."""

    def classes(b: Binding) -> Classes:
        found = []
        for pattern in patterns:
            taken = sum(part not in ("None", "...") for part in pattern.split(", "))
            if taken <= b.x.rank:
                found.append(pattern)
        return {"other": tuple(found)}

    return classes


def size_at(letter: str) -> Any:
    """The size of the dimension that an index tensor reads."""

    def size(b: Binding) -> Size:
        found: Size = next(size for part, size in dimensions(b) if part == letter)
        return found

    return size


def subscripted(b: Binding) -> TensorType:
    """What index tensors broadcast to stands where they stand together, else in front (NumPy's rule). Numbers have gone
    before, which is not NumPy's."""
    indices = tuple(getattr(b, letter).shape for letter in ("i", "j") if hasattr(b, letter))
    picked = broadcast_shapes(*indices)
    left = []
    for part, size in dimensions(b):
        if part in ("0", "-1"):
            require(smallest(size) > 0, "nothing to choose")
        else:
            left.append((part, size))
    places = [place for place, (part, _) in enumerate(left) if part in ("i", "j")]
    together = places[-1] - places[0] == len(places) - 1
    before = tuple(cut(*each) for each in left[: places[0]])
    behind = tuple(cut(*each) for each in left[places[0] :] if each[0] not in ("i", "j"))
    shape: Shape = (*before, *picked, *behind) if together else (*picked, *before, *behind)
    require(len(shape) <= 6, "too many dimensions")
    result: TensorType = b.x.with_shape(shape)
    return result


def cut(part: str, size: Size) -> Size:
    """What a slice leaves of a dimension."""
    if part == "::2":
        return (size + 1) // 2
    if part in ("1:", ":-1"):
        require(smallest(size) > 0, "nothing to leave out")
        return size - 1
    return size


def render(operands: Any, attributes: Any) -> str:
    """x[..., i, None]."""
    names = dict(zip("ij", operands[1:], strict=False))
    return f"{operands[0]}[{', '.join(names.get(part, part) for part in attributes['subscript'].split(', '))}]"


def beside(b: Binding, draw: Draw) -> Shape:
    """The shape of the other index, or one that broadcasts with it."""
    shape: Shape = b.i.shape
    way = draw.random.random()
    return (1,) if way < 0.2 else shape[-1:] if way < 0.4 else shape


# torch reads an index without dimensions as a number.
FIRST = index(
    "i",
    size_at("i"),
    lambda b, d: d.shape(d.random.choice((1, 1, 2))),
    lambda b, s: 0 < len(s) < 3,
    BOTH,
    negative=True,
)
SECOND = index("j", size_at("j"), beside, lambda b, s: 0 < len(s) < 3 and broadcastable(b.i.shape, s), negative=True)
for name, patterns, operands, ranks in (
    ("mixed", PATTERNS, (FIRST,), RANKS[1:]),
    ("pair", PAIRS, (FIRST, SECOND), RANKS[2:]),
):
    operator(
        f"subscript.{name}",
        operands=[free("x", ALL, ranks), *operands],
        attributes=[hidden("subscript", fitting(patterns))],
        infer=subscripted,
        facts=lambda b, f: Facts(f.x.low, f.x.high, f.x.scale),
        torch="torch.Tensor.__getitem__",
        method=None,
        render=render,
        saves="inputs",
        error={"index": moves(), "index_put": ADDED},
        jax="jnp.ndarray.__getitem__",
        tensorflow="tf.gather_nd",
    )
