"""Typing a candidate anew: sizes resolved, storages, layouts and attributes mended, the whole interpreted and verified.

A reducer changes one thing. What has to follow from it (the dimension of a reduction whose operand lost one, the order
of a permuted layout) is mended here, so that reducers stay short and few candidates are lost. What cannot be mended is
no program, and nothing is run for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from assay.ir.program import (
    Argument,
    Call,
    Input,
    Layout,
    Operation,
    Program,
    PythonOperation,
    Region,
    Statement,
    Value,
    walk,
)
from assay.ir.sizes import Sym, evaluate, largest
from assay.ir.types import TensorType, is_differentiable
from assay.ir.verify import InvalidProgram, verify
from assay.ops.catalogue import load
from assay.ops.editing import map_statements
from assay.ops.facts import Unsatisfied, require
from assay.ops.interpret import Environment, Interpreter, input_facts
from assay.ops.protocol import MISSING, Operator, bind
from assay.triage.liveness import without_unused_sizes, written_names
from assay.triage.rewriting import map_inputs, type_of

TRIES = 40
MISFIT = (Unsatisfied, InvalidProgram, LookupError, ArithmeticError, ValueError, TypeError, AttributeError)
"""What a specification may raise of operands and attributes that do not meet it: its functions rely on each other's
requirements, and a candidate may break any of them.
"""


def typed(program: Program) -> Program | None:
    """The program with types, storages, layouts and attributes that fit; None where it cannot be made to."""
    try:
        program = _with_inputs(program)
        program = replace(program, body=map_statements(program.body, _as_def))
        program = _with_storages(program, load())
        program = without_unused_sizes(_interpreted(program))
        verify(program)
    except MISFIT:
        return None
    return program


def environment_of(program: Program) -> Environment:
    """What is known of the values of a program that is well typed. Raises Unsatisfied."""
    environment = _environment(program)
    _Mending(program, load()).block(program.body, environment)
    return environment


def _environment(program: Program) -> Environment:
    environment = Environment()
    for entry in program.inputs:
        abstract = input_facts(program, entry)
        if entry.base is not None:
            abstract = replace(abstract, facts=environment.values[entry.base].facts)
        environment.define(entry.value, abstract)
    return environment


def _interpreted(program: Program) -> Program:
    environment = _environment(program)
    return replace(program, body=_Mending(program, load()).block(program.body, environment))


class _Mending(Interpreter):
    """Interprets; where an operation does not take its attributes any more, it is given the first legal ones."""

    def __init__(self, program: Program, operators: Mapping[str, Operator]) -> None:
        super().__init__(operators, program.size_table, program.instantiations, program.values)

    def statement(self, statement: Statement, environment: Environment) -> Statement:
        """One statement, retyped and mended."""
        if not isinstance(statement, Operation) or not statement.attributes:
            return super().statement(statement, environment)
        try:
            return super().statement(statement, environment)
        except MISFIT:
            types = {name: abstract.type for name, abstract in environment.values.items()}
            for attributes in islice(alternatives(self.operators[statement.operator], statement, types), TRIES):
                try:
                    return super().statement(replace(statement, attributes=attributes), environment)
                except MISFIT:
                    continue
            raise


def legal_values(
    operator: Operator, statement: Operation, types: Mapping[str, Any], attributes: Mapping[str, Any], name: str
) -> list[Any]:
    """Legal values of one attribute, given the others: the default first, then class by class."""
    operands = [type_of(operand, types) for operand in statement.operands]
    bound = {key: value for key, value in attributes.items() if key != name}
    attribute = next(each for each in operator.attributes if each.name == name)
    binding = bind(operator, operands, bound)
    lists = [each for each in operands if isinstance(each, tuple) and each]
    if lists:
        binding.first = lists[0][0]  # type: ignore[attr-defined]
    try:
        classes = attribute.classes(binding)
    except MISFIT:
        return []
    found: list[Any] = []
    for kind in ("default", "boundary", "other", "negative"):
        found += [value for value in classes.get(kind, ()) if not any(_same(value, old) for old in found)]
    if attribute.default is not MISSING and any(_same(attribute.default, value) for value in found):
        found = [attribute.default, *(value for value in found if not _same(value, attribute.default))]
    return found


def _same(a: Any, b: Any) -> bool:
    return type(a) is type(b) and bool(a == b)


def alternatives(
    operator: Operator, statement: Operation, types: Mapping[str, Any]
) -> Iterator[tuple[tuple[str, Any], ...]]:
    """Other attributes for an operation: one changed, then all chosen in order."""
    present = dict(statement.attributes)
    for name in present:
        for value in legal_values(operator, statement, types, present, name)[:8]:
            if not _same(value, present[name]):
                yield tuple({**present, name: value}.items())
    chosen: dict[str, Any] = {}
    for name in present:
        legal = legal_values(operator, statement, types, chosen, name)
        chosen[name] = legal[0] if legal else present[name]
    yield tuple(chosen.items())


def _with_inputs(program: Program) -> Program:
    """Sizes of the inputs evaluated under the present table; layouts and aliases that still have a meaning."""
    table = program.size_table

    def sized(entry: Input) -> Input:
        type_ = entry.value.type
        if not isinstance(type_, TensorType):
            return entry
        shape = tuple(
            evaluate(size.expr, table, program.instantiations) if isinstance(size, Sym) else size
            for size in type_.shape
        )
        return replace(entry, value=replace(entry.value, type=type_.with_shape(shape)))

    program = map_inputs(program, sized)
    types = {entry.name: entry.value.type for entry in program.inputs}
    entries = {entry.name: entry for entry in program.inputs}

    def own(entry: Input) -> Input:
        if entry.base is None:
            return entry
        layout = program.calls[0].argument(entry.name).layout
        if entry.base in entries and _aliases(types[entry.base], entry.value.type, layout):
            return entry
        return replace(entry, base=None, value=replace(entry.value, storage=entry.name))

    bases = {entry.name: entry.base for entry in program.inputs if entry.base is not None}
    program = map_inputs(program, own)
    aliased = {entry.name for entry in program.inputs if entry.base is not None}
    written = _written(program)

    def passed(call: Call, name: str, argument: Argument) -> Argument:
        type_ = types[name]
        if not isinstance(type_, TensorType):
            return argument
        layout = argument.layout
        if name not in aliased and (not _fits(layout, type_.rank) or layout.kind == "alias"):
            layout = Layout()
        grad = argument.requires_grad and is_differentiable(type_.dtype) and program.training and name not in written
        data = argument.data
        if data is None and name not in aliased:
            passed_too = dict(call.arguments)
            while data is None and name in bases and bases[name] in passed_too:
                name = bases[name]
                data = passed_too[name].data
            require(data is not None, "an input has no contents")
        return replace(argument, layout=layout, requires_grad=grad, data=data)

    calls = tuple(
        replace(call, arguments=tuple((name, passed(call, name, argument)) for name, argument in call.arguments))
        for call in program.calls
    )
    return replace(program, calls=calls)


def _as_def(statement: Statement) -> Sequence[Statement]:
    """A lambda whose body is an expression no longer is a function with a name."""
    if isinstance(statement, Region) and statement.kind == "lambda":
        block = statement.blocks[0]
        single = block.statements[0] if len(block.statements) == 1 else None
        names = tuple(value.name for value in single.results) if isinstance(single, Operation) else ()
        if names != block.results:
            return (replace(statement, kind="def"),)
    return (statement,)


def _written(program: Program) -> set[str]:
    """Values that an operation writes into directly: a leaf that asks for a gradient may not be."""
    found = (written_names(each) for each in walk(program.body) if isinstance(each, Operation))
    return {name for names in found for name in names}


def _aliases(base: Any, type_: Any, layout: Layout) -> bool:
    """Whether a view with this layout has this type."""
    if not isinstance(base, TensorType) or not isinstance(type_, TensorType) or base.dtype != type_.dtype:
        return False
    if layout.order:
        return sorted(layout.order) == list(range(base.rank)) and type_.shape == tuple(
            base.shape[position] for position in layout.order
        )
    if layout.offset or layout.step > 1:
        return (
            base.rank == type_.rank > 0
            and base.shape[1:] == type_.shape[1:]
            and largest(type_.shape[0] + layout.offset) <= largest(base.shape[0])
        )
    return base.shape == type_.shape


def _fits(layout: Layout, rank: int) -> bool:
    if layout.kind == "permuted":
        return sorted(layout.order) == list(range(rank))
    if layout.kind == "expanded":
        return bool(layout.order) and all(position < rank for position in layout.order)
    if layout.kind == "channels_last":
        return rank in (4, 5)
    return layout.kind == "contiguous" or rank > 0


def _with_storages(program: Program, operators: Mapping[str, Operator]) -> Program:
    """Storages as they follow from the forms: a view has that of its base, an in-place result that of its target."""
    storage: dict[str, str] = {}
    for entry in program.inputs:
        storage[entry.name] = storage[entry.base] if entry.base else entry.value.storage or entry.name
    inputs = tuple(replace(e, value=replace(e.value, storage=storage[e.name])) for e in program.inputs)
    claimed = set(storage.values())

    def each(statement: Statement) -> Sequence[Statement]:
        base = _base(statement, operators)
        results: list[Value] = []
        for value in statement.results:
            if base is not None and base in storage:
                where = storage[base]
            elif isinstance(statement, Operation):
                where = value.storage if value.storage and value.storage not in claimed else value.name
            else:
                where = value.storage
            if where:
                storage[value.name] = where
                claimed.add(where)
            results.append(replace(value, storage=where))
        return (replace(statement, results=tuple(results)),)

    return replace(program, inputs=inputs, body=map_statements(program.body, each))


def _base(statement: Statement, operators: Mapping[str, Operator]) -> str | None:
    if isinstance(statement, PythonOperation):
        first = statement.operands[0] if statement.kind == "rename" else None
        return first if isinstance(first, str) else None
    if not isinstance(statement, Operation):
        return None
    if statement.out is not None:
        return statement.out
    operator = operators[statement.operator]
    name = operator.view or operator.maybe_view
    position = 0 if statement.form == "inplace" else None if name is None else operator.index[name]
    operand = None if position is None else statement.operands[position]
    return operand if isinstance(operand, str) else None
