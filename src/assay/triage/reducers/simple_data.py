"""Contents of inputs that a reader takes in at a glance: ones, else numbers that count up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from assay.ir.program import Argument, Data, Input, Program
from assay.ir.sizes import largest
from assay.ir.types import TensorType
from assay.triage.registry import reducer
from assay.triage.rewriting import map_arguments
from assay.triage.subject import Subject


@reducer("simple-data", order=60)
def simple_data(subject: Subject) -> Iterator[Subject]:
    """All inputs at once, then one after another."""
    program = subject.program
    names = [
        entry.name for entry in program.inputs if any(c.argument(entry.name).data is not None for c in program.calls)
    ]
    for chosen in ([frozenset(names)] if len(names) > 1 else []) + [frozenset({name}) for name in names]:
        for kind in range(len(_kinds(TensorType("float32", ())))):
            changed = _with_data(program, chosen, kind)
            if changed != program:
                yield subject.with_program(changed)


def _kinds(type_: TensorType) -> tuple[Data, ...]:
    """Contents from the simplest on: ones, zeros, 0 1 2 ..., 1 2 3 ..., and a few halves of both signs."""
    count = max(largest(type_.elements), 1)
    return (
        Data(1.0, 0.0, 1),
        Data(0.0, 0.0, 1),
        Data(0.0, 1.0, count),
        Data(1.0, 1.0, count),
        Data(-1.0, 0.5, 5),
        Data(-1.5, 0.5, 7),
    )


def _with_data(program: Program, names: frozenset[str], kind: int) -> Program:
    def change(entry: Input, argument: Argument) -> Argument:
        type_ = entry.value.type
        if entry.name not in names or argument.data is None or not isinstance(type_, TensorType):
            return argument
        kinds = _kinds(type_)
        # What is as simple already stays.
        return argument if argument.data in kinds[: kind + 1] else replace(argument, data=kinds[kind])

    return map_arguments(program, change)
