"""Statements deleted one by one, inside regions too; what used their results uses an operand of the same type."""

from __future__ import annotations

from collections.abc import Iterator

from assay.ir.program import Operation, PythonOperation, operand_names, walk
from assay.ops.editing import substituted
from assay.ops.facts import Unsatisfied
from assay.triage.liveness import uses
from assay.triage.registry import reducer
from assay.triage.rewriting import replaced, types_of
from assay.triage.subject import Subject


@reducer("drop-statements", order=20)
def drop_statements(subject: Subject) -> Iterator[Subject]:
    """From the last to the first: an unused one deleted, a used one bypassed."""
    program = subject.program
    types = types_of(program)
    used = uses(program)
    statements = list(walk(program.body))
    for number in reversed(range(len(statements))):
        statement = statements[number]
        shorter = replaced(program, {number: ()})
        if not any(used.get(value.name) for value in statement.results):
            yield subject.with_program(shorter)
            continue
        if not isinstance(statement, Operation | PythonOperation):
            continue
        operands = [name for operand in statement.operands for name in operand_names(operand)]
        if statement.out is not None if isinstance(statement, Operation) else False:
            operands.append(str(getattr(statement, "out", "")))
        choices = [
            [name for name in dict.fromkeys(operands) if types.get(name) == value.type] for value in statement.results
        ]
        if not all(choices):
            continue
        for position in range(max(map(len, choices))):
            stand_ins = {
                value.name: choice[min(position, len(choice) - 1)]
                for value, choice in zip(statement.results, choices, strict=True)
            }
            try:
                yield subject.with_program(substituted(shorter, stand_ins))
            except Unsatisfied:
                continue
