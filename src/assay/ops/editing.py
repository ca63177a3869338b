"""Edits of programs that transforms and reducers share: statements replaced, values substituted."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from assay.ir.program import Opaque, Operand, Operation, Program, PythonOperation, Region, Statement, Tree
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
