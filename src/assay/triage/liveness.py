"""Dead code: what an edit made useless goes with it; what was useless before stays until a reducer takes it out.

A compiler may stumble over code whose results nobody reads, so that such code is not removed on the side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from assay.ir.program import (
    Opaque,
    Operation,
    Program,
    PythonOperation,
    Region,
    Statement,
    mentioned,
    operand_names,
    operations,
    output_names,
    reads,
    texts_of,
    walk,
)
from assay.ir.sizes import symbols_in
from assay.ops.catalogue import load
from assay.triage.rewriting import values_of, without_inputs


def may_write(statement: Statement, functions: frozenset[str]) -> bool:
    """Whether a statement may change what others see, beyond its results; ``functions`` are those that do."""
    match statement:
        case Operation():
            return bool(written_names(statement))
        case PythonOperation(kind="call"):
            return statement.operands[0] in functions
        case PythonOperation():
            return statement.kind == "append"
        case Region():
            return any(may_write(inner, functions) for block in statement.blocks for inner in block.statements)
        case Opaque():
            return True


def writing_functions(program: Program) -> frozenset[str]:
    """The names of the program's own functions that may change what they are given or see."""
    found: frozenset[str] = frozenset()
    for statement in walk(program.body):
        if isinstance(statement, Region) and statement.kind in ("def", "lambda") and may_write(statement, found):
            found |= {statement.results[0].name}
    return found


def written_names(statement: Operation) -> list[str]:
    """The values that an operation writes into: its target, out=, the operands that its specification names."""
    operator = load()[statement.operator]
    operands = [statement.operands[operator.index[name]] for name in operator.writes]
    if statement.form == "inplace":
        operands.append(statement.operands[0])
    return [name for name in (*operands, statement.out) if isinstance(name, str)]


class _Liveness:
    def __init__(self, program: Program, spared: frozenset[str]) -> None:
        self.storage = {value.name: value.storage or value.name for value in values_of(program)}
        self.visible = {self.storage[entry.name] for entry in program.inputs}
        self.live = set(output_names(program.outputs))
        self.spared = spared
        self.functions = writing_functions(program)

    def needs(self, statement: Statement, inner: bool) -> bool:
        names = {value.name for value in statement.results}
        if not names or names & (self.live | self.spared):
            return True
        if not may_write(statement, self.functions) or (
            isinstance(statement, Region) and statement.kind in ("def", "lambda")
        ):
            return False
        targets = written_names(statement) if isinstance(statement, Operation) else []
        if inner or not targets:
            return True
        seen = self.visible | {self.storage.get(name, name) for name in self.live}
        return any(self.storage.get(target, target) in seen for target in targets)

    def block(self, statements: Sequence[Statement], inner: bool = False) -> tuple[Statement, ...]:
        kept: list[Statement] = []
        for statement in reversed(statements):
            if not self.needs(statement, inner):
                continue
            if isinstance(statement, Region):
                for block in statement.blocks:
                    self.live |= set(block.results)
                blocks = tuple(replace(b, statements=self.block(b.statements, True)) for b in statement.blocks)
                statement = replace(statement, blocks=blocks)
            self.live |= set(reads(statement))
            kept.append(statement)
        return tuple(reversed(kept))


def unneeded(program: Program) -> frozenset[str]:
    """Names of results of statements that nothing needs, and of inputs that nothing reads."""
    cleaned = without_dead(program)
    kept = {value.name for value in values_of(cleaned)}
    return frozenset(value.name for value in values_of(program) if value.name not in kept)


def without_dead(program: Program, spared: frozenset[str] = frozenset()) -> Program:
    """The program without what nothing needs, statements that define ``spared`` names and their operands excepted."""
    liveness = _Liveness(program, spared)
    program = replace(program, body=liveness.block(program.body))
    used = liveness.live | spared
    symbols = _symbols(program)
    while True:
        bases = {entry.base for entry in program.inputs if entry.name in used and entry.base} - used
        if not bases:
            break
        used |= bases
    used |= {f"n_{symbol}" for symbol in symbols}
    program = _without_definitions(program)
    for call in reversed(program.calls):
        for name, argument in reversed(call.arguments):
            if name in used and argument.text is not None:
                used |= mentioned(argument.text)
    useless = {entry.name for entry in program.inputs if entry.name not in used}
    return without_unused_sizes(without_inputs(program, useless))


def _without_definitions(program: Program) -> Program:
    """The program without what its module defines and nothing mentions."""
    if not program.definitions:
        return program
    text = {name for each in texts_of(program) for name in mentioned(each)} | set(program.watched)
    text |= {name for statement in walk(program.body) for name in reads(statement)}
    kept: list[Opaque] = []
    for statement in reversed(program.definitions):
        if text & set(statement.writes):
            kept.append(statement)
            text |= set(statement.reads)
    return replace(program, definitions=tuple(reversed(kept)))


def without_unused_sizes(program: Program) -> Program:
    """The program without size symbols that nothing has."""
    symbols = _symbols(program)
    return replace(program, sizes=tuple((name, values) for name, values in program.sizes if name in symbols))


def _symbols(program: Program) -> set[str]:
    found: set[str] = set()
    for value in values_of(program):
        found |= symbols_in(getattr(value.type, "shape", ()))
    for statement in walk(program.body):
        if not isinstance(statement, Opaque):
            found |= symbols_in(statement.operands) | symbols_in(tuple(value for _, value in statement.attributes))
    return found


def uses(program: Program) -> dict[str, int]:
    """How often each value is used."""
    count: dict[str, int] = {}
    for name in output_names(program.outputs):
        count[name] = count.get(name, 0) + 1
    for statement in walk(program.body):
        if isinstance(statement, Region):
            names = [name for operand in statement.operands for name in operand_names(operand)]
            names += [name for block in statement.blocks for name in block.results]
        else:
            names = reads(statement)
        for name in names:
            count[name] = count.get(name, 0) + 1
    return count


def unpromised(program: Program) -> frozenset[str]:
    """Results whose values are nobody's promise, the index of one among equals say, and that are used all the same."""
    operators, used = load(), uses(program)
    found = (
        statement.results[position].name
        for statement in operations(program)
        for position in operators[statement.operator].unpromised
    )
    return frozenset(name for name in found if used.get(name))
