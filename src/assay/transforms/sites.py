"""Where a transform can be applied: runs of statements of one block, with what they read and what is read of them."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from assay.ir.program import (
    KEPT,
    Operation,
    Program,
    PythonOperation,
    Region,
    Statement,
    defined_names,
    output_names,
    reads,
    walk,
)
from assay.ir.sizes import largest, smallest
from assay.ir.types import FunctionType, TensorType, Type, is_complex
from assay.ops.catalogue import load
from assay.ops.facts import Facts, Unsatisfied
from assay.ops.interpret import Abstract, interpret
from assay.ops.protocol import OVERLAPPING, Operator
from assay.ops.text import parts
from assay.transforms.registry import Needs, Transform, transforms

LONGEST = 6
TRIES = 30
SMALL = 256
CALLED = ("view.reshape", "view.flatten", "move.contiguous")
"""Operators whose result is a view or not by the layout of what they are given."""
SENSITIVE = ("contiguous", "stride")
"""Parts of Python expressions that depend on a layout."""

Path = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A block of the program: where it is, its statements, the values visible at its start, what it yields."""

    path: Path
    statements: tuple[Statement, ...]
    visible: tuple[str, ...]
    results: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Site:
    """Statements ``start`` to ``stop`` of a block; ``yields`` what the rewrite yields, ``operands`` what its text reads
    beside them."""

    path: Path
    start: int
    stop: int
    yields: tuple[str, ...]
    operands: tuple[str, ...] = ()
    choices: tuple[tuple[str, Any], ...] = ()


class Survey:
    """What is known of a program for choosing sites in it. `known` raises Unsatisfied where it meets no
    specification."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.operators: Mapping[str, Operator] = load()
        self.storage = {entry.name: entry.value.storage for entry in program.inputs}
        self.types: dict[str, Type] = {entry.name: entry.value.type for entry in program.inputs}
        for statement in walk(program.body):
            values = list(statement.results)
            if isinstance(statement, Region):
                values += [value for block in statement.blocks for value in block.parameters]
            for each in values:
                self.storage[each.name] = each.storage
                self.types[each.name] = each.type
        self.outputs = frozenset(output_names(program.outputs))
        self.written = self._written()
        self.sensitive = any(
            isinstance(each, PythonOperation) and any(word in str(each.attributes) for word in SENSITIVE)
            for each in walk(program.body)
        )
        visible = tuple(entry.name for entry in program.inputs)
        self.places = list(self._places(program.body, (), visible, tuple(self.outputs)))

    def _places(
        self, statements: tuple[Statement, ...], path: Path, visible: tuple[str, ...], results: tuple[str, ...]
    ) -> Iterator[Place]:
        yield Place(path, statements, visible, results)
        seen = visible
        for number, statement in enumerate(statements):
            if isinstance(statement, Region) and statement.kind != "lambda" and not _is_closed(statement):
                for position, block in enumerate(statement.blocks):
                    inner = (*seen, *(value.name for value in block.parameters))
                    yield from self._places(block.statements, (*path, (number, position)), inner, block.results)
            seen = (*seen, *(value.name for value in statement.results))

    def _written(self) -> frozenset[str]:
        """Storages that something writes; every one where a function of unknown arguments does."""
        found: set[str] = set()
        for statement in walk(self.program.body):
            if isinstance(statement, Operation):
                for name in written_names(statement, self.operators):
                    found.add(self.storage.get(name) or "?")
            if isinstance(statement, Region) and statement.kind == "rewrite":
                known = transforms().get(str(dict(statement.attributes)["transform"]))
                if known is not None and known.needs.writable:
                    found |= {self.storage.get(name) or "?" for name in statement.blocks[0].results}
        return frozenset(self.storage.values()) if "?" in found else frozenset(found)

    @cached_property
    def known(self) -> Mapping[str, Abstract]:
        """What is known of every value. Few transforms ask, and it costs as much as all of the rest."""
        _, environment = interpret(self.program, self.operators)
        return environment.values

    def facts(self, name: str) -> Facts | None:
        """What is known of a value where it is defined, and after."""
        abstract = self.known.get(name)
        return None if abstract is None else abstract.facts

    def type(self, name: str) -> Type | None:
        """The type of a value."""
        return self.types.get(name)

    def used_after(self, place: Place, stop: int) -> set[str]:
        """Names that are read after a statement of a block, what it yields included."""
        names = {name for statement in place.statements[stop:] for name in reads(statement)}
        return names | set(place.results)

    def draw(self, transform: Transform, rng: random.Random) -> Site | None:
        """A site that the transform can be applied to; None where a bounded search finds none."""
        needs = transform.needs
        if (needs.quiet and (self.written or self.sensitive)) or (not needs.training and self.program.training):
            return None
        places = self.places[:1] if needs.outermost or transform.extras else self.places
        for _ in range(TRIES):
            place = rng.choices(places, [1 + len(each.statements) for each in places])[0]
            site = self._at(transform, place, rng)
            if site is not None:
                return site
        return None

    def _at(self, transform: Transform, place: Place, rng: random.Random) -> Site | None:
        count = len(place.statements)
        if transform.kind == "point":
            start = rng.randint(0, count)
            return self._with_operands(transform, place, start, start, (), rng)
        if transform.kind == "value":
            start = rng.randint(0, count)
            later = self.used_after(place, start)
            seen = [*place.visible, *defined_names(place.statements[:start])]
            names = [name for name in seen if name in later and isinstance(self.types.get(name), TensorType)]
            if not names:
                return None
            # What was made last is rather what follows reads.
            name = rng.choice(names[-3:]) if rng.random() < 0.5 else rng.choice(names)
            fits = self._value_fits(transform.needs, name)
            return self._with_operands(transform, place, start, start, (name,), rng) if fits else None
        if not count:
            return None
        start = rng.randrange(count)
        if transform.kind == "operation":
            statement = place.statements[start]
            if not isinstance(statement, Operation) or not self._operation_fits(transform, statement):
                return None
            yields = tuple(value.name for value in statement.results)
            return self._with_operands(transform, place, start, start + 1, yields, rng)
        stop = min(count, start + rng.randint(1, LONGEST))
        statements = place.statements[start:stop]
        later = self.used_after(place, stop)
        yields = tuple(name for name in defined_names(statements) if name in later)
        if not self._run_fits(transform, statements, yields):
            return None
        return self._with_operands(transform, place, start, stop, yields, rng)

    def _with_operands(
        self, transform: Transform, place: Place, start: int, stop: int, yields: tuple[str, ...], rng: random.Random
    ) -> Site | None:
        choices: list[tuple[str, Any]] = [("number", rng.randrange(1 << 16))]
        operands: tuple[str, ...] = ()
        if transform.needs.bounded:
            seen = [*place.visible, *defined_names(place.statements[:start])]
            usable = [name for name in seen if self._is_bounded(name)]
            if not usable:
                return None
            operands = (rng.choice(usable),)
            facts = self.facts(operands[0])
            assert facts is not None
            choices += [("low", math.floor(facts.low) - 1), ("high", math.ceil(facts.high) + 1)]
        return Site(place.path, start, stop, yields, operands, tuple(choices))

    def _is_bounded(self, name: str) -> bool:
        type_, facts = self.types.get(name), self.facts(name)
        if self.program.values != KEPT:
            return False
        if not isinstance(type_, TensorType) or facts is None:
            return False
        if type_.dtype in ("bool", "uint8") or is_complex(type_.dtype):
            return False
        return math.isfinite(facts.magnitude) and facts.magnitude < 1e4

    def _operation_fits(self, transform: Transform, statement: Operation) -> bool:
        needs, operator = transform.needs, self.operators[statement.operator]
        names = [*reads(statement), *(value.name for value in statement.results)]
        if needs.plain:
            try:
                parts(operator, [""] * len(statement.operands), dict(statement.attributes), statement.form)
            except Unsatisfied:
                return False
        if needs.pure and written_names(statement, self.operators):
            return False
        if needs.accepts is not None and not needs.accepts(_Told(statement, operator, self)):
            return False
        if needs.one and len(statement.results) != 1:
            return False
        return self._all_fit(needs, names, [value.name for value in statement.results])

    def _run_fits(self, transform: Transform, statements: Sequence[Statement], yields: Sequence[str]) -> bool:
        needs = transform.needs
        if any(isinstance(self.types.get(name), FunctionType) for name in yields):
            return False
        names = [name for statement in statements for name in reads(statement)]
        if needs.pure or needs.plain:
            for each in statements:
                if not isinstance(each, Operation) or written_names(each, self.operators):
                    return False
        if needs.accepts is not None and not all(
            isinstance(each, Operation) and needs.accepts(_Told(each, self.operators[each.operator], self))
            for each in statements
        ):
            return False
        if needs.one and len(yields) != 1:
            return False
        if needs.tensors and not yields:
            return False
        inside = {value.name for statement in statements for value in statement.results}
        outside = [name for name in names if name not in inside]
        if needs.tensors and not all(isinstance(self.types.get(name), TensorType) for name in (*yields, *outside)):
            return False
        if needs.fresh:
            shared = {self.storage.get(name) for name in outside}
            of = [self.storage.get(name) for name in yields]
            if any(where in shared for where in of) or len(set(of)) < len(of):
                return False
            if any(
                isinstance(each, Operation) and (each.operator in CALLED or self.operators[each.operator].maybe_view)
                for each in statements
            ):
                return False
        return self._all_fit(needs, [*outside, *yields], yields)

    def _value_fits(self, needs: Needs, name: str) -> bool:
        if needs.writable and not self._is_writable(name):
            return False
        return self._all_fit(needs, [name], [name])

    def _all_fit(self, needs: Needs, names: Sequence[str], made: Sequence[str]) -> bool:
        if needs.unwritten and any(self.storage.get(name) in self.written for name in names):
            return False
        for name in names:
            type_ = self.types.get(name)
            if not isinstance(type_, TensorType):
                if needs.static or needs.dtypes:
                    return False
                continue
            if needs.dtypes and type_.dtype not in needs.dtypes:
                return False
            if type_.rank < needs.rank or (needs.filled and smallest(type_.elements) < 1):
                return False
            if needs.static and not all(isinstance(size, int) for size in type_.shape):
                return False
            if needs.small and largest(type_.elements) > SMALL:
                return False
        if needs.exact:
            return all(self._is_exact(name) for name in made)
        return True

    def _is_exact(self, name: str) -> bool:
        facts = self.facts(name)
        return facts is not None and facts.exact

    def _is_writable(self, name: str) -> bool:
        """Whether the memory of a value may be written for a while: nothing in it is there twice."""
        bases = {self.storage.get(name)}
        for entry in self.program.inputs:
            if entry.value.storage in bases:
                layouts = {call.argument(entry.name).layout.kind for call in self.program.calls}
                if "expanded" in layouts:
                    return False
        return not any(
            isinstance(each, Operation)
            and each.operator.endswith(OVERLAPPING)
            and any(value.storage in bases for value in each.results)
            for each in walk(self.program.body)
        ) and not any(
            isinstance(each, Region | PythonOperation)
            and any(value.storage in bases and isinstance(value.type, TensorType) for value in each.results)
            for each in walk(self.program.body)
        )


@dataclass(frozen=True, slots=True)
class _Told:
    """What `Needs.accepts` may look at: an operation, its operator, the types of its operands and results."""

    statement: Operation
    operator: Operator
    survey: Survey

    def type(self, name: str) -> TensorType | None:
        """The type of a tensor."""
        found = self.survey.type(name)
        return found if isinstance(found, TensorType) else None


def written_names(statement: Operation, operators: Mapping[str, Operator]) -> list[str]:
    """The values that an operation writes into: its target, out=, the operands that its specification names."""
    operator = operators[statement.operator]
    operands = [statement.operands[operator.index[name]] for name in operator.writes]
    if statement.form == "inplace":
        operands.append(statement.operands[0])
    return [name for name in (*operands, statement.out) if isinstance(name, str)]


def _is_closed(region: Region) -> bool:
    """Whether nothing is to be rewritten inside of a rewrite."""
    if region.kind != "rewrite":
        return False
    known = transforms().get(str(dict(region.attributes)["transform"]))
    return known is None or known.opaque or known.kind == "operation"
