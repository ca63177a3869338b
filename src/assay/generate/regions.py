"""Compound statements: branches, loops, contexts, try blocks, inner functions with captures.

A region transforms one value into another of the same type, so that it fits anywhere: its body is generated like the
program itself and then led
back to the type by an operation that has it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from assay.generate.builder import Builder, Scope, Tracked
from assay.generate.propose import propose
from assay.ir.program import Block, Operand, Operation, PythonOperation, Region, Statement, Value, walk
from assay.ir.types import FunctionType, ScalarType, TensorType, is_float
from assay.ops.facts import Facts, Unsatisfied
from assay.ops.interpret import Abstract
from assay.ops.python_forms import TESTS

CONTEXTS = (
    "torch.no_grad()",
    "torch.enable_grad()",
    'torch.autocast("cpu", enabled=False)',
    "torch.set_grad_enabled(TRAINING)",
)
KINDS = ("if", "if", "for", "for", "while", "with", "try", "def", "def", "lambda")
Next = Callable[[], str]


def add_region(builder: Builder, next_operator: Next) -> bool:
    """Append a region around a visible value; False where none could be built, in which case the program is as
    before."""
    candidates = [
        name
        for name in builder.visible()[-8:]
        if builder.tracked[name].promised and not (builder.tracked[name].leaf and builder.tracked[name].overlaps)
    ]
    if not candidates:
        return False
    carried = builder.rng.choice(candidates)
    kind = builder.rng.choice([kind for kind in KINDS if kind in builder.dialect.regions])
    mark = (len(builder.scope.statements), len(builder.scope.names))
    try:
        if kind == "if":
            return _if(builder, carried, next_operator)
        if kind in ("for", "while"):
            return _loop(builder, kind, carried, next_operator)
        if kind in ("with", "try"):
            return _context(builder, kind, carried, next_operator)
        return _function(builder, kind, carried, next_operator)
    except Unsatisfied:
        del builder.scope.statements[mark[0] :]
        del builder.scope.names[mark[1] :]
        return False


def _body(builder: Builder, scope: Scope, start: str, next_operator: Next, operations: int) -> str:
    """Generate a block's statements; the name of a value of the type of ``start``."""
    wanted = builder.environment.values[start].type
    assert isinstance(wanted, TensorType)
    current = start
    # Nothing that was written into another value of outside (out=): the result's storage would be two.
    others = set(builder.environment.storage.values()) - {builder.environment.storage[start]}
    for _ in range(operations):
        made = propose(builder, builder.operators[next_operator()])
        if made is not None:
            current = made[0]
    storage = builder.environment.storage
    if builder.environment.values[current].type == wanted and current != start and storage[current] not in others:
        return current
    for _ in range(6):
        operator = builder.operators[next_operator()]
        made = propose(builder, operator, first=start, wanted=wanted)
        if made is not None and storage[made[0]] not in others:
            return made[0]
    for name in ("unary.relu", "unary.neg", "unary.abs", "unary.logical_not"):
        if name in builder.policy.operators and name in builder.operators:
            made = propose(builder, builder.operators[name], first=start, wanted=wanted)
            if made is not None and storage[made[0]] not in others:
                return made[0]
    raise Unsatisfied("nothing leads back to the type")


def _condition(builder: Builder, carried: str) -> str:
    """A Python truth value of a Python argument and a tensor's properties, so that both outcomes occur over the
    calls."""
    form = builder.rng.choice(TESTS)
    builder.dialect.check_test(form, builder.environment.values[carried].type)
    number = builder.add_scalar("int")
    return builder.add_python("test", (number, carried), {"form": form})


def _finish(builder: Builder, region: Region, carried: str) -> bool:
    """Interpret the region as a whole, which also bounds what loops may reach, and append it."""
    training = builder.policy.training
    retyped = builder.interpreter.statement(region, builder.environment)
    builder.scope.statements.append(retyped)
    builder.tracked[carried].uses += 1
    for value in retyped.results:
        if isinstance(value.type, TensorType):
            grad = training and is_float(value.type.dtype)
            builder.tracked[value.name] = Tracked(grad=grad, leaf=builder.tracked[carried].leaf, overlaps=True)
            builder.scope.names.append(value.name)
    if training:
        # What the body read may have been saved; nothing is known in detail.
        builder.saved |= set(builder.environment.storage.values())
    return True


def _result(builder: Builder, carried: str) -> Value:
    """The region's result: it may be the carried value itself, so it shares the storage."""
    return Value(builder.name(), builder.environment.values[carried].type, builder.environment.storage[carried])


def _if(builder: Builder, carried: str, next_operator: Next) -> bool:
    condition = _condition(builder, carried)
    blocks = []
    for operations in (builder.rng.randint(1, 2), builder.rng.randint(0, 1)):
        with builder.block() as scope:
            result = carried
            if operations or builder.rng.random() < 0.5:
                result = _body(builder, scope, carried, next_operator, operations)
            blocks.append(Block(tuple(scope.statements), (result,)))
    if builder.rng.random() < 0.3:
        blocks.reverse()
    region = Region("if", (condition,), (), tuple(blocks), (_result(builder, carried),))
    return _finish(builder, region, carried)


def _loop(builder: Builder, kind: str, carried: str, next_operator: Next) -> bool:
    trips = builder.rng.choice((0, 1, 2, 2, 3))
    abstract = builder.environment.values[carried]
    counter = Value(builder.name("i"), ScalarType("int"))
    parameter = Value(builder.name("c"), abstract.type, builder.environment.storage[carried])
    with builder.block() as scope:
        builder.environment.define(counter, Abstract(counter.type, Facts(0, max(trips - 1, 0), 0)))
        builder.environment.define(parameter, abstract)
        builder.tracked[parameter.name] = replace(builder.tracked[carried], overlaps=True)
        scope.names.append(parameter.name)
        builder.repeats += 1
        try:
            result = _body(builder, scope, parameter.name, next_operator, builder.rng.randint(0, 1))
        finally:
            builder.repeats -= 1
        block = Block(tuple(scope.statements), (result,), (counter, parameter))
    region = Region(kind, (carried,), (("trips", trips),), (block,), (_result(builder, carried),))
    return _finish(builder, region, carried)


def _context(builder: Builder, kind: str, carried: str, next_operator: Next) -> bool:
    with builder.block() as scope:
        result = _body(builder, scope, carried, next_operator, builder.rng.randint(1, 2))
        block = Block(tuple(scope.statements), (result,))
    if kind == "with":
        contexts = [
            text for text in CONTEXTS if not (builder.policy.training and "grad" in text and "TRAINING" not in text)
        ]
        attributes: tuple[tuple[str, str], ...] = (("context", builder.rng.choice(contexts)),)
    else:
        attributes = (("shape", builder.rng.choice(("finally", "except"))),)
    region = Region(kind, (), attributes, (block,), (_result(builder, carried),))
    return _finish(builder, region, carried)


def _function(builder: Builder, kind: str, carried: str, next_operator: Next) -> bool:
    abstract = builder.environment.values[carried]
    parameter = Value(builder.name("a"), abstract.type, builder.environment.storage[carried])
    with builder.block() as scope:
        builder.environment.define(parameter, abstract)
        builder.tracked[parameter.name] = replace(builder.tracked[carried], overlaps=True)
        scope.names.append(parameter.name)
        operations = 0 if kind == "lambda" else builder.rng.randint(1, 2)
        builder.repeats += 1
        try:
            result = _body(builder, scope, parameter.name, next_operator, operations)
        finally:
            builder.repeats -= 1
        statements = tuple(scope.statements)
        wrapped = _is_wrappable(builder, abstract.type, result, statements)
    if kind == "lambda" and not _is_expression(statements):
        kind = "def"
    block = Block(statements, (result,), (replace(parameter, storage=""),))
    name = builder.name("f")
    region = Region(kind, (), (), (block,), (Value(name, FunctionType((abstract.type,), ())),))
    defined = builder.interpreter.statement(region, builder.environment)
    calls: list[PythonOperation] = []
    arguments: list[Operand] = [carried]
    again = [
        other
        for other in builder.visible()
        if other != carried and builder.environment.values[other].type == abstract.type
    ]
    if again and builder.rng.random() < 0.5:
        arguments.append(builder.rng.choice(again))
    builder.scope.statements.append(defined)
    for argument in arguments:
        assert isinstance(argument, str)
        through = builder.rng.choice(("checkpoint", "autograd", "", "")) if wrapped else ""
        attributes = (("through", through),) if through else ()
        call = PythonOperation("call", (name, argument), attributes, (_result(builder, argument),))
        retyped = builder.interpreter.statement(call, builder.environment)
        assert isinstance(retyped, PythonOperation)
        calls.append(retyped)
    for call, argument in zip(calls, arguments, strict=True):
        assert isinstance(argument, str)
        builder.scope.statements.append(call)
        builder.tracked[argument].uses += 1
        (value,) = call.results
        assert isinstance(value.type, TensorType)
        grad = builder.policy.training and is_float(value.type.dtype)
        builder.tracked[value.name] = Tracked(grad=grad, leaf=builder.tracked[argument].leaf, overlaps=True)
        builder.scope.names.append(value.name)
    if builder.policy.training:
        builder.saved |= set(builder.environment.storage.values())
    return True


def _is_wrappable(builder: Builder, type_: object, result: str, statements: tuple[Statement, ...]) -> bool:
    """Whether a function may be called through a checkpoint or an autograd.Function of its own: it maps a float to a
    new float, since what a Function returns of its arguments' memory it has to declare; and it writes no statistics,
    since backward runs a checkpointed function again, and whether it then writes them again is nobody's promise. To be
    asked in its body."""
    storage = builder.environment.storage
    outside = set(builder.outer[-1].storage.values())
    if any(isinstance(each, Operation) and builder.operators[each.operator].writes for each in walk(statements)):
        return False
    return isinstance(type_, TensorType) and is_float(type_.dtype) and storage[result] not in outside


def _is_expression(statements: tuple[object, ...]) -> bool:
    if len(statements) != 1:
        return False
    (statement,) = statements
    return isinstance(statement, Operation) and statement.out is None and len(statement.results) == 1
