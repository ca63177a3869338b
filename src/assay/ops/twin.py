"""Twins of a program that tell a logic error from rounding (ORACLE.md, escalation of the inconclusive): every real
floating type made float64, or the inputs drawn anew so that its arithmetic is exact. The error persists in a twin,
rounding does not.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from assay.ir.program import KEPT, Block, Data, Operation, Program, Region, Statement, Value
from assay.ir.types import ContainerType, Dtype, TensorType, Type, is_complex, is_float, is_integral
from assay.ops.catalogue import load
from assay.ops.facts import Unsatisfied
from assay.ops.interpret import interpret


def in_float64(program: Program) -> Program:
    """The twin. Raises Unsatisfied where an operator does not take float64 in that place."""
    twin = replace(
        program,
        inputs=tuple(replace(entry, value=_value(entry.value)) for entry in program.inputs),
        body=tuple(_statement(statement) for statement in program.body),
    )
    return interpret(twin, load())[0]


SIMPLE = (Data(-1.0, 1.0, 3), Data(-2.0, 1.0, 4), Data(0.0, 1.0, 3), Data(1.0, 1.0, 3), Data(1.0, 1.0, 1))
"""Contents of floating inputs that leave arithmetic exact for longest."""


def drawn_exactly(program: Program) -> tuple[Program, tuple[str, ...]] | None:
    """The program with simple contents in every floating input, and the paths of its exact outputs, as many as may be.

    None where no output can be made exact. A path is "output 0", as the oracles name it; only tuples of tensors have
    them.
    """
    best: tuple[Program, tuple[str, ...]] | None = None
    for data in SIMPLE:
        try:
            drawn, environment = interpret(_with_data(program, data), load())
        except Unsatisfied:
            continue
        outputs = drawn.outputs[1] if not isinstance(drawn.outputs, str) else (drawn.outputs,)
        exact = tuple(
            f"output {number}" if not isinstance(drawn.outputs, str) else "output"
            for number, name in enumerate(outputs)
            if isinstance(name, str) and environment.values[name].exact
        )
        if exact and (best is None or len(exact) > len(best[1])):
            best = drawn, exact
    return best


def _with_data(program: Program, data: Data) -> Program:
    floating = {
        entry.name
        for entry in program.inputs
        if isinstance(entry.value.type, TensorType) and not is_integral(entry.value.type.dtype)
    }
    calls = tuple(
        replace(
            call,
            arguments=tuple(
                (name, replace(argument, data=replace(data, multiplier=1, offset=argument.data.offset)))
                if name in floating and argument.data is not None
                else (name, argument)
                for name, argument in call.arguments
            ),
        )
        for call in program.calls
    )
    # That operands are in their domains is not assumed of these contents.
    return replace(program, calls=calls, values=KEPT)


def _dtype(name: str) -> str:
    """The widest dtype of its kind."""
    return "float64" if is_float(name) else "complex128" if is_complex(name) else name


def _type(type_: Type) -> Type:
    if isinstance(type_, TensorType):
        return type_.with_dtype(_dtype(type_.dtype))
    if isinstance(type_, ContainerType):
        return replace(type_, items=tuple(_type(item) for item in type_.items))
    return type_


def _value(value: Value) -> Value:
    return replace(value, type=_type(value.type))


def _attribute(value: Any) -> Any:
    return Dtype(_dtype(value.name)) if isinstance(value, Dtype) else value


def _statement(statement: Statement) -> Statement:
    results = tuple(_value(value) for value in statement.results)
    if isinstance(statement, Operation):
        attributes = tuple((name, _attribute(value)) for name, value in statement.attributes)
        name = load()[statement.operator].in_float64 or statement.operator
        return replace(statement, operator=name, attributes=attributes, results=results)
    if isinstance(statement, Region):
        return replace(statement, blocks=tuple(_block(block) for block in statement.blocks), results=results)
    return replace(statement, results=results)


def _block(block: Block) -> Block:
    return replace(
        block,
        statements=tuple(_statement(statement) for statement in block.statements),
        parameters=tuple(_value(parameter) for parameter in block.parameters),
    )
