"""Triangles and diagonals of matrices."""

from __future__ import annotations

from assay.ir.types import ALL, RANKS
from assay.ops.attributes import values
from assay.ops.errors import moves
from assay.ops.facts import constant, hull
from assay.ops.onnx_forms import Arg, Form, Graph
from assay.ops.operands import free
from assay.ops.protocol import Binding, operator

DIAGONAL = values("diagonal", 0, negative=(-1, -2), other=(1, 2))


def triangle(upper: bool) -> Form:
    """Trilu, whose diagonal is an input."""

    def form(g: Graph, b: Binding, x: Arg) -> str:
        return g.node("Trilu", g.name(x), g.constant(b.diagonal) if b.diagonal else None, upper=upper)

    return form


for name in ("tril", "triu"):
    operator(
        f"tri.{name}",
        operands=[free("x", ALL, RANKS[2:])],
        attributes=[DIAGONAL],
        infer=lambda b: b.x,
        facts=lambda b, f: hull(f.x, constant(0)),
        torch=f"torch.{name}",
        inplace=f"{name}_",
        # No out=: into a tensor that is not contiguous torch 2.13 writes out of bounds (bugs/tril-out-permuted).
        saves="none",
        error=moves(),
        onnx=triangle(upper=name == "triu"),
        jax=f"jnp.{name}",
        tensorflow="tf.linalg.band_part",
    )


def spread(g: Graph, b: Binding, x: Arg) -> str:
    """Rows (columns below the diagonal) of one element each, where a shifted identity says so."""
    row = g.name(x)
    if b.offset:
        row = g.node("Pad", row, g.constant([*(0,) * (2 * b.x.rank - 1), abs(b.offset)]))
    size = g.node("Shape", row, start=b.x.rank - 1, dtype="int64")
    square = g.node("ConstantOfShape", g.node("Concat", size, size, axis=0), dtype="float32")
    mask = g.cast(g.node("EyeLike", square, k=b.offset), "bool")
    lines = g.node("Unsqueeze", row, g.constant([-1 if b.offset >= 0 else -2]))
    if b.x.dtype == "bool":
        return g.node("And", mask, lines)
    return g.node("Where", mask, lines, g.constant(0, b.x.dtype), dtype=b.x.dtype)


operator(
    "tri.diag_embed",
    operands=[free("x", ALL, RANKS[1:])],
    attributes=[values("offset", 0, negative=(-1, -2), other=(1, 2))],
    infer=lambda b: b.x.with_shape((*b.x.shape[:-1], *(b.x.shape[-1] + abs(b.offset),) * 2)),
    facts=lambda b, f: hull(f.x, constant(0)),
    torch="torch.diag_embed",
    saves="none",
    onnx=spread,
    jax="jnp.diag",
    tensorflow="tf.linalg.diag",
    error=moves(),
)
