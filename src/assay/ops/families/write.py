"""Writes: operators that exist in place only."""

from __future__ import annotations

from typing import Any

from assay.ir.types import ALL, is_float
from assay.ops.attributes import Classes
from assay.ops.errors import moves, rounded
from assay.ops.facts import Facts, constant
from assay.ops.families.cast import converted
from assay.ops.operands import broadcast, free
from assay.ops.protocol import Attribute, Binding, operator


def numbers(b: Binding) -> Classes:
    """Numbers that the dtype holds."""
    return {
        "boundary": (0,),
        "negative": () if b.x.dtype in ("bool", "uint8") else (-1,),
        "other": (0.5, 7) if is_float(b.x.dtype) else (1,) if b.x.dtype == "bool" else (1, 7),
    }


def copied(b: Binding, f: Any) -> Facts:
    """The source's elements in the target's dtype."""
    return converted(f.source, b.source.dtype, b.x.dtype)


operator(
    "write.copy_",
    operands=[free("x"), broadcast("source", "x", scalars=(), expands=False)],
    infer=lambda b: b.x,
    facts=copied,
    torch="torch.Tensor.copy_",
    method=None,
    inplace="copy_",
    inplace_only=True,
    saves="none",
    error={"copy": rounded()},
)
operator(
    "write.fill_",
    operands=[free("x", ALL)],
    attributes=[Attribute("value", numbers, positional=True)],
    infer=lambda b: b.x,
    facts=lambda b, f: constant(b.value),
    torch="torch.Tensor.fill_",
    method=None,
    inplace="fill_",
    inplace_only=True,
    saves="none",
    error={"fill": moves()},
)
operator(
    "write.zero_",
    operands=[free("x", ALL)],
    infer=lambda b: b.x,
    facts=lambda b, f: constant(0),
    torch="torch.Tensor.zero_",
    method=None,
    inplace="zero_",
    inplace_only=True,
    saves="none",
    error={"zero": moves()},
)
