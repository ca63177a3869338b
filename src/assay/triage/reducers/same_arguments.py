"""Arguments that are text: what an earlier call passes, in place of what a later one does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from assay.triage.registry import reducer
from assay.triage.subject import Subject


@reducer("same-arguments", order=34)
def same_arguments(subject: Subject) -> Iterator[Subject]:
    """Each argument that is made by text, as the call before makes it."""
    program = subject.program
    for number in range(1, len(program.calls)):
        before = dict(program.calls[number - 1].arguments)
        call = program.calls[number]
        for place, (name, argument) in enumerate(call.arguments):
            if argument.text is not None and before[name] != argument:
                arguments = (*call.arguments[:place], (name, before[name]), *call.arguments[place + 1 :])
                calls = (*program.calls[:number], replace(call, arguments=arguments), *program.calls[number + 1 :])
                yield subject.with_program(replace(program, calls=calls))
