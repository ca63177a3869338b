"""Operations written as functions, in place of operators, methods, in-place and out= forms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from assay.ir.program import Operation, Program, walk
from assay.ops.editing import substituted
from assay.ops.facts import Unsatisfied
from assay.triage.registry import reducer
from assay.triage.rewriting import replaced
from assay.triage.subject import Subject


@reducer("functional-form", order=26)
def functional_form(subject: Subject) -> Iterator[Subject]:
    """All, then one by one. Later uses of what was written read the result, in a second candidate the old value."""
    program = subject.program
    numbers = [
        number
        for number, statement in enumerate(walk(program.body))
        if isinstance(statement, Operation) and statement.form != "function"
    ]
    if len(numbers) > 1:
        both = program
        for number in numbers:
            both = _plain(both, number, follow=True) or both
        yield subject.with_program(both)
    for number in numbers:
        for follow in (True, False):
            plain = _plain(program, number, follow)
            if plain is not None:
                yield subject.with_program(plain)


def _plain(program: Program, number: int, follow: bool) -> Program | None:
    statement = list(walk(program.body))[number]
    assert isinstance(statement, Operation)
    target = (
        statement.out if statement.out is not None else statement.operands[0] if statement.form == "inplace" else None
    )
    plain = replaced(program, {number: (replace(statement, form="function", out=None),)})
    if target is None:
        return plain if follow else None
    if not follow or not isinstance(target, str) or not statement.results:
        return plain
    # Only what comes later at the outermost level sees the write; elsewhere the other variant is tried.
    position = next((at for at, outer in enumerate(plain.body) if outer.results == statement.results), None)
    if position is None:
        return None
    before, after = plain.body[: position + 1], plain.body[position + 1 :]
    try:
        later = substituted(replace(plain, body=after), {target: statement.results[0].name})
    except Unsatisfied:
        return None
    return replace(later, body=before + later.body)
