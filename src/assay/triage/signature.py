"""The signature of a bucket: what stays the same of a finding whatever program showed it.

    kind | layer | for an exception or a crash what `assay.oracles.signature` made of it,
                   for a wrong number its form, the operators that are left and the classes of their dtypes

No numbers, names or shapes: two reductions of one root cause are to give one text.
"""

from __future__ import annotations

from collections.abc import Sequence

from assay.ir.program import Operation, Program, walk
from assay.ir.types import TensorType
from assay.oracles.types import OF_OBJECTS
from assay.oracles.verdict import Judgement, Kind

_SELF_SUFFICIENT = frozenset({Kind.exception, Kind.crash})
_CLASSES = (("float", "float"), ("bfloat", "float"), ("complex", "complex"), ("bool", "bool"))
_NARROW = ("float16", "bfloat16")


def bucket_signature(judgement: Judgement, layer: str, operators: Sequence[str], program: Program | None) -> str:
    """The signature of a reduced finding."""
    kind = str(judgement.kind)
    own = judgement.signature.removeprefix(f"{kind}|")
    if judgement.kind in _SELF_SUFFICIENT or (judgement.kind is Kind.alias and own.startswith("object")):
        # Which object is handed back is decided apart from what was computed.
        return "|".join((kind, layer, own))
    if judgement.kind is Kind.type and own.split("|")[0] in OF_OBJECTS:
        return "|".join((kind, layer, own))
    named = ",".join(sorted(set(operators)))
    if judgement.kind is Kind.stride:
        # A write that reduction could not make functional is the cause, whichever operator makes it. What a layout
        # follows from is never the dtype.
        named = "written in place" if program is not None and _writes(program) else named
        return "|".join((kind, layer, own, named))
    classes = ",".join(dtype_classes(program)) if program is not None else ""
    return "|".join((kind, layer, _form(own, judgement.kind), named, classes))


def _writes(program: Program) -> bool:
    return any(
        isinstance(each, Operation) and (each.form == "inplace" or each.out is not None) for each in walk(program.body)
    )


def _form(own: str, kind: Kind | None) -> str:
    """The part of a mismatch's own signature that is not the dtype: places, and forms such as nonfinite or lost."""
    parts = own.split("|")
    return "|".join(parts[1:] if kind in (Kind.value, Kind.mutation, Kind.state) else parts)


def dtype_classes(program: Program) -> list[str]:
    """The classes of dtypes that operations read and give: bool, complex, float, half, int."""
    types = {entry.name: entry.value.type for entry in program.inputs}
    found = {type_.dtype for type_ in types.values() if isinstance(type_, TensorType)}
    for statement in walk(program.body):
        if isinstance(statement, Operation):
            found |= {value.type.dtype for value in statement.results if isinstance(value.type, TensorType)}
    return sorted({_class(dtype) for dtype in found})


def _class(dtype: str) -> str:
    if dtype in _NARROW:
        return "half"
    return next((name for prefix, name in _CLASSES if dtype.startswith(prefix)), "int")
