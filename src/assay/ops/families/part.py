"""Views of a part: narrow, select, slices, diagonals, windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assay.ir.sizes import Shape, Size, Sym, bigger, smaller, smallest
from assay.ir.types import ALL, RANKS
from assay.ops.attributes import Classes, dim, hidden, values
from assay.ops.errors import Rules, moves, sums
from assay.ops.facts import Facts, require
from assay.ops.families.view import transpose
from assay.ops.onnx_forms import Arg, Graph
from assay.ops.operands import free
from assay.ops.protocol import Attribute, Binding, Operator, operator
from assay.ops.shapes import normal_dim, replaced

RANKED = RANKS[1:]
# Beyond every size: where a Slice goes to either end.
END, BEGIN = 2**63 - 1, -(2**63)


def part(
    name: str,
    attributes: Sequence[Attribute],
    infer: Any,
    ranks: tuple[int, ...] = RANKED,
    *,
    error: Rules,
    **rest: Any,
) -> Operator:
    """A view of a part of one tensor of any dtype; ``error`` has the rule of what puts the gradient in its place."""
    rest.setdefault("torch", f"torch.{name}")
    return operator(
        f"part.{name}",
        operands=[free("x", ALL, ranks)],
        attributes=attributes,
        infer=lambda b: b.x.with_shape(infer(b)),
        facts=lambda b, f: Facts(f.x.low, f.x.high, f.x.scale, positive_zero=f.x.positive_zero),
        view="x",
        saves="none",
        error=error,
        **rest,
    )


def cut(
    g: Graph, x: str, starts: Sequence[int], ends: Sequence[int], axes: Sequence[int], steps: Sequence[int] = ()
) -> str:
    """A Slice."""
    return g.node("Slice", x, *(g.constant(row) for row in (starts, ends, axes, steps) if row))


def counting(g: Graph, below: Size, step: int = 1) -> str:
    """The row 0, step, 2·step, ... below a size, int64."""
    limit = g.node("Squeeze", g.size(below)) if isinstance(below, Sym) else g.constant(below)
    return g.node("Range", g.constant(0), limit, g.constant(step))


def starts(b: Binding) -> Classes:
    """Where a part begins; from the end as well."""
    size = smallest(b.x.shape[normal_dim(b.dim, b.x.rank)])
    return {
        "boundary": (0, -size) if size else (0,),
        "negative": (-1,) if size else (),
        "other": tuple(range(1, min(size, 4))),
    }


def lengths(b: Binding) -> Classes:
    """How long it is: nothing, one, all that is left."""
    size = smallest(b.x.shape[normal_dim(b.dim, b.x.rank)])
    left = size - b.start if b.start >= 0 else -b.start
    return {"boundary": tuple({0, left}), "other": tuple(range(1, left))}


def narrow_shape(b: Binding) -> Shape:
    """Another size, in bounds."""
    position = normal_dim(b.dim, b.x.rank)
    size = smallest(b.x.shape[position])
    start = b.start if b.start >= 0 else size + b.start
    require(start >= 0 and b.length >= 0 and start + b.length <= size, "the part leaves the tensor")
    return replaced(b.x.shape, position, b.length)


def narrowed(g: Graph, b: Binding, x: Arg) -> str:
    """A Slice; from the end, 0 would be the beginning."""
    stop = b.start + b.length
    return cut(g, g.name(x), [b.start], [END if b.start < 0 and stop == 0 else stop], [b.dim])


part(
    "narrow",
    [dim(), Attribute("start", starts), Attribute("length", lengths)],
    narrow_shape,
    order=("x", "dim", "start", "length"),
    onnx=narrowed,
    jax="jax.lax.dynamic_slice_in_dim",
    tensorflow="tf.slice",
    error={"slice_backward": moves()},
)


def places(b: Binding) -> Classes:
    """An index from either end."""
    size = smallest(b.x.shape[normal_dim(b.dim, b.x.rank)])
    return {"boundary": (0,), "negative": tuple(range(-min(size, 3), 0)), "other": tuple(range(1, min(size, 4)))}


def without(b: Binding) -> Shape:
    """One dimension fewer."""
    position = normal_dim(b.dim, b.x.rank)
    size = smallest(b.x.shape[position])
    require(-size <= b.index < size, "no such index")
    return (*b.x.shape[:position], *b.x.shape[position + 1 :])


part(
    "select",
    [dim(nonempty=True), Attribute("index", places)],
    without,
    order=("x", "dim", "index"),
    onnx=lambda g, b, x: g.node("Gather", g.name(x), g.constant(b.index), axis=b.dim),
    jax="jax.lax.index_in_dim",
    tensorflow="tf.gather",
    error={"select_backward": moves()},
)


def sliced(b: Binding) -> Shape:
    """The slice of one dimension by Python's rule."""
    size: Size = b.x.shape[b.dim]
    low = b.start or 0
    if low < 0:
        require(size >= -low, "a start before the beginning in some instantiations")
        low = size + low
    else:
        require(size >= low, "a start behind the end in some instantiations")
    stop = size if b.stop is None else b.stop
    if b.stop is not None and b.stop < 0:
        require(size >= -b.stop, "an end before the beginning in some instantiations")
        stop = size + b.stop
    elif b.stop is not None:
        require(size >= b.stop, "an end behind the end in some instantiations")
    # An end before the start takes nothing.
    span = bigger(stop - low, 0)
    return replaced(b.x.shape, b.dim, (span + (b.step - 1)) // b.step)


def subscript(operands: Any, attributes: Any) -> str:
    """x[:, a:b:c]."""
    start, stop, step = (attributes[name] for name in ("start", "stop", "step"))
    text = f"{'' if start is None else start}:{'' if stop is None else stop}" + (f":{step}" if step != 1 else "")
    return f"{operands[0]}[{', '.join([':'] * attributes['dim'] + [text])}]"


def as_slice(g: Graph, b: Binding, x: Arg) -> str:
    """A Slice, whose rule is Python's."""
    stop = END if b.stop is None else b.stop
    return cut(g, g.name(x), [b.start or 0], [stop], [b.dim], [] if b.step == 1 else [b.step])


part(
    "slice",
    [
        hidden("dim", lambda b: {"other": tuple(range(b.x.rank))}),
        values("start", None, boundary=(0,), negative=(-1, -2, -3), other=(1, 2)),
        values("stop", None, boundary=(0,), negative=(-1,), other=(2, 3)),
        values("step", 1, other=(2, 3)),
    ],
    sliced,
    torch="torch.Tensor.__getitem__",
    method=None,
    render=subscript,
    onnx=as_slice,
    jax="jax.lax.slice",
    tensorflow="tf.strided_slice",
    error={"slice_backward": moves()},
)


def diagonal_length(b: Binding) -> Shape:
    """The diagonal's length comes last."""
    first, second = normal_dim(b.dim1, b.x.rank), normal_dim(b.dim2, b.x.rank)
    require(first != second, "a diagonal of one dimension")
    rows, columns = b.x.shape[first], b.x.shape[second]
    rows, columns = (rows, columns - b.offset) if b.offset >= 0 else (rows + b.offset, columns)
    require(rows >= 0 and columns >= 0, "a diagonal outside")
    rest = tuple(size for d, size in enumerate(b.x.shape) if d not in (first, second))
    return (*rest, smaller(rows, columns))


def other_dims(b: Binding) -> Classes:
    """Any but the first."""
    rank = b.x.rank
    first = b.dim1 % rank
    return {
        "default": (1,) if first != 1 else (),
        "negative": tuple(d - rank for d in range(rank) if d != first),
        "other": tuple(d for d in range(rank) if d not in (first, 1)),
    }


def gathered_diagonal(g: Graph, b: Binding, x: Arg) -> str:
    """GatherND of row and column, with both dimensions in front."""
    first, second = normal_dim(b.dim1, b.x.rank), normal_dim(b.dim2, b.x.rank)
    rest = [d for d in range(b.x.rank) if d not in (first, second)]
    order = [first, second, *rest]
    front = g.name(x) if order == sorted(order) else transpose(g, g.name(x), order)
    along = g.node("Unsqueeze", counting(g, g.out[0].shape[-1]), g.constant([1]))
    found = g.node("GatherND", front, g.node("Add", along, g.constant([max(-b.offset, 0), max(b.offset, 0)])))
    return transpose(g, found, [*range(1, len(rest) + 1), 0]) if rest else found


part(
    "diagonal",
    [values("offset", 0, negative=(-1, -2), other=(1, 2)), dim("dim1", default=0), Attribute("dim2", other_dims, 1)],
    diagonal_length,
    RANKS[2:],
    onnx=gathered_diagonal,
    jax="jnp.diagonal",
    tensorflow="tf.linalg.diag_part",
    error={"diagonal_backward": moves()},
)


def windows(b: Binding) -> Classes:
    """Window sizes up to the dimension's."""
    size = smallest(b.x.shape[normal_dim(b.dimension, b.x.rank)])
    return {"boundary": tuple({1, size} - {0}), "other": tuple(range(2, min(size, 5)))}


def unfolded(b: Binding) -> Shape:
    """As many windows as fit; their elements come last."""
    position = normal_dim(b.dimension, b.x.rank)
    require(b.x.shape[position] >= b.size, "the window is larger than the dimension")
    return (*replaced(b.x.shape, position, (b.x.shape[position] - b.size) // b.step + 1), b.size)


def gathered_windows(g: Graph, b: Binding, x: Arg) -> str:
    """Gather of where windows start plus where their elements are; these go last."""
    position = normal_dim(b.dimension, b.x.rank)
    begins = counting(g, b.x.shape[position] - b.size + 1, b.step)
    places = g.node("Add", g.node("Unsqueeze", begins, g.constant([1])), g.constant(range(b.size)))
    found = g.node("Gather", g.name(x), places, axis=position)
    order = [d for d in range(b.x.rank + 1) if d != position + 1]
    return found if position == b.x.rank - 1 else transpose(g, found, [*order, position + 1])


part(
    "unfold",
    [dim("dimension", nonempty=True), Attribute("size", windows), values("step", boundary=(1,), other=(2, 3))],
    unfolded,
    torch="torch.Tensor.unfold",
    order=("x", "dimension", "size", "step"),
    onnx=gathered_windows,
    error={"unfold_backward": sums(narrow=True)},
)
