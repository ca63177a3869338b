"""Values named in order, once nothing else is left to do: inputs x, y, z, results a, b, c."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from assay.ir.program import Opaque, Program, walk
from assay.ir.types import TensorType
from assay.ops.editing import map_tree
from assay.triage.registry import reducer
from assay.triage.rewriting import renamed, values_of
from assay.triage.subject import Subject

FEW = 8


@reducer("short-names", order=90)
def short_names(subject: Subject) -> Iterator[Subject]:
    """One candidate: the same program under other names."""
    program = subject.program
    if any(isinstance(statement, Opaque) for statement in walk(program.body)):
        return
    names = _names(program)
    if any(old != new for old, new in names.items()):
        yield subject.with_program(_renamed(program, names))


def _names(program: Program) -> dict[str, str]:
    inputs = [entry.name for entry in program.inputs if isinstance(entry.value.type, TensorType)]
    fixed = {entry.name for entry in program.inputs} - set(inputs)
    results = [value.name for value in values_of(program) if value.name not in {*inputs, *fixed}]
    taken = {*fixed, *(name for name, _ in program.sizes)}
    letters = ("x", "y", "z") if len(inputs) <= 3 else tuple(f"x{number}" for number in range(len(inputs)))
    few = tuple("abcdefgh") if len(results) <= FEW else tuple(f"v{number}" for number in range(len(results)))
    names = dict(zip(inputs, letters, strict=False)) | dict(zip(results, few, strict=False))
    return {} if taken & set(names.values()) else names


def _renamed(program: Program, names: dict[str, str]) -> Program:
    inputs = tuple(
        replace(
            entry,
            value=replace(entry.value, name=names.get(entry.name, entry.name), storage=""),
            base=None if entry.base is None else names.get(entry.base, entry.base),
        )
        for entry in program.inputs
    )
    calls = tuple(
        replace(call, arguments=tuple((names.get(name, name), argument) for name, argument in call.arguments))
        for call in program.calls
    )
    return replace(
        program,
        inputs=inputs,
        calls=calls,
        body=renamed(program.body, names),
        outputs=map_tree(program.outputs, lambda name: names.get(name, name)),
    )
