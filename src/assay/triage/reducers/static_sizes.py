"""Sizes that differ between calls made constant: one instantiation in place of several."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from assay.triage.registry import reducer
from assay.triage.subject import Subject


@reducer("static-sizes", order=30, sweep=False)
def static_sizes(subject: Subject) -> Iterator[Subject]:
    """Each instantiation alone with the calls that use it, else with all calls; then each symbol made constant."""
    program = subject.program
    if program.instantiations > 1:
        for kept in range(program.instantiations):
            sizes = tuple((name, (values[kept],)) for name, values in program.sizes)
            own = tuple(replace(call, instantiation=0) for call in program.calls if call.instantiation == kept)
            every = tuple(replace(call, instantiation=0) for call in program.calls)
            for calls in dict.fromkeys((own, every)):
                yield subject.with_program(replace(program, sizes=sizes, instantiations=1, calls=calls))
    for name, values in program.sizes:
        if len(set(values)) > 1:
            for value in dict.fromkeys(values):
                constant = tuple((n, (value,) * len(v) if n == name else v) for n, v in program.sizes)
                yield subject.with_program(replace(program, sizes=constant))
