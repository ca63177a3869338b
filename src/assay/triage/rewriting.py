"""Edits of programs that reducers share: replace statements, substitute values, change inputs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from assay.ir.program import (
    Argument,
    Block,
    Input,
    Opaque,
    Operand,
    Operation,
    Program,
    PythonOperation,
    Region,
    Statement,
    Tree,
    Value,
    walk,
)
from assay.ir.sizes import Sym
from assay.ir.types import ScalarType, Type
from assay.ops.facts import Unsatisfied


def map_statements(
    statements: Sequence[Statement], change: Callable[[Statement], Sequence[Statement]]
) -> tuple[Statement, ...]:
    """Every statement replaced by what ``change`` makes of it, inner ones first."""
    result: list[Statement] = []
    for statement in statements:
        if isinstance(statement, Region):
            blocks = tuple(replace(b, statements=map_statements(b.statements, change)) for b in statement.blocks)
            statement = replace(statement, blocks=blocks)
        result += change(statement)
    return tuple(result)


def map_operations(program: Program, change: Callable[[Operation], Operation]) -> Program:
    """Every tensor operation replaced by what ``change`` makes of it."""

    def each(statement: Statement) -> Sequence[Statement]:
        return (change(statement) if isinstance(statement, Operation) else statement,)

    return replace(program, body=map_statements(program.body, each))


def replaced(program: Program, edits: Mapping[int, Sequence[Statement]]) -> Program:
    """Statements replaced by others; keys are numbers in the order of `walk`."""
    number = -1

    def block(statements: Sequence[Statement]) -> tuple[Statement, ...]:
        nonlocal number
        result: list[Statement] = []
        for statement in statements:
            number += 1
            if number in edits:
                result += edits[number]
                number += sum(1 for _ in walk((statement,))) - 1
            elif isinstance(statement, Region):
                blocks = tuple(replace(each, statements=block(each.statements)) for each in statement.blocks)
                result.append(replace(statement, blocks=blocks))
            else:
                result.append(statement)
        return tuple(result)

    return replace(program, body=block(program.body))


def substituted(program: Program, operands: Mapping[str, Operand]) -> Program:
    """Every use of some values replaced. Raises Unsatisfied where a use takes only a name, or is in opaque text."""
    return replace(
        program,
        body=substituted_statements(program.body, operands),
        outputs=map_tree(program.outputs, lambda name: _name(name, operands)),
    )


def substituted_statements(statements: Sequence[Statement], operands: Mapping[str, Operand]) -> tuple[Statement, ...]:
    """The same for statements alone."""

    def change(statement: Statement) -> Sequence[Statement]:
        match statement:
            case Operation():
                out = None if statement.out is None else _name(statement.out, operands)
                return (replace(statement, operands=_operands(statement.operands, operands), out=out),)
            case PythonOperation():
                return (replace(statement, operands=_operands(statement.operands, operands)),)
            case Region():
                blocks = tuple(
                    replace(block, results=tuple(_name(name, operands) for name in block.results))
                    for block in statement.blocks
                )
                return (replace(statement, operands=_operands(statement.operands, operands), blocks=blocks),)
            case Opaque():
                return (_in_text(statement, operands),)

    return map_statements(statements, change)


def _in_text(statement: Opaque, operands: Mapping[str, Operand]) -> Opaque:
    """Opaque text that reads other values. Raises Unsatisfied where it writes one, or where no name stands for it."""
    if operands.keys() & {*statement.writes}:
        raise Unsatisfied("opaque text writes the value")
    text, names = statement.text, []
    for name in statement.reads:
        other = _name(name, operands) if name in operands else name
        text = text if other == name else re.sub(rf"\b{name}\b", other, text)
        names.append(other)
    return replace(statement, text=text, reads=tuple(dict.fromkeys(names)))


def _operand(operand: Operand, operands: Mapping[str, Operand]) -> Operand:
    if isinstance(operand, str):
        seen = operand
        # A value may be replaced by one that is itself replaced.
        for _ in range(len(operands)):
            if seen not in operands:
                return seen
            following = operands[seen]
            if not isinstance(following, str):
                return following
            seen = following
        return seen
    if isinstance(operand, tuple):
        return tuple(_operand(item, operands) for item in operand)
    return operand


def _operands(found: tuple[Operand, ...], operands: Mapping[str, Operand]) -> tuple[Operand, ...]:
    return tuple(_operand(operand, operands) for operand in found)


def _name(name: str, operands: Mapping[str, Operand]) -> str:
    result = _operand(name, operands)
    if not isinstance(result, str):
        raise Unsatisfied("only a value can stand here")
    return result


def map_tree(tree: Tree, change: Callable[[str], str]) -> Tree:
    """A nest of outputs with other names."""
    if isinstance(tree, str):
        return change(tree)
    kind, items, keys = tree
    return (kind, tuple(map_tree(item, change) for item in items), keys)


def map_inputs(program: Program, change: Callable[[Input], Input]) -> Program:
    """The program with other inputs of the same names."""
    return replace(program, inputs=tuple(change(entry) for entry in program.inputs))


def map_arguments(program: Program, change: Callable[[Input, Argument], Argument]) -> Program:
    """The program with other things passed to it."""
    table = {entry.name: entry for entry in program.inputs}
    calls = tuple(
        replace(call, arguments=tuple((name, change(table[name], argument)) for name, argument in call.arguments))
        for call in program.calls
    )
    return replace(program, calls=calls)


def with_input(program: Program, entry: Input, argument: Argument) -> Program:
    """The program with one more input, passed the same in every call."""
    calls = tuple(replace(call, arguments=(*call.arguments, (entry.name, argument))) for call in program.calls)
    return replace(program, inputs=(*program.inputs, entry), calls=calls)


def without_inputs(program: Program, names: set[str] | frozenset[str]) -> Program:
    """The program without some of its inputs."""
    inputs = tuple(entry for entry in program.inputs if entry.name not in names)
    calls = tuple(
        replace(call, arguments=tuple((name, a) for name, a in call.arguments if name not in names))
        for call in program.calls
    )
    return replace(program, inputs=inputs, calls=calls)


def values_of(program: Program) -> Iterator[Value]:
    """Every value: inputs, results, parameters of blocks."""
    for entry in program.inputs:
        yield entry.value
    for statement in walk(program.body):
        yield from statement.results
        if isinstance(statement, Region):
            for block in statement.blocks:
                yield from block.parameters


def types_of(program: Program) -> dict[str, Type]:
    """The type of every value, by name."""
    return {value.name: value.type for value in values_of(program)}


def type_of(operand: Operand, types: Mapping[str, Type]) -> Type | tuple[Type | None, ...] | None:
    """The type of an operand: a tuple for a list of them, None for one left out."""
    if operand is None:
        return None
    if isinstance(operand, str):
        return types.get(operand)
    if isinstance(operand, tuple):
        found = (type_of(item, types) for item in operand)
        return tuple(item for item in found if not isinstance(item, tuple))
    if isinstance(operand, int | Sym):
        return ScalarType("int")
    return ScalarType(type(operand.value).__name__)


def renamed_block(block: Block, suffix: str) -> tuple[tuple[Statement, ...], tuple[str, ...]]:
    """The statements and results of a block with every value that it defines renamed, so that it can stand twice."""
    names = {value.name for statement in walk(block.statements) for value in statement.results}
    for statement in walk(block.statements):
        if isinstance(statement, Region):
            names |= {value.name for inner in statement.blocks for value in inner.parameters}
    return renamed(block.statements, {name: name + suffix for name in names}), tuple(
        name + suffix if name in names else name for name in block.results
    )


def renamed(statements: Sequence[Statement], names: Mapping[str, str]) -> tuple[Statement, ...]:
    """Statements with values renamed where they are defined and where they are used."""

    def value(old: Value) -> Value:
        storage = names.get(old.storage, old.storage)
        return replace(old, name=names.get(old.name, old.name), storage=storage)

    def define(statement: Statement) -> Sequence[Statement]:
        statement = replace(statement, results=tuple(value(result) for result in statement.results))
        if isinstance(statement, Region):
            blocks = tuple(
                replace(block, parameters=tuple(value(parameter) for parameter in block.parameters))
                for block in statement.blocks
            )
            statement = replace(statement, blocks=blocks)
        return (statement,)

    # A renaming is not chained: a -> b and b -> c leaves a as b.
    free = {old: f"\0{new}" for old, new in names.items()}
    back = {f"\0{new}": new for new in names.values()}
    return map_statements(substituted_statements(substituted_statements(statements, free), back), define)
