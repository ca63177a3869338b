"""Inner functions called plainly, in place of through a checkpoint or an autograd.Function."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from assay.ir.program import PythonOperation, walk
from assay.triage.registry import reducer
from assay.triage.rewriting import replaced
from assay.triage.subject import Subject


@reducer("plain-calls", order=27)
def plain_calls(subject: Subject) -> Iterator[Subject]:
    """Each call that goes through something without it."""
    program = subject.program
    for number, statement in enumerate(walk(program.body)):
        if isinstance(statement, PythonOperation) and statement.kind == "call" and statement.attributes:
            yield subject.with_program(replaced(program, {number: (replace(statement, attributes=()),)}))
