"""Containers and Python values taken away: outputs in a flat tuple, items used directly, numbers as constants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from assay.ir.program import Literal, Operand, Program, PythonOperation, operand_names, output_names
from assay.ir.types import ScalarType
from assay.ops.editing import substituted
from assay.ops.facts import Unsatisfied
from assay.triage.cutting import NUMBERS
from assay.triage.registry import reducer
from assay.triage.rewriting import types_of, without_inputs
from assay.triage.subject import Subject
from assay.triage.typing_anew import environment_of


@reducer("unpack", order=24)
def unpack(subject: Subject) -> Iterator[Subject]:
    """Outputs flat, then items of containers, then numbers."""
    program = subject.program
    items = _contents(program)
    names = [inner for name in output_names(program.outputs) for inner in _leaves(name, items)]
    if names:
        flat = names[0] if len(names) == 1 else ("tuple", tuple(names), ())
        if flat != program.outputs:
            yield subject.with_program(replace(program, outputs=flat))
        if len(names) > len(set(names)):
            once = tuple(dict.fromkeys(names))
            yield subject.with_program(replace(program, outputs=once[0] if len(once) == 1 else ("tuple", once, ())))
    known = _items(program, items) | _numbers(program)
    for stand_ins in ([known] if len(known) > 1 else []) + [{name: operand} for name, operand in known.items()]:
        try:
            changed = substituted(program, stand_ins)
        except Unsatisfied:
            continue
        scalars = {entry.name for entry in program.inputs if entry.name in stand_ins}
        yield subject.with_program(without_inputs(changed, scalars))


def _contents(program: Program) -> dict[str, tuple[Operand, ...]]:
    """What is in each container that the outermost statements pack."""
    found: dict[str, tuple[Operand, ...]] = {}
    for statement in program.body:
        if isinstance(statement, PythonOperation) and statement.results:
            name, first = statement.results[0].name, statement.operands[0] if statement.operands else None
            if statement.kind == "pack":
                found[name] = statement.operands
            elif statement.kind == "append" and isinstance(first, str) and first in found:
                found[name] = (*found[first], statement.operands[1])
            elif statement.kind == "rename" and isinstance(first, str) and first in found:
                found[name] = found[first]
    return found


def _leaves(name: str, items: dict[str, tuple[Operand, ...]]) -> list[str]:
    if name not in items:
        return [name]
    return [leaf for operand in items[name] for inner in operand_names(operand) for leaf in _leaves(inner, items)]


def _items(program: Program, items: dict[str, tuple[Operand, ...]]) -> dict[str, Operand]:
    found: dict[str, Operand] = {}
    for statement in program.body:
        if isinstance(statement, PythonOperation) and statement.kind == "item":
            container = statement.operands[0]
            if isinstance(container, str) and container in items:
                index = dict(statement.attributes)["index"]
                if isinstance(index, int) and index < len(items[container]):
                    found[statement.results[0].name] = items[container][index]
    return found


def _numbers(program: Program) -> dict[str, Operand]:
    """Python numbers that have one value in all calls."""
    try:
        environment = environment_of(program)
    except Unsatisfied:
        return {}
    found: dict[str, Operand] = {}
    for name, type_ in types_of(program).items():
        abstract = environment.values.get(name)
        if (
            isinstance(type_, ScalarType)
            and type_.kind in NUMBERS
            and abstract is not None
            and abstract.facts is not None
        ):
            facts = abstract.facts
            if facts.low == facts.high:
                found[name] = Literal(NUMBERS[type_.kind](facts.low))
    return found
