"""The program under construction: statements, inputs, and what is known of every value, extended one statement at a
time.

The generator proposes; the builder accepts only what the specifications accept (`assay.ops.interpret`), and what
autograd permits: no write into
what backward has saved, into leaves that require gradients, into memory that overlaps itself.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from assay.generate.dialect import TORCH, Dialect
from assay.generate.palette import Palette
from assay.generate.policy import Policy
from assay.inputs.profiles import distinct_data, draw_data, moved, with_special
from assay.ir.program import (
    KEPT,
    LEAVING,
    WRAPPING,
    Argument,
    Call,
    Data,
    Input,
    Layout,
    Operand,
    Operation,
    Program,
    PythonOperation,
    Statement,
    Tree,
    Value,
    operand_names,
)
from assay.ir.sizes import largest, product, value_in
from assay.ir.types import ScalarType, TensorType, is_differentiable, is_float, is_integral
from assay.ops.assume import anything, is_searched
from assay.ops.facts import Facts, Interval, constant, fit, hull, require
from assay.ops.interpret import Abstract, Applied, Environment, Interpreter, facts_of
from assay.ops.protocol import OVERLAPPING, Operator


@dataclass(frozen=True, slots=True)
class Fresh:
    """An input that would be made for an operand; it becomes one when the operation is accepted."""

    type: TensorType
    data: tuple[Data, ...]
    facts: Facts
    gradients: bool = True
    refused_layouts: frozenset[str] = frozenset()
    # State that nothing writes, where the program may have state.
    constant: bool = False

    @property
    def abstract(self) -> Abstract:
        """What is known of it."""
        return Abstract(self.type, self.facts)


@dataclass(slots=True)
class Tracked:
    """What the builder keeps of a tensor value beside its abstract value."""

    grad: bool = False
    # Requires a gradient in every run; of what leaves a region only `grad` is known: that it may.
    surely_grad: bool = False
    leaf: bool = False
    overlaps: bool = False
    multi_view: bool = False
    promised: bool = True
    uses: int = 0


@dataclass(slots=True)
class Scope:
    """A block under construction."""

    statements: list[Statement] = field(default_factory=list)
    names: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Mark:
    """What a builder returns to: lengths of what only grows, copies of the rest."""

    statements: int
    inputs: int
    names: list[str]
    values: dict[str, Abstract]
    storage: dict[str, str]
    tracked: dict[str, Tracked]
    saved: set[str]
    held: set[str]
    counts: dict[str, int]
    counter: int


SPECIAL_SHARE = {True: 0.7, False: 0.15}
"""Of the inputs of a program that computes with special values, those of floats and of integers that have some: most of
what is done to an extreme integer would wrap."""


class Builder:
    """Builds one program."""

    def __init__(
        self, rng: random.Random, policy: Policy, operators: dict[str, Operator], dialect: Dialect = TORCH
    ) -> None:
        self.rng = rng
        self.dialect = dialect
        self.policy = policy
        self.operators = operators
        self.allowed = frozenset(policy.operators)
        self.palette = Palette(rng, policy)
        self.environment = Environment()
        self.outer: list[Environment] = []
        self.scopes: list[Scope] = [Scope()]
        self.inputs: list[Input] = []
        self.arguments: list[dict[str, Argument]] = [{} for _ in range(policy.calls)]
        self.tracked: dict[str, Tracked] = {}
        self.saved: set[str] = set()
        self.retired: list[str] = []
        self.repeats = 0
        # Storages that are never written; values that are outputs though they are used.
        self.held: set[str] = set()
        self.shown: list[str] = []
        # Values inside of motifs: nothing else reads them, and no output shows them.
        self.interior: set[str] = set()
        # Name of each motif that was inserted, and what was changed in it.
        self.motifs: list[tuple[str, str]] = []
        # A value that the next operation is to take, where it fits.
        self.preferred = ""
        # Whether the next operation is to be in place, where it can be.
        self.writing = False
        self.counter = 0
        self.counts: dict[str, int] = {}
        self.interpreter = Interpreter(operators, self.palette.table, self.palette.instantiations, policy.values)

    # names and scopes

    @property
    def scope(self) -> Scope:
        """The innermost block."""
        return self.scopes[-1]

    def visible(self) -> list[str]:
        """Names of tensor values that may be used here, oldest first."""
        return [name for scope in self.scopes for name in scope.names]

    def name(self, prefix: str = "v") -> str:
        """A fresh name."""
        self.counter += 1
        return f"{prefix}{self.counter}"

    @contextmanager
    def block(self) -> Iterator[Scope]:
        """A nested block with an environment of its own; what it defines is forgotten afterwards."""
        scope = Scope()
        self.outer.append(self.environment)
        self.environment = Environment(self.environment)
        self.scopes.append(scope)
        try:
            yield scope
        finally:
            self.scopes.pop()
            self.environment = self.outer.pop()

    # inputs

    @property
    def instantiations(self) -> list[int]:
        """The instantiation of each call."""
        return list(range(self.policy.calls)) if self.palette.instantiations > 1 else [0] * self.policy.calls

    def fresh(
        self,
        type_: TensorType,
        interval: Interval | None,
        thresholds: tuple[float, ...] = (),
        distinct: bool = False,
        gradients: bool = True,
        refused_layouts: frozenset[str] = frozenset(),
        constant: bool = False,
    ) -> Fresh:
        """A new input of a type with elements in an interval. Raises Unsatisfied."""
        require(largest(product(type_.shape)) <= 4 * self.palette.limit, "too many elements")
        if distinct:
            require(interval is not None, "distinct elements need bounds")
            assert interval is not None
            limit = int(interval.high) + 1
            data = tuple(
                distinct_data(self.rng, value_in(type_.elements, instantiation), limit)
                for instantiation in self.instantiations
            )
        else:
            first = draw_data(
                self.rng, type_.dtype, interval, self.policy.profile, thresholds, fine=not self.policy.exact
            )
            floating = is_float(type_.dtype)
            special = self.policy.values in LEAVING and (floating or (interval is None and is_integral(type_.dtype)))
            share = SPECIAL_SHARE[floating or self.policy.values == WRAPPING]
            if special and self.rng.random() < share:
                first = with_special(self.rng, first, type_.dtype)
            data = (first, *(moved(self.rng, first) for _ in range(self.policy.calls - 1)))
        if self.policy.values != KEPT and is_searched(type_.dtype, self.policy.values):
            facts = anything(type_.dtype, self.policy.values)
        else:
            facts = hull(*(facts_of(each) for each in data))
            facts = facts if self.policy.values == KEPT else replace(facts, fixed=True)
        return Fresh(type_, data, fit(facts, type_.dtype), gradients, refused_layouts, constant)

    def add_input(self, fresh: Fresh, written: bool = False) -> str:
        """Make a fresh input real: an argument, a parameter or a buffer, in some layout; one that is ``written`` does
        not overlap itself."""
        policy, rng = self.policy, self.rng
        static = all(isinstance(size, int) for size in fresh.type.shape)
        role = "argument"
        # What is to be constant is an initializer of every ONNX model; other programs have no state where their policy
        # has none.
        stateful = policy.state > 0 or not self.dialect.python
        if static and ((fresh.constant and stateful) or rng.random() < policy.state):
            role = "parameter" if is_float(fresh.type.dtype) and rng.random() < 0.5 else "buffer"
        prefix = {"argument": "x", "parameter": "p", "buffer": "b"}[role]
        count = self.counts.get(prefix, 0)
        self.counts[prefix] = count + 1
        name = f"{prefix}{count}"
        trains = policy.training and fresh.gradients and role != "buffer" and not written
        grad = trains and is_float(fresh.type.dtype) and rng.random() < 0.7
        tracked = Tracked(grad=grad, surely_grad=grad, leaf=True)
        layout = Layout()
        refused = fresh.refused_layouts | ({"expanded"} if written else set())
        for call, arguments in enumerate(self.arguments):
            if role == "argument" and (call == 0 or policy.changing):
                layout = self._layout(fresh.type) if rng.random() < policy.layouts else Layout()
                layout = Layout() if layout.kind in refused else layout
            tracked.overlaps |= layout.kind == "expanded"
            arguments[name] = Argument(fresh.data[call], layout, grad)
        if fresh.constant:
            self.held.add(name)
        self._define_input(Input(Value(name, fresh.type, name), role), fresh.abstract, tracked)
        if role == "argument" and not grad and fresh.type.shape and rng.random() < policy.aliases:
            self._alias(name, fresh)
        return name

    def _define_input(self, entry: Input, abstract: Abstract, tracked: Tracked) -> None:
        self.inputs.append(entry)
        self.tracked[entry.name] = tracked
        self.scopes[0].names.append(entry.name)
        for environment in (*self.outer, self.environment):
            environment.define(entry.value, abstract)

    def _alias(self, base: str, fresh: Fresh) -> None:
        """A second input that shares memory with the first."""
        name = f"x{self.counts['x']}"
        self.counts["x"] += 1
        type_ = fresh.type
        way = self.rng.random()
        layout = Layout("alias")
        first = type_.shape[0]
        if way < 0.35 and type_.rank > 1:
            order = tuple(self.rng.sample(range(type_.rank), type_.rank))
            layout = Layout("alias", order)
            type_ = type_.with_shape(tuple(type_.shape[position] for position in order))
        elif way < 0.75 and isinstance(first, int) and first > 1:
            layout = Layout("alias", (), 1)
            type_ = type_.with_shape((first - 1, *type_.shape[1:]))
        for arguments in self.arguments:
            arguments[name] = Argument(None, layout)
        tracked = Tracked(overlaps=self.tracked[base].overlaps, leaf=True)
        self._define_input(Input(Value(name, type_, base), "argument", base), Abstract(type_, fresh.facts), tracked)

    def _layout(self, type_: TensorType) -> Layout:
        rng, rank = self.rng, type_.rank
        kinds = ["sliced"] if rank else []
        if rank > 1:
            kinds += ["permuted", "permuted", "expanded"]
        if rank in (4, 5):
            kinds += ["channels_last", "channels_last"]
        if not kinds:
            return Layout()
        kind = rng.choice(kinds)
        if kind == "permuted":
            return Layout(kind, tuple(rng.sample(range(rank), rank)))
        if kind == "expanded":
            return Layout(kind, (rng.randrange(rank),))
        if kind == "sliced":
            return Layout(kind, (), rng.choice((0, 1, 3)), rng.choice((1, 2)))
        return Layout(kind)

    def add_scalar(self, kind: str) -> str:
        """A Python number as an argument, which may change from call to call."""
        name = f"n{self.counts.get('n', 0)}"
        self.counts["n"] = self.counts.get("n", 0) + 1
        changes = self.policy.changing and self.rng.random() < 0.5
        values: list[Any] = []
        for _ in self.arguments:
            if values and not changes:
                values.append(values[0])
            elif kind == "int":
                values.append(self.rng.choice((1, 2, 3, 4, 5)))
            else:
                values.append(self.rng.choice((0.5, 1.5, 2.0, -1.0, -0.25)))
        for arguments, value in zip(self.arguments, values, strict=True):
            arguments[name] = Argument(scalar=value)
        facts = hull(*(constant(float(value)) for value in values))
        entry = Input(Value(name, ScalarType(kind)), "argument")
        self.inputs.append(entry)
        for environment in (*self.outer, self.environment):
            environment.define(entry.value, Abstract(entry.value.type, facts))
        return name

    # statements

    def add_operation(
        self,
        operator: Operator,
        operands: Sequence[Operand],
        attributes: dict[str, Any],
        applied: Applied,
        form: str,
        out: str | None = None,
    ) -> tuple[str, ...]:
        """Append an operation that was accepted; the names of its results."""
        used = [name for operand in operands for name in operand_names(operand)]
        grads = [self.tracked[name].grad for name in used if name in self.tracked]
        grad = operator.differentiable and any(grads)
        surely = operator.differentiable and any(self.surely_grad(name) for name in used)
        values = []
        for position, result in enumerate(applied.results):
            name = self.name()
            values.append(Value(name, result.type, self._storage(operator, operands, form, out, name)))
            assert isinstance(result.type, TensorType)
            carries = is_differentiable(result.type.dtype)
            tracked = Tracked(grad=grad and carries, surely_grad=surely and carries)
            tracked.promised = position not in operator.unpromised
            shares = values[-1].storage != name
            if shares:
                base = self.tracked[self._base(operator, operands, form, out)]
                tracked.leaf = base.leaf
                tracked.overlaps = base.overlaps or operator.name.endswith(OVERLAPPING)
                tracked.multi_view = base.multi_view or (len(applied.results) > 1 and form != "inplace")
            self.tracked[name] = tracked
        for name in used:
            if name in self.tracked:
                self.tracked[name].uses += 1
        statement = Operation(operator.name, tuple(operands), tuple(attributes.items()), tuple(values), form, out)
        self.environment.assume(operands, applied)
        for position, facts in applied.written:
            target = operands[position]
            assert isinstance(target, str)
            self.environment.write(target, facts, all_of_it=self.policy.values != KEPT)
        if out is not None:
            stored = applied.results[0].facts
            assert stored is not None
            self.environment.write(out, stored, all_of_it=self.policy.values != KEPT)
        for value, result in zip(values, applied.results, strict=True):
            self.environment.define(value, result)
            if self.tracked[value.name].promised:
                self.scope.names.append(value.name)
        self._remember(operator, used, values, grad, form)
        self.scope.statements.append(statement)
        return tuple(value.name for value in values)

    def _base(self, operator: Operator, operands: Sequence[Operand], form: str, out: str | None) -> str:
        base = operator.view or operator.maybe_view
        operand = out if out is not None else operands[0 if form == "inplace" or base is None else operator.index[base]]
        assert isinstance(operand, str)
        return operand

    def _storage(self, operator: Operator, operands: Sequence[Operand], form: str, out: str | None, name: str) -> str:
        if form == "inplace" or out is not None or operator.view or operator.maybe_view:
            return self.environment.storage.get(self._base(operator, operands, form, out), name)
        return name

    def _remember(
        self, operator: Operator, used: Sequence[str], values: Sequence[Value], grad: bool, form: str
    ) -> None:
        """What backward keeps may not be written afterwards; what becomes part of the graph is tracked through its
        storage."""
        storage = self.environment.storage
        if form == "inplace" and grad:
            for name, tracked in self.tracked.items():
                if storage.get(name) == values[0].storage:
                    tracked.grad = True
        if not grad:
            return
        if operator.saves in ("inputs", "both"):
            self.saved |= {storage[name] for name in used if name in storage}
        if operator.saves in ("output", "both"):
            self.saved |= {value.storage for value in values}

    def surely_grad(self, name: str) -> bool:
        """Whether a value requires a gradient whenever this point is reached: a parameter of a loop or a function does
        not stay what it is at first."""
        return name in self.tracked and self.tracked[name].surely_grad and not self.repeats

    def writable(self, name: str, grad_source: bool = False) -> bool:
        """Whether a value may be written in place; ``grad_source``: by a value that requires a gradient."""
        tracked = self.tracked[name]
        storage = self.environment.storage[name]
        if tracked.overlaps or storage in self.held:
            return False
        if not self.policy.training:
            return True
        sharing = [
            self.tracked[other]
            for other, where in self.environment.storage.items()
            if where == storage and other in self.tracked
        ]
        grad = any(each.grad for each in sharing)
        if storage in self.saved or any(each.leaf and each.grad for each in sharing):
            return False
        return not ((grad or grad_source) and any(each.leaf or each.multi_view for each in sharing))

    def mark(self) -> Mark:
        """The state of the outermost block, to which `back_to` returns."""
        assert len(self.scopes) == 1
        return Mark(
            len(self.scope.statements),
            len(self.inputs),
            list(self.scope.names),
            dict(self.environment.values),
            dict(self.environment.storage),
            {name: replace(tracked) for name, tracked in self.tracked.items()},
            set(self.saved),
            set(self.held),
            dict(self.counts),
            self.counter,
        )

    def back_to(self, mark: Mark) -> None:
        """Forget what was added to the outermost block since. A mark serves once."""
        del self.scope.statements[mark.statements :]
        for entry in self.inputs[mark.inputs :]:
            for arguments in self.arguments:
                del arguments[entry.name]
        del self.inputs[mark.inputs :]
        self.scope.names[:] = mark.names
        self.environment.values, self.environment.storage = mark.values, mark.storage
        self.tracked, self.saved, self.held = mark.tracked, mark.saved, mark.held
        self.counts, self.counter = mark.counts, mark.counter

    def add_python(self, kind: str, operands: Sequence[Operand], attributes: dict[str, Any]) -> str:
        """Append a Python operation; the name of its result. Raises Unsatisfied."""
        name = self.name()
        statement = PythonOperation(
            kind, tuple(operands), tuple(attributes.items()), (Value(name, ScalarType("NoneType")),)
        )
        retyped = self.interpreter.statement(statement, self.environment)
        self.scope.statements.append(retyped)
        for operand in operands:
            for used in operand_names(operand):
                if used in self.tracked:
                    self.tracked[used].uses += 1
        return name

    def adopt(self, name: str, like: str) -> None:
        """A Python operation yielded a tensor that is the object ``like``: it may be used as that is."""
        storage = self.environment.storage[like]
        self.environment.storage[name] = storage
        last = self.scope.statements[-1]
        self.scope.statements[-1] = replace(last, results=(replace(last.results[0], storage=storage),))
        self.tracked[name] = replace(self.tracked[like], uses=0)
        self.scope.names.append(name)

    def hide(self, names: Sequence[str]) -> None:
        """Keep values that something reads from being read by anything else, or shown."""
        self.interior.update(name for name in names if self.tracked[name].uses > 0)
        self.retired.extend(name for name in self.scope.names if name in self.interior)
        self.scope.names = [name for name in self.scope.names if name not in self.interior]

    def produced(self) -> list[str]:
        """Names of tensor values that the outermost block defines, oldest first."""
        inputs = {entry.name for entry in self.inputs}
        return [name for name in (*self.retired, *self.scopes[0].names) if name not in inputs]

    def program(self, outputs: Tree) -> Program:
        """The finished program."""
        order = [entry.name for entry in self.inputs]
        calls = tuple(
            Call(instantiation, tuple((name, arguments[name]) for name in order))
            for instantiation, arguments in zip(self.instantiations, self.arguments, strict=True)
        )
        return Program(
            sizes=tuple(self.palette.table.items()),
            instantiations=self.palette.instantiations,
            inputs=tuple(self.inputs),
            body=tuple(self.scopes[0].statements),
            outputs=outputs,
            calls=calls,
            training=self.policy.training,
            style=self.policy.style,
            values=self.policy.values,
        )
