"""Lower sizes: of everything at once, of all dimensions of one size, of one dimension.

A kernel's vector width decides whether its main loop or its tail is met: hence powers of two and their neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from assay.ir.program import Argument, Data, Input, Operand, Operation, Program
from assay.ir.types import TensorType, is_integral
from assay.triage.registry import reducer
from assay.triage.rewriting import map_arguments, map_inputs, map_operations
from assay.triage.subject import Subject

TRIED = (1, 2, 3, 4, 5, 8, 9, 16, 17, 32, 33)


@reducer("lower-sizes", order=56)
def lower_sizes(subject: Subject) -> Iterator[Subject]:
    """All sizes to 1, 2 and 3; then each size wherever it occurs; then each dimension."""
    program = subject.program
    sizes = sorted({size for entry in program.inputs for size in _shape(entry) if isinstance(size, int) and size > 1})
    if len(sizes) > 1 or program.sizes:
        for least in (1, 2, 3):
            lowered = _everywhere(program, {size: min(size, least) for size in sizes}, multiples=False)
            table = tuple((name, _lowered(values, least)) for name, values in program.sizes)
            yield from _with_indices(subject, replace(lowered, sizes=table), least)
    for name, values in program.sizes:
        for smaller in smaller_sizes(min(values)):
            table = tuple((n, _lowered(v, smaller) if n == name else v) for n, v in program.sizes)
            yield from _with_indices(subject, replace(program, sizes=table), smaller)
    for size in reversed(sizes):
        for smaller in smaller_sizes(size):
            yield from _with_indices(subject, _everywhere(program, {size: smaller}, multiples=False), smaller)
            yield from _with_indices(subject, _everywhere(program, {size: smaller}, multiples=True), smaller)
    for entry in program.inputs:
        for position, size in enumerate(_shape(entry)):
            if isinstance(size, int):
                for smaller in smaller_sizes(size):
                    change = _one(entry.name, position, smaller)
                    yield from _with_indices(subject, map_inputs(program, change), smaller)


def smaller_sizes(size: int) -> list[int]:
    """Sizes to try in the place of one: from 1 up, the half, and one less."""
    return sorted({each for each in (*TRIED, size // 2, size - 1) if 0 < each < size})


def _shape(entry: Input) -> tuple[Any, ...]:
    return entry.value.type.shape if isinstance(entry.value.type, TensorType) else ()


def _lowered(values: tuple[int, ...], least: int) -> tuple[int, ...]:
    """The least value lowered to ``least`` and the others by as much, so that they still differ."""
    by = min(values) - least
    return values if by <= 0 else tuple(value - by for value in values)


def _everywhere(program: Program, sizes: dict[int, int], multiples: bool) -> Program:
    """Sizes of inputs, and numbers of attributes and operands equal to one, or with ``multiples`` a product of it."""

    def number(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(number(item) for item in value)
        if isinstance(value, bool) or not isinstance(value, int):
            return value
        if value in sizes:
            return sizes[value]
        if multiples and len(sizes) == 1 and value > 0:
            (old, new), *_ = sizes.items()
            return value // old * new if value % old == 0 else value
        return value

    def operand(value: Operand) -> Operand:
        if isinstance(value, tuple):
            return tuple(operand(item) for item in value)
        return number(value) if isinstance(value, int) else value

    def operation(statement: Operation) -> Operation:
        attributes = tuple(
            (key, value if key.startswith("dim") else number(value)) for key, value in statement.attributes
        )
        return replace(statement, attributes=attributes, operands=tuple(operand(each) for each in statement.operands))

    def entry(old: Input) -> Input:
        if not isinstance(old.value.type, TensorType):
            return old
        return replace(old, value=replace(old.value, type=old.value.type.with_shape(number(old.value.type.shape))))

    return map_operations(map_inputs(program, entry), operation)


def _one(name: str, position: int, size: int) -> Callable[[Input], Input]:
    def change(entry: Input) -> Input:
        type_ = entry.value.type
        if entry.name != name or not isinstance(type_, TensorType):
            return entry
        shape = (*type_.shape[:position], size, *type_.shape[position + 1 :])
        return replace(entry, value=replace(entry.value, type=type_.with_shape(shape)))

    return change


def _with_indices(subject: Subject, program: Program, bound: int) -> Iterator[Subject]:
    """The program, and the same with its integers below the new size: one of the two has its indices in range."""
    yield subject.with_program(program)
    low = {
        entry.name
        for entry in program.inputs
        if isinstance(entry.value.type, TensorType) and is_integral(entry.value.type.dtype)
    }
    if low:

        def change(entry: Input, argument: Argument) -> Argument:
            data = argument.data
            if entry.name not in low or data is None or data.low + data.step * (data.modulus - 1) < bound:
                return argument
            return replace(argument, data=Data(0.0, 1.0, max(bound, 1)))

        yield subject.with_program(map_arguments(program, change))
