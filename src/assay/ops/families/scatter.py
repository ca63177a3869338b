"""Writing by index: scatter, index_add, index_copy, index_put, with and without accumulation.

Where a plain write meets one place twice, which value stays is nobody's promise: indices are then distinct.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf, log2
from typing import Any

from assay.ir.sizes import Shape, Size, largest, smallest
from assay.ir.types import ALL, INTEGER_RANGE, RANKS, is_float
from assay.ops.attributes import Classes, dim, flag
from assay.ops.errors import ADDED, WRITTEN, smooth
from assay.ops.facts import Facts, constant, hull, require, upto
from assay.ops.onnx_forms import Arg, Form, Graph, wide
from assay.ops.operands import free, index, matching
from assay.ops.protocol import Attribute, Binding, Draw, operator
from assay.ops.shapes import normal_dim, replaced

RANKED = RANKS[1:]
BOTH = ("int64", "int32")
# Along an expanded index torch 2.13 adds up by a kernel of its own, which takes no int32.
ACCUMULATED = ("int64",)


def length(b: Binding) -> Size:
    """The size of the indexed dimension."""
    size: Size = b.x.shape[normal_dim(b.dim, b.x.rank)]
    return size


def inside(b: Binding, draw: Draw) -> Shape:
    """As many dimensions as x, none larger than x's except the indexed one."""
    position = normal_dim(b.dim, b.x.rank)
    return tuple(
        draw.size() if d == position else size if draw.random.random() < 0.7 else draw.random.randint(0, smallest(size))
        for d, size in enumerate(b.x.shape)
    )


def fits_inside(b: Binding, shape: Shape) -> bool:
    """Whether an index of that shape fits."""
    position = normal_dim(b.dim, b.x.rank)
    return len(shape) == b.x.rank and all(d == position or size <= b.x.shape[d] for d, size in enumerate(shape))


def column(b: Binding, draw: Draw) -> Shape:
    """Distinct indices fit only in one line along the dimension."""
    position = normal_dim(b.dim, b.x.rank)
    count = draw.random.randint(0, smallest(length(b)))
    return tuple(count if d == position else 1 for d in range(b.x.rank))


def fits_column(b: Binding, shape: Shape) -> bool:
    """The same, as a condition."""
    position = normal_dim(b.dim, b.x.rank)
    return fits_inside(b, shape) and all(
        size <= smallest(length(b)) if d == position else size == 1 for d, size in enumerate(shape)
    )


def line(b: Binding, draw: Draw) -> Shape:
    """One dimension, no longer than the indexed one."""
    return (draw.random.randint(0, smallest(length(b))),)


def fits_line(b: Binding, shape: Shape) -> bool:
    """The same, as a condition."""
    return len(shape) == 1 and shape[0] <= smallest(length(b))


def covers(b: Binding, shape: Shape) -> bool:
    """A source at least as large as the index in every dimension."""
    return len(shape) == b.index.rank and all(a >= c for a, c in zip(shape, b.index.shape, strict=True))


def rows(b: Binding) -> Shape:
    """The shape of x with as many rows as indices."""
    return replaced(b.x.shape, normal_dim(b.dim, b.x.rank), b.index.shape[0])


def numbers(b: Binding) -> Classes:
    """Numbers that the dtype holds."""
    return {
        "boundary": (0,),
        "negative": () if b.x.dtype in ("bool", "uint8") else (-1, -3),
        "other": (0.5, 7, 2) if is_float(b.x.dtype) else (1,) if b.x.dtype == "bool" else (1, 7),
    }


def left(b: Binding, x: Facts, found: Facts) -> Facts:
    """What is found where x is written: what all of x was is left somewhere, if the index is smaller than x."""
    fewer = any(largest(size) < smallest(whole) for size, whole in zip(b.index.shape, b.x.shape, strict=True))
    return replace(found, holds=x.low if x.low == x.high and fewer and smallest(b.x.elements) > 0 else None)


def collected(b: Binding, f: Any) -> Facts:
    """x plus some of the source's elements."""
    along = b.index.shape[normal_dim(b.dim, b.x.rank)] if b.index.rank == b.x.rank else b.index.shape[0]
    result: Facts = f.x + upto(f.src * constant(getattr(b, "alpha", 1)), along)
    return result


def shape_of(g: Graph, name: str) -> str:
    """The sizes of a value."""
    return g.node("Shape", name, dtype="int64")


def spread(g: Graph, number: float, like: str, dtype: str) -> str:
    """A number in the shape of a value."""
    return g.node("Expand", g.constant(number, dtype), shape_of(g, like))


def updates(g: Graph, b: Binding, src: Arg) -> str:
    """The source cut to the size of the index."""
    if b.src.shape == b.index.shape:
        return g.name(src)
    return g.node("Slice", g.name(src), g.constant([0] * b.index.rank), g.shape(b.index.shape))


def written(reduction: str | None = None) -> Form:
    """ScatterElements; a sum is rounded as often as elements meet in one place."""

    def form(g: Graph, b: Binding, x: Arg, index: Arg, src: Arg) -> str:
        source = updates(g, b, src)
        return g.node("ScatterElements", g.name(x), g.name(index), source, axis=b.dim, reduction=reduction)

    return form


def written_number(g: Graph, b: Binding, x: Arg, index: Arg) -> str:
    """ScatterElements of one number."""
    source = spread(g, b.value, g.name(index), b.x.dtype)
    return g.node("ScatterElements", g.name(x), g.name(index), source, axis=b.dim)


operator(
    "scatter.scatter",
    operands=[
        free("x", ALL, RANKED),
        index("index", length, column, fits_column, BOTH, distinct=True),
        matching("src", "x", lambda b, d: b.index.shape, covers),
    ],
    attributes=[dim(nonempty=True)],
    order=("x", "dim", "index", "src"),
    infer=lambda b: b.x,
    facts=lambda b, f: left(b, f.x, hull(f.x, f.src)),
    torch="torch.scatter",
    inplace="scatter_",
    out=True,
    saves="inputs",
    trains=lambda b: b.src.shape == b.index.shape,
    onnx=written(),
    tensorflow="tf.tensor_scatter_nd_update",
    error=WRITTEN,
)
operator(
    "scatter.scatter_value",
    operands=[free("x", ALL, RANKED), index("index", length, inside, fits_inside, BOTH)],
    attributes=[dim(nonempty=True), Attribute("value", numbers)],
    order=("x", "dim", "index", "value"),
    infer=lambda b: b.x,
    facts=lambda b, f: left(b, f.x, hull(f.x, constant(b.value))),
    torch="torch.scatter",
    inplace="scatter_",
    out=True,
    saves="inputs",
    onnx=written_number,
    error=WRITTEN,
)
operator(
    "scatter.scatter_add",
    operands=[
        free("x", ALL, RANKED),
        index("index", length, inside, fits_inside, ACCUMULATED),
        matching("src", "x", lambda b, d: b.index.shape, covers),
    ],
    attributes=[dim(nonempty=True)],
    order=("x", "dim", "index", "src"),
    infer=lambda b: b.x,
    facts=collected,
    torch="torch.scatter_add",
    inplace="scatter_add_",
    out=True,
    saves="inputs",
    trains=lambda b: b.src.shape == b.index.shape,
    onnx=wide(written("add")),
    jax="jnp.ndarray.at.add",
    tensorflow="tf.tensor_scatter_nd_add",
    error=ADDED,
)


def reduced_facts(b: Binding, f: Any) -> Facts:
    """By the kind of reduction; what no index names stays as it is."""
    if b.reduce in ("amax", "amin"):
        return hull(f.x, f.src)
    if b.reduce == "sum":
        return hull(f.x, collected(b, f), upto(f.src, b.index.shape[normal_dim(b.dim, b.x.rank)]))
    if b.reduce == "mean":
        require(is_float(b.x.dtype), "a mean of integers is rounded")
        return hull(f.x, f.src).rounded()
    along = largest(b.index.shape[normal_dim(b.dim, b.x.rank)])
    factor = max(f.src.magnitude, 1.0)
    require(along * log2(factor) < 40, "a large product")
    bound = max(f.x.magnitude, 1.0) * factor**along
    exact = f.x.scale == 0 and f.src.scale == 0
    return Facts(-bound, bound, 0 if exact else None)


REDUCTIONS = {"sum": "add", "mean": "add", "prod": "mul", "amax": "max", "amin": "min"}


def neutral(reduce: str, dtype: str) -> float:
    """What a reduction starts from where it leaves out what was there."""
    if reduce not in ("amax", "amin"):
        return 1 if reduce == "prod" else 0
    low, high = (-inf, inf) if is_float(dtype) else INTEGER_RANGE[dtype]
    return low if reduce == "amax" else high


def scattered(g: Graph, b: Binding, x: Arg, index: Arg, src: Arg) -> str:
    """ScatterElements by a reduction; a mean is a sum by a number of elements."""
    g.since(18 if b.reduce in ("amax", "amin") else 16)
    require(x.dtype != "bool", "ScatterElements reduces no truth values")
    dtype, places, source = x.dtype, g.name(index), updates(g, b, src)

    def collect(onto: str, added: str) -> str:
        if not b.include_self:
            start = spread(g, neutral(b.reduce, dtype), places, dtype)
            onto = g.node("ScatterElements", onto, places, start, axis=b.dim)
        return g.node("ScatterElements", onto, places, added, axis=b.dim, reduction=REDUCTIONS[b.reduce])

    total = collect(g.name(x), source)
    if b.reduce != "mean":
        return total
    one = g.constant(1, dtype)
    return g.node("Div", total, collect(g.node("Expand", one, shape_of(g, g.name(x))), spread(g, 1, places, dtype)))


operator(
    "scatter.scatter_reduce",
    operands=[
        free("x", ALL, RANKED),
        index("index", length, inside, fits_inside, ACCUMULATED),
        matching("src", "x", lambda b, d: b.index.shape, covers),
    ],
    attributes=[
        dim(nonempty=True),
        Attribute(
            "reduce",
            lambda b: {
                "other": ("sum", "prod", "amax", "amin", *(("mean",) if is_float(b.x.dtype) else ())),
            },
        ),
        flag("include_self", True),
    ],
    order=("x", "dim", "index", "src"),
    infer=lambda b: b.x,
    facts=reduced_facts,
    trains=lambda b: b.src.shape == b.index.shape,
    torch="torch.scatter_reduce",
    inplace="scatter_reduce_",
    out=True,
    onnx=wide(scattered),
    error={
        # Eager keeps sums and products in the dtype of the result.
        "scatter_reduce": smooth(4.0, narrow=True),
        "scatter_reduce:sum": ADDED,
        "scatter_reduce:amax": WRITTEN,
        "scatter_reduce:amin": WRITTEN,
    },
)


def in_rows(g: Graph, b: Binding, x: Arg, index: Arg, source: str, reduction: str | None = None) -> str:
    """ScatterND over the first dimension, else ScatterElements of an expanded index; the source has rows."""
    position = normal_dim(b.dim, b.x.rank)
    if position == 0:
        places = g.node("Unsqueeze", g.cast(index, "int64"), g.constant([1]))
        return g.node("ScatterND", g.name(x), places, source, reduction=reduction)
    beside = [d for d in range(b.x.rank) if d != position]
    places = g.node("Expand", g.node("Unsqueeze", g.name(index), g.constant(beside)), shape_of(g, source))
    return g.node("ScatterElements", g.name(x), places, source, axis=b.dim, reduction=reduction)


def added_rows(g: Graph, b: Binding, x: Arg, index: Arg, src: Arg) -> str:
    """Rows times alpha, added."""
    source = g.name(src)
    if b.alpha != 1:
        source = g.node("Mul", source, g.constant(b.alpha, x.dtype))
    return in_rows(g, b, x, index, source, "add")


def filled_rows(g: Graph, b: Binding, x: Arg, index: Arg) -> str:
    """Rows of one number."""
    shape = g.shape(replaced(b.x.shape, normal_dim(b.dim, b.x.rank), b.index.shape[0]))
    return in_rows(g, b, x, index, g.node("Expand", g.constant(b.value, b.x.dtype), shape))


operator(
    "scatter.index_add",
    operands=[
        free("x", ALL, RANKED),
        index("index", length, lambda b, d: (d.size(),), lambda b, s: len(s) == 1, BOTH),
        matching("src", "x", lambda b, d: rows(b), lambda b, s: s == rows(b)),
    ],
    attributes=[
        dim(nonempty=True),
        Attribute(
            "alpha",
            lambda b: {"default": (1,)} if b.x.dtype == "bool" else {"default": (1,), "boundary": (0,), "other": (2,)},
            1,
        ),
    ],
    order=("x", "dim", "index", "src"),
    infer=lambda b: b.x,
    facts=collected,
    torch="torch.index_add",
    inplace="index_add_",
    out=True,
    saves="inputs",
    onnx=wide(added_rows),
    jax="jnp.ndarray.at.add",
    error=ADDED,
)
operator(
    "scatter.index_copy",
    operands=[
        free("x", ALL, RANKED),
        index("index", length, line, fits_line, distinct=True),
        matching("src", "x", lambda b, d: rows(b), lambda b, s: s == rows(b)),
    ],
    attributes=[dim(nonempty=True)],
    order=("x", "dim", "index", "src"),
    infer=lambda b: b.x,
    facts=lambda b, f: hull(f.x, f.src),
    torch="torch.index_copy",
    inplace="index_copy_",
    out=True,
    saves="inputs",
    onnx=lambda g, b, x, index, src: in_rows(g, b, x, index, g.name(src)),
    jax="jnp.ndarray.at.set",
    error=WRITTEN,
)


def filled(b: Binding, x: Facts) -> Facts:
    """The elements and the value, which one of them certainly is."""
    found = hull(x, constant(b.value))
    return replace(found, holds=float(b.value)) if smallest(b.index.shape[0]) > 0 else found


operator(
    "scatter.index_fill",
    operands=[free("x", ALL, RANKED), index("index", length, lambda b, d: (d.size(),), lambda b, s: len(s) == 1)],
    attributes=[dim(nonempty=True), Attribute("value", numbers)],
    order=("x", "dim", "index", "value"),
    infer=lambda b: b.x,
    facts=lambda b, f: filled(b, f.x),
    torch="torch.index_fill",
    inplace="index_fill_",
    saves="inputs",
    onnx=filled_rows,
    error=WRITTEN,
)


def put(accumulate: bool) -> None:
    """x[i] = v or x[i] += v, over the first dimension."""

    def first(b: Binding) -> Size:
        size: Size = b.x.shape[0]
        return size

    def shape(b: Binding, draw: Draw) -> Shape:
        return (draw.size(),) if accumulate else (draw.random.randint(0, smallest(first(b))),)

    def fits(b: Binding, candidate: Shape) -> bool:
        return len(candidate) == 1 and (accumulate or candidate[0] <= smallest(first(b)))

    def render(operands: Any, attributes: Any) -> str:
        tail = ", accumulate=True" if accumulate else ""
        return f"torch.index_put({operands[0]}, ({operands[1]},), {operands[2]}{tail})"

    def form(g: Graph, b: Binding, x: Arg, index: Arg, src: Arg) -> str:
        places = g.node("Unsqueeze", g.name(index), g.constant([1]))
        whole = (*b.index.shape, *b.x.shape[1:])
        source = g.name(src) if b.src.shape == whole else g.node("Expand", g.name(src), g.shape(whole))
        return g.node("ScatterND", g.name(x), places, source, reduction="add" if accumulate else None)

    operator(
        "scatter.index_put" + ("_accumulate" if accumulate else ""),
        operands=[
            free("x", ALL, RANKED),
            index("index", first, shape, fits, negative=accumulate, distinct=not accumulate),
            matching(
                "src",
                "x",
                lambda b, d: (*b.index.shape, *b.x.shape[1:]) if d.random.random() < 0.8 else (),
                lambda b, s: s in ((), (*b.index.shape, *b.x.shape[1:])),
            ),
        ],
        infer=lambda b: b.x,
        facts=lambda b, f: f.x + upto(f.src, b.index.shape[0]) if accumulate else hull(f.x, f.src),
        torch="torch.index_put",
        method=None,
        render=render,
        saves="inputs",
        error=ADDED,
        onnx=wide(form) if accumulate else form,
        jax="jnp.ndarray.at.add" if accumulate else "jnp.ndarray.at.set",
        tensorflow="tf.tensor_scatter_nd_add" if accumulate else "tf.tensor_scatter_nd_update",
    )


put(False)
put(True)
