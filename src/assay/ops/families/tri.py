"""Triangles and diagonals of matrices."""

from __future__ import annotations

from assay.ir.types import ALL
from assay.ops.attributes import values
from assay.ops.errors import moves
from assay.ops.facts import constant, hull
from assay.ops.operands import free
from assay.ops.protocol import operator

DIAGONAL = values("diagonal", 0, negative=(-1, -2), other=(1, 2))

for name in ("tril", "triu"):
    operator(
        f"tri.{name}",
        operands=[free("x", ALL, (2, 3, 4, 5))],
        attributes=[DIAGONAL],
        infer=lambda b: b.x,
        facts=lambda b, f: hull(f.x, constant(0)),
        torch=f"torch.{name}",
        inplace=f"{name}_",
        # No out=: into a tensor that is not contiguous torch 2.13 writes out of bounds (bugs/tril-out-permuted).
        saves="none",
        error=moves(),
        onnx="Trilu",
        jax=f"jnp.{name}",
        tensorflow="tf.linalg.band_part",
    )
operator(
    "tri.diag_embed",
    operands=[free("x", ALL, (1, 2, 3))],
    attributes=[values("offset", 0, negative=(-1, -2), other=(1, 2))],
    infer=lambda b: b.x.with_shape((*b.x.shape[:-1], *(b.x.shape[-1] + abs(b.offset),) * 2)),
    facts=lambda b, f: hull(f.x, constant(0)),
    torch="torch.diag_embed",
    saves="none",
    jax="jnp.diag",
    tensorflow="tf.linalg.diag",
    error=moves(),
)
