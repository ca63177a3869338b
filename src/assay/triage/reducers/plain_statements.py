"""Statements of text that only give a program something to compile: one operation of a framework does that too.

Without any tensor operation there is nothing to compile, and the fault with it is gone. So the last statement with one
stays, whatever it is, and the finding seems to be about that.
"""

from __future__ import annotations

from collections.abc import Iterator

from assay.ir.program import Opaque, walk
from assay.triage.liveness import uses
from assay.triage.registry import reducer
from assay.triage.rewriting import replaced
from assay.triage.subject import Subject

PLAIN = "torch.ones(1)"


@reducer("plain-statements", order=21)
def plain_statements(subject: Subject) -> Iterator[Subject]:
    """Each statement of text that says what it exercises, in place of it a new tensor for all that it gives."""
    program = subject.program
    used = uses(program)
    for number, statement in enumerate(walk(program.body)):
        if not isinstance(statement, Opaque) or not statement.label or not statement.results:
            continue
        results = tuple(value for value in statement.results if used.get(value.name)) or statement.results[:1]
        names = tuple(value.name for value in results)
        plain = Opaque(" = ".join((*names, PLAIN)), (), names, results)
        yield subject.with_program(replaced(program, {number: (plain,)}))
