"""Operands made simpler: an optional one left out, a number made 1, a tensor made a number, a list made shorter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from assay.ir.program import Literal, Operand, Operation, walk
from assay.ops.catalogue import load
from assay.ops.protocol import Operand as Specification
from assay.triage.registry import reducer
from assay.triage.rewriting import replaced
from assay.triage.subject import Subject


@reducer("simple-operands", order=46)
def simple_operands(subject: Subject) -> Iterator[Subject]:
    """Every operand of every operation."""
    program = subject.program
    operators = load()
    for number, statement in enumerate(walk(program.body)):
        if not isinstance(statement, Operation):
            continue
        for position, specification in enumerate(operators[statement.operator].operands):
            for simpler in _simpler(statement.operands[position], specification):
                operands = (*statement.operands[:position], simpler, *statement.operands[position + 1 :])
                yield subject.with_program(replaced(program, {number: (replace(statement, operands=operands),)}))


def _simpler(operand: Operand, specification: Specification) -> Iterator[Operand]:
    if operand is None:
        return
    if specification.optional:
        yield None
    if isinstance(operand, tuple):
        least = specification.many[0] if specification.many else len(operand)
        if len(operand) > least:
            yield operand[:least]
            for left_out in range(len(operand)):
                yield operand[:left_out] + operand[left_out + 1 :]
        return
    for value in (1, 2, 1.0, 2.0, 0.5):
        if type(value).__name__ not in specification.scalars:
            continue
        if isinstance(operand, Literal):
            if operand.value == value:
                return
            if isinstance(operand.value, type(value)) and not isinstance(operand.value, bool):
                yield Literal(value)
        elif isinstance(operand, str) and value in (1, 2) and isinstance(value, int):
            yield Literal(value)
