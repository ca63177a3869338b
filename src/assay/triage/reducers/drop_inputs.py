"""Fewer inputs: those that nothing reads left out, two of one type made one."""

from __future__ import annotations

from collections.abc import Iterator

from assay.ir.types import TensorType
from assay.ops.editing import substituted
from assay.ops.facts import Unsatisfied
from assay.triage.liveness import uses
from assay.triage.registry import reducer
from assay.triage.rewriting import without_inputs
from assay.triage.subject import Subject


@reducer("drop-inputs", order=22)
def drop_inputs(subject: Subject) -> Iterator[Subject]:
    """Unused inputs together and one by one; then one input in the place of another."""
    program = subject.program
    used = uses(program)
    bases = {entry.base for entry in program.inputs}
    unused = [entry.name for entry in program.inputs if not used.get(entry.name) and entry.name not in bases]
    if len(unused) > 1:
        yield subject.with_program(without_inputs(program, set(unused)))
    for name in unused:
        yield subject.with_program(without_inputs(program, {name}))
    tensors = [entry for entry in program.inputs if isinstance(entry.value.type, TensorType)]
    for number, entry in enumerate(tensors):
        for other in tensors[:number]:
            if other.value.type == entry.value.type and entry.name not in bases:
                try:
                    merged = substituted(program, {entry.name: other.name})
                except Unsatisfied:
                    continue
                yield subject.with_program(without_inputs(merged, {entry.name}))
