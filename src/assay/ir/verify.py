"""The verifier: what holds of every program at every step (names, scopes, storages, outputs, calls).

It knows the representation only; that operations meet their specifications is `assay.ops.interpret`'s part. Tests run
both after each step.
"""

from __future__ import annotations

from collections.abc import Sequence

from assay.ir.program import (
    Opaque,
    Operation,
    Program,
    Region,
    Statement,
    Value,
    operand_names,
    output_names,
)
from assay.ir.sizes import symbols_in
from assay.ir.types import FunctionType, TensorType

_BLOCKS = {"if": 2, "for": 1, "while": 1, "with": 1, "try": 1, "def": 1, "lambda": 1, "rewrite": 1}


class InvalidProgram(ValueError):
    """A program breaks a rule of the representation; the text says which."""


def verify(program: Program) -> None:
    """Raises InvalidProgram unless the program is well formed."""
    checker = _Checker(program)
    scope: dict[str, Value] = {}
    checker.definitions(program)
    for entry in program.inputs:
        checker.define(entry.value, scope)
        checker.expect(entry.role in ("argument", "parameter", "buffer"), f"input {entry.name} has role {entry.role}")
        checker.expect(entry.base is None or entry.base in scope, f"input {entry.name} is a view of no earlier input")
    checker.statements(program.body, scope)
    for name in output_names(program.outputs):
        checker.expect(name in scope, f"output {name} is not defined")
    names = {entry.name for entry in program.inputs}
    for name in program.watched:
        checker.expect(name in checker.globals, f"{name} is watched and not defined")
    for call in program.calls:
        checker.opaque_texts(call.before)
        checker.expect(0 <= call.instantiation < program.instantiations, "a call has no such instantiation")
        checker.expect({name for name, _ in call.arguments} == names, "a call does not pass exactly the inputs")
    checker.expect(bool(program.calls), "there is no call")
    for _, values in program.sizes:
        checker.expect(len(values) == program.instantiations, "a size lacks a value for an instantiation")


class _Checker:
    def __init__(self, program: Program) -> None:
        self.symbols = {name for name, _ in program.sizes}
        self.seen: set[str] = set()
        self.globals: set[str] = set()

    def definitions(self, program: Program) -> None:
        """What the module around the program defines, each after what it reads."""
        for statement in program.definitions:
            self.opaque_texts((statement,))
            self.globals |= set(statement.writes)

    def opaque_texts(self, statements: Sequence[Opaque]) -> None:
        for statement in statements:
            for name in statement.reads:
                self.expect(name in self.globals, f"{name} is used before it is defined")

    def expect(self, condition: bool, what: str) -> None:
        if not condition:
            raise InvalidProgram(what)

    def define(self, value: Value, scope: dict[str, Value]) -> None:
        self.expect(value.name not in self.seen, f"{value.name} is defined twice")
        self.seen.add(value.name)
        if isinstance(value.type, TensorType):
            self.expect(symbols_in(value.type.shape) <= self.symbols, f"{value.name} has a size of no known symbol")
        scope[value.name] = value

    def statements(self, statements: Sequence[Statement], scope: dict[str, Value]) -> None:
        for statement in statements:
            if isinstance(statement, Region):
                self.region(statement, scope)
            else:
                names = statement.reads if isinstance(statement, Opaque) else statement.operands
                for operand in names:
                    for name in operand_names(operand):
                        known = name in scope or (isinstance(statement, Opaque) and name in self.globals)
                        self.expect(known, f"{name} is used before it is defined")
            if isinstance(statement, Operation):
                self.operation(statement, scope)
            for value in statement.results:
                self.define(value, scope)

    def operation(self, statement: Operation, scope: dict[str, Value]) -> None:
        if statement.form == "inplace":
            target = statement.operands[0]
            self.expect(isinstance(target, str), "an in-place operation writes no value")
            if isinstance(target, str) and statement.results:
                storage = scope[target].storage
                # A function's parameter has the storage of whatever a call passes.
                self.expect(
                    not storage or statement.results[0].storage == storage, "an in-place result has another storage"
                )
        if statement.out is not None:
            self.expect(statement.out in scope, f"{statement.out} is used before it is defined")

    def region(self, region: Region, scope: dict[str, Value]) -> None:
        self.expect(region.kind in _BLOCKS, f"unknown region {region.kind}")
        self.expect(len(region.blocks) == _BLOCKS.get(region.kind), f"wrong number of blocks in {region.kind}")
        for operand in region.operands:
            for name in operand_names(operand):
                self.expect(name in scope, f"{name} is used before it is defined")
        for block in region.blocks:
            inner = dict(scope)
            for parameter in block.parameters:
                self.define(parameter, inner)
            self.statements(block.statements, inner)
            for name in block.results:
                self.expect(name in inner, f"a block yields {name}, which is not defined")
            if region.kind == "rewrite":
                self.expect("transform" in dict(region.attributes), "a rewrite names no transform")
                self.expect(len(block.results) <= len(region.results), "a block yields too many values")
            elif region.kind not in ("def", "lambda"):
                self.expect(len(block.results) == len(region.results), "a block yields too few or too many values")
        if region.kind in ("for", "while"):
            count = len(region.operands)
            self.expect(len(region.blocks[0].parameters) == count + 1, "a loop carries what it was not given")
            self.expect(len(region.results) == count, "a loop yields what it does not carry")
        if region.kind in ("def", "lambda"):
            self.expect(len(region.results) == 1, "a function has one name")
            self.expect(isinstance(region.results[0].type, FunctionType), "a function's value is no function")
