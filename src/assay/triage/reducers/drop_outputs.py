"""Fewer outputs: a half of them, a quarter, one alone; then each left out."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from assay.ir.program import Tree, output_names
from assay.triage.registry import reducer
from assay.triage.subject import Subject


@reducer("drop-outputs", order=14, sweep=False)
def drop_outputs(subject: Subject) -> Iterator[Subject]:
    """Parts of the outputs kept, from halves to single ones, then all but one."""
    program = subject.program
    count = len(output_names(program.outputs))
    size = (count + 1) // 2
    while 0 < size < count:
        for start in range(0, count, size):
            yield subject.with_program(replace(program, outputs=_kept(program.outputs, range(start, start + size))))
        if size == 1:
            break
        size = (size + 1) // 2
    if count > 2:
        for left_out in range(count):
            kept = [number for number in range(count) if number != left_out]
            yield subject.with_program(replace(program, outputs=_kept(program.outputs, kept)))


def _kept(tree: Tree, numbers: Collection[int]) -> Tree:
    counter = iter(range(len(output_names(tree))))

    def prune(part: Tree) -> Tree | None:
        if isinstance(part, str):
            return part if next(counter) in numbers else None
        kind, items, keys = part
        kept = [(item, position) for position, each in enumerate(items) if (item := prune(each)) is not None]
        if not kept:
            return None
        return (kind, tuple(item for item, _ in kept), tuple(keys[position] for _, position in kept) if keys else ())

    return prune(tree) or ("tuple", (), ())
