"""Views of several parts: chunk, split, unbind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from assay.ir.sizes import Size, is_symbolic, smallest
from assay.ir.types import ALL, RANKS, TensorType
from assay.ops.attributes import Classes, dim, values
from assay.ops.facts import require
from assay.ops.onnx_forms import Arg, Graph
from assay.ops.operands import free
from assay.ops.protocol import Attribute, Binding, Operator, operator
from assay.ops.shapes import normal_dim, replaced

MOST = 6


def parts(
    name: str, attribute: Attribute | None, sizes: Callable[[Binding, Size], list[Size]], **rest: Any
) -> Operator:
    """Parts of one dimension, all of them views."""

    def infer(b: Binding) -> tuple[TensorType, ...]:
        position = normal_dim(b.dim, b.x.rank)
        found = sizes(b, b.x.shape[position])
        require(2 <= len(found) <= MOST, "too few or too many parts")
        return tuple(b.x.with_shape(replaced(b.x.shape, position, size)) for size in found)

    rest.setdefault("infer", infer)
    last = [] if attribute is None else [attribute]
    return operator(
        f"split.{name}",
        operands=[free("x", ALL, RANKS[1:])],
        attributes=[dim(default=0), *last],
        facts=lambda b, f: f.x,
        torch=f"torch.{name}",
        view="x",
        saves="none",
        results=0,
        **rest,
    )


def equal(size: Size, step: Size) -> list[Size]:
    """Parts of ``step`` and a last one of what is left; their number is the same in every instantiation."""
    if isinstance(size, int) and isinstance(step, int):
        require(step > 0, "parts of nothing")
        count = -(-size // step)
    else:
        require(smallest(step) > 0, "parts of nothing")
        count = next((k for k in range(1, MOST + 1) if step * k >= size and size > step * (k - 1)), 0)
    require(0 < count <= MOST, "too few or too many parts")
    return [*[step] * (count - 1), size - step * (count - 1)]


def chunked(b: Binding, size: Size) -> list[Size]:
    """At most as many chunks as asked for, each as large as rounding up makes it."""
    return equal(size, (size + (b.chunks - 1)) // b.chunks)


def balanced(b: Binding, size: Size) -> list[Size]:
    """tensor_split by a number: the first parts are one larger."""
    count: int = b.indices_or_sections
    if is_symbolic(size):
        whole = size // count
        require(whole * count == size, "parts of different sizes in some instantiations")
        return [whole] * count
    assert isinstance(size, int)
    return [size // count + (k < size % count) for k in range(count)]


def sections(b: Binding) -> Classes:
    """Sizes that add up."""
    size = b.x.shape[normal_dim(b.dim, b.x.rank)]
    if not isinstance(size, int) or size < 1:
        return {"boundary": ((size, 0), (0, size))} if isinstance(size, int) else {"boundary": ((size, 0),)}
    return {
        "boundary": ((size, 0), (0, size)),
        "other": tuple((k, size - k) for k in range(1, size)) + tuple((1, k, size - k - 1) for k in range(1, size - 1)),
    }


def unbound(b: Binding) -> tuple[TensorType, ...]:
    """One tensor for each index."""
    position = normal_dim(b.dim, b.x.rank)
    size = b.x.shape[position]
    require(isinstance(size, int) and 2 <= size <= MOST, "too few or too many parts")
    part: TensorType = b.x.with_shape((*b.x.shape[:position], *b.x.shape[position + 1 :]))
    return tuple(part for _ in range(size))


def by_sizes(g: Graph, b: Binding, x: Arg) -> tuple[str, ...]:
    """Split, told the size of every part."""
    sizes = [part.shape[normal_dim(b.dim, b.x.rank)] for part in g.out]
    return g.several("Split", g.name(x), g.shape(sizes), outputs=len(sizes), axis=b.dim)


def by_number(g: Graph, b: Binding, x: Arg) -> tuple[str, ...]:
    """Split, told the number of parts, the last of which may be smaller; before opset 18 only equal ones have no
    sizes."""
    if g.opset < 18 and g.out[0] != g.out[-1]:
        return by_sizes(g, b, x)
    number = len(g.out)
    told = number if g.opset >= 18 else None
    return g.several("Split", g.name(x), outputs=number, axis=b.dim, num_outputs=told)


def balanced_parts(g: Graph, b: Binding, x: Arg) -> tuple[str, ...]:
    """Split, told the sizes of parts that are not equal, or of nothing, which ONNX Runtime does not divide."""
    size = b.x.shape[normal_dim(b.dim, b.x.rank)]
    return (by_number if g.out[0] == g.out[-1] and smallest(size) > 0 else by_sizes)(g, b, x)


# Of these ONNX Runtime makes sequences.
SEQUENCES = ("bool", "int32", "int64", "float16", "float32", "float64")


def one_by_one(g: Graph, b: Binding, x: Arg) -> tuple[str, ...]:
    """The elements of a sequence, or a Split whose parts lose the dimension."""
    if b.x.dtype in SEQUENCES:
        sequence = g.node("SplitToSequence", g.name(x), axis=b.dim, keepdims=0)
        return tuple(g.node("SequenceAt", sequence, g.constant(place)) for place in range(len(g.out)))
    return tuple(g.node("Squeeze", part, g.constant([b.dim])) for part in by_number(g, b, x))


parts(
    "chunk",
    values("chunks", boundary=(2,), other=(3, 4, 5), positional=True),
    chunked,
    onnx=by_number,
    jax="jnp.array_split",
    tensorflow="tf.split",
)
parts(
    "split",
    values("split_size_or_sections", boundary=(1,), other=(2, 3, 4), positional=True),
    lambda b, size: equal(size, b.split_size_or_sections),
    onnx=by_sizes,
    jax="jnp.split",
    tensorflow="tf.split",
)
parts(
    "split_with_sizes",
    Attribute("split_sizes", sections, positional=True),
    lambda b, size: list(b.split_sizes),
    onnx=by_sizes,
    jax="jnp.split",
    tensorflow="tf.split",
)
parts(
    "tensor_split",
    values("indices_or_sections", other=(2, 3, 4), positional=True),
    balanced,
    onnx=balanced_parts,
    jax="jnp.array_split",
)
parts(
    "unbind",
    None,
    lambda b, size: [],
    infer=unbound,
    onnx=one_by_one,
    jax="jnp.unstack",
    tensorflow="tf.unstack",
)
