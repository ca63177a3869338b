"""Writes into views and copies, which functionalisation turns into scatters and reinplacing passes turn back."""

from __future__ import annotations

from assay.generate.motifs.catalogue import motif
from assay.generate.motifs.draft import Draft
from assay.ir.types import ALL, FLOATS, NUMERIC, TensorType


def two_rows(type_: TensorType) -> bool:
    """Whether there are two rows at least, in every call."""
    return isinstance(type_.shape[0], int) and type_.shape[0] >= 2


def fresh_copy(m: Draft, name: str) -> str:
    """A copy that may be written."""
    return m(
        m.either("move.clone", "unary.neg", "unary.abs") if m.dtype(name) not in ("bool", "uint8") else "move.clone",
        name,
    )


@motif(
    "part.slice",
    "write.copy_",
    inductor="canonicalize_view_scatter_ops, slice_scatter_noop",
    changes=("attribute start", "attribute step", "shape source", "attribute dtype"),
    writes=True,
    weight=1.5,
)
def copy_into_slice(m: Draft) -> None:
    """A slice of a copy, written, and the whole read"""
    x = m.start(NUMERIC, (1, 2, 3), fits=two_rows)
    base = fresh_copy(m, x)
    step = m.pick("attribute step", 1, 2)
    view = m("part.slice", base, dim=0, start=m.pick("attribute start", m.any(0, 1), -1), step=step)
    shape = m.pick("shape source", m.shape(view), m.shape(view)[1:], ())
    m("write.copy_", view, m.input(m.pick("attribute dtype", m.dtype(x), "float32", "int64"), shape, 0, 4))
    m(m.either("binary.add", "binary.sub", "binary.mul"), base, x)


@motif(
    "part.select",
    inductor="canonicalize_view_scatter_ops, decompose_generalized_scatter",
    changes=("attribute index", "attribute view", "attribute write"),
    writes=True,
    weight=1.5,
)
def write_through_views(m: Draft) -> None:
    """A view of a view, written, and the first of them read"""
    x = m.start(NUMERIC, (2, 3), least=1)
    base = fresh_copy(m, x)
    view = m.pick("attribute view", m.either("view.t", "view.mT"), "view.flatten")
    if view == "view.flatten":
        first = m("view.unsqueeze", base, dim=0)
    else:
        first = m(view if m.rank(x) == 2 else "view.mT", base)
    second = m("part.select", first, dim=0, index=m.pick("attribute index", 0, -1))
    write = m.pick("attribute write", m.either("write.copy_", "write.fill_"), "write.zero_")
    if write == "write.copy_":
        m(write, second, m.input(m.dtype(x), m.shape(second), 0, 4))
    elif write == "write.fill_":
        m(write, second, value=m.any(0, 1))
    else:
        m(write, second)
    m(m.either("unary.neg", "unary.abs", "unary.square"), first)
    m(m.either("binary.add", "binary.mul"), base, x)


@motif(
    "part.diagonal",
    "write.fill_",
    inductor="scatter_always_uses_mutation",
    changes=("attribute offset", "constant value", "attribute last"),
    writes=True,
    weight=1.3,
)
def fill_diagonal(m: Draft) -> None:
    """The diagonal of a copy, filled"""
    x = m.start(NUMERIC, (2, 3), least=1)
    base = fresh_copy(m, x)
    diagonal = m("part.diagonal", base, offset=m.pick("attribute offset", 0, 1, -1), dim1=0, dim2=1)
    m("write.fill_", diagonal, value=m.pick("constant value", 0, 1))
    m(m.pick("attribute last", m.either("binary.mul", "binary.sub"), "binary.maximum"), base, x)


@motif(
    "write.copy_",
    inductor="reinplace_inplaceable_ops",
    changes=("attribute function", "attribute last"),
    writes=True,
)
def write_back(m: Draft) -> None:
    """A value computed from an argument and copied into it"""
    x = m.input(m.any_dtype(FLOATS), m.builder.palette.shape(m.any(1, 2)), gradients=False)
    y = m(
        m.pick("attribute function", m.either("unary.abs", "unary.relu", "unary.neg"), "move.flip"),
        x,
        **({"dims": (0,)} if m.changed == "attribute function" else {}),
    )
    m("write.copy_", x, y)
    m(m.pick("attribute last", m.either("binary.add", "binary.mul"), "binary.sub"), x, y)


@motif(
    "move.clone",
    inductor="true_noop, is_mutated",
    changes=("attribute copy", "attribute write", "order"),
    writes=True,
)
def copy_then_write(m: Draft) -> None:
    """A copy, the original written, and both read"""
    x = m.start(NUMERIC, (1, 2, 3))
    base = fresh_copy(m, x)
    copy = m(m.pick("attribute copy", "move.clone", "unary.positive", "move.contiguous"), base)
    write = m.pick("attribute write", m.either("write.zero_", "write.fill_"), "write.fill_")
    rest = {"value": m.any(0, 1)} if write == "write.fill_" else {}
    m(write, base, **rest)
    m(m.either("binary.sub", "binary.add"), *m.order(copy, base))


@motif(
    "join.cat",
    "move.clone",
    "split.chunk",
    "write.copy_",
    inductor="canonicalize_view_scatter_ops",
    changes=("order", "attribute dim", "attribute write"),
    writes=True,
    weight=1.3,
)
def swap_parts(m: Draft) -> None:
    """The halves of a copy, one written from the other"""
    x = m.start(ALL, (1, 2, 3), fits=lambda t: two_rows(t) and int(t.shape[0]) % 2 == 0)  # type: ignore[arg-type]
    base = m("move.clone", x)
    parts = m.several("split.chunk", base, dim=m.pick("attribute dim", 0, -m.rank(x)), chunks=2)
    first, second = m.order(parts[0], parts[1])
    held = m("move.clone", second)
    if m.pick("attribute write", True, False):
        m("write.copy_", first, held)
    else:
        m("write.zero_", first)
    m("join.cat", (base, x), dim=0)
