"""Attributes put back to their defaults, or to the first legal value of their classes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from assay.ir.program import Operation, walk
from assay.ops.catalogue import load
from assay.triage.registry import reducer
from assay.triage.rewriting import replaced, types_of
from assay.triage.subject import Subject
from assay.triage.typing_anew import legal_values

TRIED = 3


@reducer("default-attributes", order=44)
def default_attributes(subject: Subject) -> Iterator[Subject]:
    """For every attribute of every operation the legal values that come before the one it has, a few."""
    program = subject.program
    types = types_of(program)
    operators = load()
    statements = list(walk(program.body))
    for number, statement in enumerate(statements):
        if not isinstance(statement, Operation):
            continue
        operator = operators[statement.operator]
        present = dict(statement.attributes)
        for name, value in present.items():
            legal = legal_values(operator, statement, types, present, name)
            for simpler in legal[: min(_position(legal, value), TRIED)]:
                attributes = tuple({**present, name: simpler}.items())
                yield subject.with_program(replaced(program, {number: (replace(statement, attributes=attributes),)}))


def _position(values: list[Any], value: Any) -> int:
    for position, other in enumerate(values):
        if type(other) is type(value) and other == value:
            return position
    return len(values)
