"""A part of a copy replaced: what the views of `part` name, written out of place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from assay.ir.sizes import Shape, Size, largest, smallest
from assay.ir.types import ALL, RANKS
from assay.ops.attributes import Classes, dim, values
from assay.ops.errors import ErrorRule, Rules, moves
from assay.ops.facts import hull, require
from assay.ops.families.part import counting, diagonal_length, other_dims, places, sliced, without
from assay.ops.families.reduce import scalar
from assay.ops.families.view import transpose
from assay.ops.onnx_forms import Arg, Graph
from assay.ops.operands import exactly, free
from assay.ops.protocol import Attribute, Binding, Operator, operator
from assay.ops.shapes import normal_dim

RANKED = RANKS[1:]


def inset(
    name: str,
    attributes: Sequence[Attribute],
    part: Callable[[Binding], Shape],
    ranks: tuple[int, ...] = RANKED,
    *,
    error: ErrorRule | Rules,
    **rest: Any,
) -> Operator:
    """A copy of x with a source in the place of a part, which has its shape and dtype."""
    rest.setdefault("torch", f"torch.{name}")
    return operator(
        f"inset.{name}",
        operands=[free("x", ALL, ranks), exactly("src", lambda b: b.x.with_shape(part(b)))],
        attributes=attributes,
        infer=lambda b: b.x,
        facts=lambda b, f: hull(f.x, f.src),
        saves="none",
        error=error,
        **rest,
    )


def written_along(g: Graph, b: Binding, x: Arg, source: str, axis: int, row: str, shape: Shape) -> str:
    """ScatterElements of a source whose places along one dimension are a row."""
    around = [d for d in range(b.x.rank) if d != axis]
    index = g.node("Unsqueeze", row, g.constant(around)) if around else row
    return g.node("ScatterElements", g.name(x), g.node("Expand", index, g.shape(shape)), source, axis=axis)


def selected(g: Graph, b: Binding, x: Arg, src: Arg) -> str:
    """One place of a dimension."""
    axis = normal_dim(b.dim, b.x.rank)
    shape = (*b.x.shape[:axis], 1, *b.x.shape[axis + 1 :])
    source = g.node("Unsqueeze", g.name(src), g.constant([axis]))
    return written_along(g, b, x, source, axis, g.constant([b.index]), shape)


inset(
    "select_scatter",
    [dim(nonempty=True), Attribute("index", places)],
    without,
    order=("x", "src", "dim", "index"),
    onnx=selected,
    jax="jnp.ndarray.at.set",
    tensorflow="tf.tensor_scatter_nd_update",
    error=moves(),
)


def counted(b: Binding) -> Shape:
    """The slice of a dimension that is counted from the front."""
    plain = Binding()
    axis = normal_dim(b.dim, b.x.rank)
    for name, value in (("x", b.x), ("dim", axis), ("start", b.start), ("stop", b.end), ("step", b.step)):
        setattr(plain, name, value)
    return sliced(plain)


def slice_written(g: Graph, b: Binding, x: Arg, src: Arg) -> str:
    """Places from a start on, in steps."""
    axis = normal_dim(b.dim, b.x.rank)
    size: Size = b.x.shape[axis]
    low: Size = b.start or 0
    low = size + low if b.start is not None and b.start < 0 else low
    steps = g.node("Mul", counting(g, b.src.shape[axis]), g.constant(b.step))
    return written_along(g, b, x, g.name(src), axis, g.node("Add", steps, scalar(g, low, "int64")), b.src.shape)


inset(
    "slice_scatter",
    [
        dim(default=0),
        values("start", None, boundary=(0,), negative=(-1, -2, -3), other=(1, 2)),
        values("end", None, boundary=(0,), negative=(-1,), other=(2, 3)),
        values("step", 1, other=(2, 3)),
    ],
    counted,
    out=True,
    onnx=slice_written,
    jax="jnp.ndarray.at.set",
    tensorflow="tf.tensor_scatter_nd_update",
    error=moves(),
)


def diagonal_written(g: Graph, b: Binding, x: Arg, src: Arg) -> str:
    """ScatterND of row and column, with both dimensions in front."""
    first, second = normal_dim(b.dim1, b.x.rank), normal_dim(b.dim2, b.x.rank)
    rest = [d for d in range(b.x.rank) if d not in (first, second)]
    order = [first, second, *rest]
    front = transpose(g, g.name(x), order)
    along = g.node("Unsqueeze", counting(g, b.src.shape[-1]), g.constant([1]))
    index = g.node("Add", along, g.constant([max(-b.offset, 0), max(b.offset, 0)]))
    source = transpose(g, g.name(src), [len(rest), *range(len(rest))]) if rest else g.name(src)
    found = g.node("ScatterND", front, index, source)
    return transpose(g, found, [order.index(d) for d in range(b.x.rank)])


inset(
    "diagonal_scatter",
    [values("offset", 0, negative=(-1, -2), other=(1, 2)), dim("dim1", default=0), Attribute("dim2", other_dims, 1)],
    diagonal_length,
    RANKS[2:],
    onnx=diagonal_written,
    jax="jnp.ndarray.at.set",
    tensorflow="tf.linalg.set_diag",
    error=moves(),
)


def strided_sizes(b: Binding) -> Classes:
    """Sizes with strides and an offset that stay within the elements: rows, columns, a diagonal, parts."""
    count = smallest(b.x.elements)
    require(count == largest(b.x.elements) and count > 0, "strides follow from no symbolic size")
    found = {
        ((count,), (1,), 0),
        ((1, count), (count, 1), 0),
        ((count - count // 2,), (1,), count // 2),
        (((count + 1) // 2,), (2,), 0),
        ((), (), count - 1),
        *(((count // k, k), (k, 1), 0) for k in (2, 3) if count % k == 0),
        *(((k, count // k), (1, k), 0) for k in (2, 3) if count % k == 0),
        *(((count // k - 1, 2), (k, 1), k - 2) for k in (3, 4) if count // k > 1),
    }
    ordered = sorted(found, key=repr)
    return {"boundary": tuple(each for each in ordered if len(each[0]) < 2), "other": tuple(ordered)}


def scattered(operands: Sequence[str], attributes: Any) -> str:
    """Strides are those of the memory, so that it has to be known: a contiguous copy, from its beginning."""
    size, stride, offset = attributes["geometry"]
    fresh = f"{operands[0]}.clone(memory_format=torch.contiguous_format)"
    return f"torch.as_strided_scatter({fresh}, {operands[1]}, {size}, {stride}, {offset})"


inset(
    "as_strided_scatter",
    [Attribute("geometry", strided_sizes)],
    lambda b: b.geometry[0],
    (0, *RANKED),
    method=None,
    render=scattered,
    # It is made of a copy and a view.
    error={"clone": moves()},
)
