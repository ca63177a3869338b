"""Cutting a program: statements taken out, and what others still need of them passed as inputs of the same type."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import replace

from assay.ir.program import Argument, Data, Input, Program, Region, Value, output_names, reads
from assay.ir.sizes import largest
from assay.ir.types import ScalarType, TensorType, is_differentiable, is_integral
from assay.ops.facts import Facts
from assay.ops.interpret import Environment
from assay.triage.rewriting import with_input

NUMBERS = {"int": int, "float": float, "bool": bool}


def without_statements(program: Program, numbers: Collection[int], environment: Environment) -> Program | None:
    """The program without some outermost statements; None where others need what is no tensor or number of theirs."""
    kept = tuple(statement for number, statement in enumerate(program.body) if number not in numbers)
    needed = set(output_names(program.outputs))
    for statement in kept:
        needed |= set(reads(statement))
    result = replace(program, body=kept)
    for number in sorted(numbers):
        statement = program.body[number]
        if (
            isinstance(statement, Region)
            and statement.kind in ("def", "lambda")
            and statement.results[0].name in needed
        ):
            return None
        for value in statement.results:
            if value.name not in needed:
                continue
            argument = argument_for(program, value, environment)
            if argument is None:
                return None
            result = with_input(result, Input(replace(value, storage=value.name)), argument)
    return result


def argument_for(program: Program, value: Value, environment: Environment) -> Argument | None:
    """What may be passed in the place of a value, within what is known of it; None for a container or a function."""
    abstract = environment.values.get(value.name)
    facts = abstract.facts if abstract is not None else None
    type_ = abstract.type if abstract is not None else value.type
    if facts is None:
        return None
    if isinstance(type_, TensorType):
        first = program.calls[0]
        wanted = any(first.argument(entry.name).requires_grad for entry in program.inputs)
        grad = program.training and wanted and is_differentiable(type_.dtype)
        return Argument(data=data_for(type_, facts), requires_grad=grad)
    if isinstance(type_, ScalarType) and type_.kind in NUMBERS:
        return Argument(scalar=NUMBERS[type_.kind](facts.low))
    return None


def data_for(type_: TensorType, facts: Facts) -> Data:
    """Contents within the bounds of the facts, exact where those were: few small numbers, of both signs if allowed."""
    low, high = facts.low, facts.high
    if type_.dtype == "bool":
        return Data(0.0, 1.0, 2) if low < high else Data(low, 0.0, 1)
    if is_integral(type_.dtype):
        # As many different integers as there are elements, if the bounds allow: an index may have to be unique.
        count = min(int(high - low) + 1, max(7, largest(type_.elements)))
        start = min(max(-2.0, low), high - (count - 1))
        return Data(float(start), 1.0, max(count, 1))
    a, b = max(low, -2.0), min(high, 2.0)
    if a > b:
        a, b = (low, min(high, low + 2.0)) if low > 2 else (max(low, high - 2.0), high)
    for exponent in range(1, 14):
        step = 2.0**-exponent
        start = math.ceil(a / step) * step
        count = math.floor((b - start) / step) + 1
        if count >= 5:
            # An odd period, so that rows of equal length are not equal rows.
            return Data(start, step, min(count - 1 + count % 2, 9))
    return Data(a, 0.0, 1)


def chunks(count: int) -> Iterator[range]:
    """Ranges of ``range(count)`` to take out: halves, quarters, down to single ones; of each size the last first."""
    size = count // 2
    while size >= 1:
        for start in range(count - size, -size, -size):
            yield range(max(start, 0), start + size)
        size //= 2
