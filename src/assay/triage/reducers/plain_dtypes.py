"""One dtype for all floating values, float32, and one for all integers, int64."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from assay.ir.program import Input, Operation, Program
from assay.ir.types import Dtype, TensorType
from assay.triage.registry import reducer
from assay.triage.rewriting import map_inputs, map_operations, types_of
from assay.triage.subject import Subject

PLAIN = {
    "float16": "float32",
    "bfloat16": "float32",
    "float64": "float32",
    "uint8": "int64",
    "int8": "int64",
    "int16": "int64",
    "int32": "int64",
    "complex128": "complex64",
    "bool": "float32",
}


@reducer("plain-dtypes", order=50)
def plain_dtypes(subject: Subject) -> Iterator[Subject]:
    """Everything at once, then one dtype after another, then one input, then integers as floats."""
    program = subject.program
    present = {type_.dtype for type_ in types_of(program).values() if isinstance(type_, TensorType)}
    others = {old: new for old, new in PLAIN.items() if old in present and old != "bool"}
    if len(others) > 1:
        yield subject.with_program(_everywhere(program, others))
    for old, new in others.items():
        yield subject.with_program(_everywhere(program, {old: new}))
    for entry in program.inputs:
        type_ = entry.value.type
        if isinstance(type_, TensorType):
            wanted = PLAIN.get(type_.dtype, "float32" if type_.dtype == "int64" else None)
            if wanted is not None:
                yield subject.with_program(map_inputs(program, _retyped({type_.dtype: wanted}, entry.name)))


def _everywhere(program: Program, names: dict[str, str]) -> Program:
    def attribute(value: Any) -> Any:
        if isinstance(value, Dtype):
            return Dtype(names.get(value.name, value.name))
        return tuple(attribute(item) for item in value) if isinstance(value, tuple) else value

    def change(statement: Operation) -> Operation:
        return replace(statement, attributes=tuple((key, attribute(value)) for key, value in statement.attributes))

    return map_operations(map_inputs(program, _retyped(names)), change)


def _retyped(names: dict[str, str], only: str | None = None) -> Callable[[Input], Input]:
    def change(entry: Input) -> Input:
        type_ = entry.value.type
        if not isinstance(type_, TensorType) or only not in (None, entry.name):
            return entry
        return replace(entry, value=replace(entry.value, type=type_.with_dtype(names.get(type_.dtype, type_.dtype))))

    return change
