"""Parameters, buffers and aliases made plain arguments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from assay.ir.program import Argument, Input, Layout, Program
from assay.ir.types import TensorType
from assay.triage.registry import reducer
from assay.triage.rewriting import map_arguments, map_inputs
from assay.triage.subject import Subject


@reducer("plain-inputs", order=34)
def plain_inputs(subject: Subject) -> Iterator[Subject]:
    """A function in place of a method; all inputs plain, then one after another."""
    program = subject.program
    if program.style != "function":
        yield subject.with_program(replace(program, style="function"))
    special = [entry.name for entry in program.inputs if entry.role != "argument" or entry.base is not None]
    if len(special) > 1:
        yield subject.with_program(_plain(program, set(special)))
    for name in special:
        yield subject.with_program(_plain(program, {name}))


def _plain(program: Program, names: set[str]) -> Program:
    def own(entry: Input) -> Input:
        if entry.name not in names or not isinstance(entry.value.type, TensorType):
            return entry
        return replace(entry, role="argument", base=None, value=replace(entry.value, storage=entry.name))

    data = {entry.name: entry.base for entry in program.inputs if entry.name in names and entry.base is not None}
    originals = program.calls

    def passed(entry: Input, argument: Argument) -> Argument:
        if entry.name not in data:
            return argument
        contents = argument.data or originals[0].argument(data[entry.name]).data
        return replace(argument, layout=Layout(), data=contents)

    return map_arguments(map_inputs(program, own), passed)
