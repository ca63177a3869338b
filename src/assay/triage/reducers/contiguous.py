"""Inputs that lie contiguously in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from assay.ir.program import Argument, Input, Layout
from assay.triage.registry import reducer
from assay.triage.rewriting import map_arguments
from assay.triage.subject import Subject


@reducer("contiguous", order=38)
def contiguous(subject: Subject) -> Iterator[Subject]:
    """All inputs, then one after another."""
    program = subject.program
    plain = Layout()
    names = [
        entry.name
        for entry in program.inputs
        if entry.base is None and any(call.argument(entry.name).layout != plain for call in program.calls)
    ]
    for chosen in ([set(names)] if len(names) > 1 else []) + [{name} for name in names]:

        def change(entry: Input, argument: Argument, chosen: set[str] = chosen) -> Argument:
            return replace(argument, layout=plain) if entry.name in chosen else argument

        yield subject.with_program(map_arguments(program, change))
