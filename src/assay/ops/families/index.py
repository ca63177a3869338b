"""Reading by index: gather, select, embedding, take, advanced indexing, and searching."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from assay.ir.sizes import Shape, Size, largest, product, smallest
from assay.ir.types import ALL, NUMERIC, RANKS, TensorType
from assay.ops.attributes import dim, flag, hidden, values
from assay.ops.errors import ADDED, moves, steps
from assay.ops.facts import BOOLEAN, Facts, Interval, representable, require
from assay.ops.families.view import reshape
from assay.ops.onnx_forms import Arg, Form, Graph
from assay.ops.operands import free, index, matching
from assay.ops.promotion import promote_dtypes
from assay.ops.protocol import Binding, Draw, operator
from assay.ops.shapes import normal_dim, replaced

RANKED = RANKS[1:]
BOTH = ("int64", "int32")


def length(b: Binding) -> Size:
    """The size of the indexed dimension."""
    size: Size = b.x.shape[normal_dim(b.dim, b.x.rank)] if b.x.rank else 1
    return size


def smaller_shape(b: Binding, draw: Draw) -> Shape:
    """As many dimensions as x, none larger than x's except the indexed one."""
    position = normal_dim(b.dim, b.x.rank)
    return tuple(
        draw.size() if d == position else size if draw.random.random() < 0.7 else draw.random.randint(0, smallest(size))
        for d, size in enumerate(b.x.shape)
    )


def within(b: Binding, shape: Shape) -> bool:
    """Whether an index of that shape fits."""
    position = normal_dim(b.dim, b.x.rank)
    return len(shape) == b.x.rank and all(d == position or size <= b.x.shape[d] for d, size in enumerate(shape))


def vector(b: Binding, draw: Draw) -> Shape:
    """One dimension of any size."""
    return (draw.size(),)


def unchanged(b: Binding, f: Any) -> Facts:
    """Elements are moved, not changed."""
    return Facts(f.x.low, f.x.high, f.x.scale)


def gathered(axis: Callable[[Binding], int]) -> Form:
    """Gather: the index's dimensions stand where the indexed one was."""
    return lambda g, b, x, index: g.node("Gather", g.name(x), g.name(index), axis=axis(b))


def gathered_elements(g: Graph, b: Binding, x: Arg, index: Arg) -> str:
    """GatherElements, of an index that has the shape of the result."""
    require(x.rank > 0, "GatherElements takes no single number")
    places = g.name(index)
    if index.type != g.out[0].with_dtype(index.dtype):
        places = g.node("Expand", places, g.shape(g.out[0].shape))
    return g.node("GatherElements", g.name(x), places, axis=b.dim)


operator(
    "index.gather",
    operands=[free("x"), index("index", length, smaller_shape, within, BOTH)],
    attributes=[dim(nonempty=True)],
    order=("x", "dim", "index"),
    infer=lambda b: b.x.with_shape(b.index.shape),
    facts=unchanged,
    torch="torch.gather",
    out=True,
    saves="inputs",
    onnx=gathered_elements,
    jax="jnp.take_along_axis",
    tensorflow="tf.gather",
    # Backward adds up along the index, and where that is expanded torch 2.13 takes no int32.
    trains=lambda b: b.index.dtype == "int64",
    error={"gather": moves(), "scatter_add": ADDED},
)
operator(
    "index.take_along_dim",
    operands=[
        free("x", ALL, RANKED),
        index("indices", length, smaller_shape, lambda b, s: within(b, s) and _aligned(b, s)),
    ],
    attributes=[dim(nonempty=True)],
    infer=lambda b: b.x.with_shape(_broadcast_beside(b)),
    facts=unchanged,
    torch="torch.take_along_dim",
    out=True,
    saves="inputs",
    onnx=gathered_elements,
    jax="jnp.take_along_axis",
)


def _aligned(b: Binding, shape: Shape) -> bool:
    position = normal_dim(b.dim, b.x.rank)
    return all(d == position or size in (1, b.x.shape[d]) for d, size in enumerate(shape))


def _broadcast_beside(b: Binding) -> Shape:
    position = normal_dim(b.dim, b.x.rank)
    require(_aligned(b, b.indices.shape), "indices do not broadcast")
    return replaced(b.x.shape, position, b.indices.shape[position])


operator(
    "index.index_select",
    operands=[free("x", ALL, RANKED), index("index", length, vector, lambda b, s: len(s) == 1, BOTH)],
    attributes=[dim(nonempty=True)],
    order=("x", "dim", "index"),
    infer=lambda b: b.x.with_shape(replaced(b.x.shape, normal_dim(b.dim, b.x.rank), b.index.shape[0])),
    facts=unchanged,
    torch="torch.index_select",
    out=True,
    saves="inputs",
    onnx=gathered(lambda b: b.dim),
    jax="jnp.take",
    tensorflow="tf.gather",
    error={"index_select": moves(), "index_add": ADDED},
)


def taken(g: Graph, b: Binding, x: Arg, index: Arg) -> str:
    """Gather of all elements as one row."""
    return g.node("Gather", g.name(x) if b.x.rank == 1 else reshape(g, g.name(x), [-1]), g.name(index))


operator(
    "index.take",
    operands=[
        free("x"),
        index(
            "index",
            lambda b: product(b.x.shape),
            lambda b, d: d.shape(d.random.randint(0, 3)),
            lambda b, s: True,
            negative=True,
        ),
    ],
    infer=lambda b: b.x.with_shape(b.index.shape),
    facts=unchanged,
    torch="torch.take",
    out=True,
    saves="inputs",
    onnx=taken,
    jax="jnp.take",
    error={"take": moves(), "put": ADDED},
)
operator(
    "index.embedding",
    operands=[
        free("x", ALL, (2,)),
        index("index", lambda b: b.x.shape[0], lambda b, d: d.shape(d.random.randint(0, 3)), lambda b, s: True, BOTH),
    ],
    attributes=[values("padding_idx", None, boundary=(0,), negative=(-1,))],
    order=("index", "x"),
    infer=lambda b: b.x.with_shape((*b.index.shape, b.x.shape[1])),
    facts=unchanged,
    torch="torch.nn.functional.embedding",
    saves="inputs",
    onnx=gathered(lambda b: 0),
    jax="jnp.take",
    tensorflow="tf.nn.embedding_lookup",
    error={"embedding": moves(), "embedding_dense_backward": ADDED},
)


def subscript(operands: Any, attributes: Any) -> str:
    """x[:, i]."""
    return f"{operands[0]}[{', '.join([':'] * attributes['dim'] + [operands[1]])}]"


def spliced(b: Binding) -> TensorType:
    """The index's dimensions stand where the indexed one was."""
    shape: Shape = (*b.x.shape[: b.dim], *b.index.shape, *b.x.shape[b.dim + 1 :])
    require(len(shape) <= 6, "too many dimensions")
    return TensorType(b.x.dtype, shape)


operator(
    "index.advanced",
    operands=[
        free("x", ALL, RANKED),
        index(
            "index", length, lambda b, d: d.shape(d.random.randint(1, 2)), lambda b, s: len(s) > 0, BOTH, negative=True
        ),
    ],
    attributes=[hidden("dim", lambda b: {"other": tuple(range(b.x.rank))})],
    infer=spliced,
    facts=unchanged,
    torch="torch.Tensor.__getitem__",
    method=None,
    render=subscript,
    saves="inputs",
    onnx=gathered(lambda b: b.dim),
    jax="jnp.take",
    tensorflow="tf.gather",
    error={"index": moves(), "index_put": ADDED},
)


def one_of_many(g: Graph, b: Binding, x: Arg) -> str:
    """OneHot, of indices that have dimensions."""
    row = g.name(x) if b.x.rank else g.node("Unsqueeze", g.name(x), g.constant([0]))
    found = g.node("OneHot", row, g.constant(b.num_classes), g.constant([0, 1]))
    return found if b.x.rank else g.node("Squeeze", found, g.constant([0]))


operator(
    "index.one_hot",
    operands=[free("x", ("int64",), domain=Interval(0, 4), jumps=True)],
    attributes=[values("num_classes", boundary=(5,), other=(6, 9))],
    infer=lambda b: b.x.with_shape((*b.x.shape, b.num_classes)),
    facts=lambda b, f: BOOLEAN,
    torch="torch.nn.functional.one_hot",
    differentiable=False,
    saves="none",
    onnx=one_of_many,
    jax="jax.nn.one_hot",
    tensorflow="tf.one_hot",
)


def between(b: Binding, f: Any) -> Facts:
    """How many boundaries lie below."""
    dtype = promote_dtypes(b.x.dtype, b.boundaries.dtype)
    require(representable(f.x, dtype) and representable(f.boundaries, dtype), "an operand is rounded at first")
    # All boundaries are equal where one value is all there is, and otherwise nothing says that they are sorted.
    require(
        f.boundaries.low == f.boundaries.high or largest(b.boundaries.shape[0]) <= 1, "boundaries may not be sorted"
    )
    return Facts(0, largest(b.boundaries.shape[0]), 0)


def counted(g: Graph, b: Binding, x: Arg, boundaries: Arg) -> str:
    """Whether the one boundary lies below; with right also where it is equal."""
    boundary = g.node("Squeeze", g.name(boundaries), g.constant([0]))
    below = g.node("LessOrEqual" if b.right else "Less", boundary, g.name(x), dtype="bool")
    return g.cast(below, g.out[0].dtype)


operator(
    "index.bucketize",
    operands=[
        free("x", NUMERIC, jumps=True),
        matching("boundaries", "x", lambda b, d: (1,), lambda b, s: s == (1,), (1,), NUMERIC, jumps=True),
    ],
    attributes=[flag("right"), flag("out_int32")],
    infer=lambda b: b.x.with_dtype("int32" if b.out_int32 else "int64"),
    facts=between,
    torch="torch.bucketize",
    out=True,
    method=None,
    differentiable=False,
    saves="none",
    onnx=counted,
    jax="jnp.digitize",
    tensorflow="tf.searchsorted",
    error=steps(0, 1),
)
