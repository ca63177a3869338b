"""A program that ends earlier: what has been computed up to a statement and not been used yet is what it returns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from assay.ir.program import Program, output_names, reads
from assay.ir.types import TensorType
from assay.triage.registry import reducer
from assay.triage.rewriting import types_of
from assay.triage.subject import Subject


@reducer("end-earlier", order=12, sweep=False)
def end_earlier(subject: Subject) -> Iterator[Subject]:
    """The first half of the statements, three quarters, and so on up to all but the last; then each tensor alone."""
    program = subject.program
    count = len(program.body)
    rest = count // 2
    while rest >= 1:
        shorter = _prefix(program, count - rest)
        if shorter is not None:
            yield subject.with_program(shorter)
        rest //= 2
    if len(output_names(program.outputs)) > 1 or count > 12:
        return
    for statement in program.body[:-1]:
        for value in statement.results:
            if isinstance(value.type, TensorType):
                yield subject.with_program(replace(program, outputs=value.name))


def _prefix(program: Program, length: int) -> Program | None:
    body = program.body[:length]
    types = types_of(program)
    used = {name for statement in body for name in reads(statement)}
    defined = [value.name for statement in body for value in statement.results]
    wanted = [name for name in defined if name not in used or name in output_names(program.outputs)]
    wanted = [name for name in wanted if isinstance(types[name], TensorType)]
    if not wanted:
        return None
    return replace(program, body=body, outputs=wanted[0] if len(wanted) == 1 else ("tuple", tuple(wanted), ()))
