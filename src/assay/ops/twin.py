"""The float64 twin of a program: every real floating type made float64, everything else as it was.

A logic error of a compiler persists in the twin, rounding does not (ORACLE.md, escalation of the inconclusive).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from assay.ir.program import Block, Operation, Program, Region, Statement, Value
from assay.ir.types import ContainerType, Dtype, TensorType, Type, is_float
from assay.ops.catalogue import load
from assay.ops.interpret import interpret


def in_float64(program: Program) -> Program:
    """The twin. Raises Unsatisfied where an operator does not take float64 in that place."""
    twin = replace(
        program,
        inputs=tuple(replace(entry, value=_value(entry.value)) for entry in program.inputs),
        body=tuple(_statement(statement) for statement in program.body),
    )
    return interpret(twin, load())[0]


def _type(type_: Type) -> Type:
    if isinstance(type_, TensorType) and is_float(type_.dtype):
        return type_.with_dtype("float64")
    if isinstance(type_, ContainerType):
        return replace(type_, items=tuple(_type(item) for item in type_.items))
    return type_


def _value(value: Value) -> Value:
    return replace(value, type=_type(value.type))


def _attribute(value: Any) -> Any:
    return Dtype("float64") if isinstance(value, Dtype) and is_float(value.name) else value


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
