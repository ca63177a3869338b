"""What is around the calls taken away: changes between them, the contexts they run in, the globals that are watched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from assay.triage.registry import reducer
from assay.triage.subject import Subject


@reducer("plain-setting", order=12)
def plain_setting(subject: Subject) -> Iterator[Subject]:
    """All of it at once, then each change, each context and each watched global alone."""
    program = subject.program
    bare = tuple(replace(call, before=(), around="") for call in program.calls)
    if bare != program.calls:
        yield subject.with_program(replace(program, calls=bare))
    for number, call in enumerate(program.calls):
        changed = [replace(call, before=call.before[:k] + call.before[k + 1 :]) for k in range(len(call.before))]
        if call.around:
            changed.append(replace(call, around=""))
        for other in changed:
            calls = (*program.calls[:number], other, *program.calls[number + 1 :])
            yield subject.with_program(replace(program, calls=calls))
    for name in program.watched:
        watched = tuple(other for other in program.watched if other != name)
        yield subject.with_program(replace(program, watched=watched))
