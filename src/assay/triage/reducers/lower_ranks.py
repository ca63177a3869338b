"""Lower ranks: a dimension taken from inputs, together or one by one, with the attributes that name dimensions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from assay.ir.program import Input, Operation, Program
from assay.ir.types import TensorType
from assay.triage.registry import reducer
from assay.triage.rewriting import map_inputs, map_operations
from assay.triage.subject import Subject


@reducer("lower-ranks", order=54, sweep=False)
def lower_ranks(subject: Subject) -> Iterator[Subject]:
    """All inputs to 0 dimensions or 1; then a dimension of all, counted from either end; then one of one input."""
    program = subject.program
    ranks = {entry.name: entry.value.type.rank for entry in program.inputs if isinstance(entry.value.type, TensorType)}
    highest = max(ranks.values(), default=0)
    for rank in range(min(2, highest)):
        yield subject.with_program(map_inputs(program, _cut(lambda e, r=rank: tuple(range(max(e.rank - r, 0))))))  # type: ignore[misc]
    for position in range(highest):
        for at in (position, position - highest):
            dropped = map_inputs(program, _cut(lambda e, at=at: (at % e.rank,) if -e.rank <= at < e.rank else ()))  # type: ignore[misc]
            yield subject.with_program(_shifted(dropped, at))
            yield subject.with_program(dropped)
    for name, rank in ranks.items():
        for position in range(rank):
            one = map_inputs(program, _cut(lambda e, at=position: (at,), name))  # type: ignore[misc]
            yield subject.with_program(one)
            yield subject.with_program(_shifted(one, position))


def _cut(dropped: Callable[[TensorType], tuple[int, ...]], only: str | None = None) -> Callable[[Input], Input]:
    def change(entry: Input) -> Input:
        type_ = entry.value.type
        if not isinstance(type_, TensorType) or (only is not None and entry.name != only):
            return entry
        gone = dropped(type_)
        shape = tuple(size for position, size in enumerate(type_.shape) if position not in gone)
        return replace(entry, value=replace(entry.value, type=type_.with_shape(shape)))

    return change


def _shifted(program: Program, gone: int) -> Program:
    """Attributes that name dimensions counted from the end where one was lost, moved by one."""

    def move(value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int):
            return value
        if gone >= 0:
            return value - 1 if value > gone else value
        return value + 1 if value < gone else value

    def moved(name: str, value: Any) -> Any:
        if not name.startswith("dim"):
            return value
        return tuple(move(item) for item in value if item != gone) if isinstance(value, tuple) else move(value)

    def change(statement: Operation) -> Operation:
        return replace(statement, attributes=tuple((key, moved(key, value)) for key, value in statement.attributes))

    return map_operations(program, change)
