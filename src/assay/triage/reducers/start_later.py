"""A program that starts later: statements are taken out in chunks, and what others need of them becomes an input."""

from __future__ import annotations

from collections.abc import Iterator

from assay.ops.facts import Unsatisfied
from assay.triage.cutting import chunks, without_statements
from assay.triage.registry import reducer
from assay.triage.subject import Subject
from assay.triage.typing_anew import environment_of


@reducer("start-later", order=18, sweep=False)
def start_later(subject: Subject) -> Iterator[Subject]:
    """Everything before a statement first (a half, a quarter ...), then every chunk, then every statement."""
    program = subject.program
    try:
        environment = environment_of(program)
    except Unsatisfied:
        return
    count = len(program.body)
    size = count - 1
    while size >= 1:
        shorter = without_statements(program, range(size), environment)
        if shorter is not None:
            yield subject.with_program(shorter)
        size //= 2
    for chunk in chunks(count):
        shorter = without_statements(program, chunk, environment)
        if shorter is not None:
            yield subject.with_program(shorter)
