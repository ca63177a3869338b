"""Fewer calls: one alone, else all but one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from assay.triage.registry import reducer
from assay.triage.subject import Subject


@reducer("drop-calls", order=10, sweep=False)
def drop_calls(subject: Subject) -> Iterator[Subject]:
    """Each call alone, then each left out."""
    program = subject.program
    if len(program.calls) < 2:
        return
    for call in program.calls:
        yield subject.with_program(replace(program, calls=(call,)))
    for number in range(len(program.calls)):
        yield subject.with_program(replace(program, calls=program.calls[:number] + program.calls[number + 1 :]))
