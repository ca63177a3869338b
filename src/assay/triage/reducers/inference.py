"""Training and gradients taken away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from assay.ir.program import Argument, Input
from assay.triage.registry import reducer
from assay.triage.rewriting import map_arguments
from assay.triage.subject import Subject


@reducer("inference", order=32)
def inference(subject: Subject) -> Iterator[Subject]:
    """No training at all, then no gradient for one input after another."""
    program = subject.program
    if not program.training:
        return
    yield subject.with_program(replace(program, training=False))
    for entry in program.inputs:
        if any(call.argument(entry.name).requires_grad for call in program.calls):

            def change(other: Input, argument: Argument, name: str = entry.name) -> Argument:
                return replace(argument, requires_grad=False) if other.name == name else argument

            yield subject.with_program(map_arguments(program, change))
