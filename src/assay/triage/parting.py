"""Where eager and a target part: the first outermost statement of a program with a result that is wrong.

    all returned -> the accused place is still wrong? -> the first result that is wrong by the rule
    else: the program cut after each statement, returning its results alone -> the first cut that is wrong
    else: no statement alone; they part only when compiled together

Returning everything changes what a compiler fuses, and may hide a fault; cutting changes less of it. The rule is that
of the oracles (`assay.oracles.numerics.rounding`), but that tolerances do not matter: a small error that a later
statement makes large began small.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np

from assay.campaign.examine import Run, Witnesses
from assay.ir.case import Case
from assay.ir.program import (
    Operation,
    Program,
    Region,
    Statement,
    Tree,
    Value,
    operand_names,
    operations,
    reads,
    walk,
)
from assay.ir.types import TensorType
from assay.ops.facts import Unsatisfied
from assay.oracles.elements import Compared, Element, compare, resolve, worst
from assay.oracles.numeric import SHADOW, VALUES
from assay.oracles.numerics.decode import Array
from assay.oracles.outcome import Outcome, ValueRecord
from assay.oracles.pairs import Place, pairs
from assay.triage.liveness import may_write, writing_functions, written_names
from assay.triage.rewriting import values_of
from assay.triage.subject import Subject

SECONDS = 300.0
"""How long cutting may go on starting runs."""

FEW = 6
"""Operands of up to so many elements are told in full."""

COPY = "move.clone"

_NUMBERED = re.compile(r"^output (\d+)")


class Way(StrEnum):
    """How it was seen where they part."""

    returned = "returned"
    cut = "cut"
    together = "together"
    unknown = "unknown"


@dataclass(frozen=True)
class OperandSeen:
    """An operand of the statement: all its elements (``index`` None), or the one that stands where the wrong one does,
    or none of them and their ``range``. ``eager`` and ``target`` are empty where the values at that time are not
    known."""

    name: str
    type: str
    index: tuple[int, ...] | None = None
    eager: tuple[Any, ...] = ()
    target: tuple[Any, ...] = ()
    range: tuple[Any, Any] | None = None


@dataclass(frozen=True)
class Parting:
    """Where they part. ``statement`` is a number among the outermost statements, ``result`` names its result, empty
    where it has none; ``element`` is the worst of what is wrong: in the result, in what the statement writes, or in a
    gradient of the program that ends there."""

    way: Way
    statement: int | None = None
    result: str = ""
    element: Element | None = None
    operands: tuple[OperandSeen, ...] = ()
    operators: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class _Probe:
    """A variant of the program, and of the paths of its outputs, the statement whose work they are and the name of the
    value."""

    program: Program
    places: Mapping[str, tuple[int, str]]


@dataclass
class _Search:
    subject: Subject
    accused: Element
    place: Place
    run: Run
    witnesses: Witnesses
    seen: dict[str, Compared] = field(default_factory=dict)

    def outcome(self, program: Program) -> tuple[Case, Outcome] | None:
        """A variant, run; None where it is no program that runs."""
        try:
            case = self.subject.with_program(program).case()
        except Unsatisfied:
            return None
        outcome = self.run(case, (VALUES,))
        return (case, outcome) if outcome.ended == "completed" else None

    def compared(self, case: Case, outcome: Outcome) -> list[Compared]:
        """Every place of the accused call as numbers, with shadows where they are needed."""
        ours = [pair for pair in pairs(case, outcome.reference, outcome.target) if pair.call == self.accused.call]
        plain = [(pair, compare(pair, None)) for pair in ours]
        found = [(pair, each) for pair, each in plain if each is not None]
        if all(pair.exact or not each.different.any() for pair, each in found):
            return [each for _, each in found]
        witness = self.witnesses(case, SHADOW)
        shadow = None if witness is None else self.run(witness.case, witness.evidence)
        elsewhere = "opset" in case.recipe
        return [each for pair, _ in found if (each := compare(pair, shadow, elsewhere=elsewhere)) is not None]

    def wrong(self, compared: Compared) -> Element | None:
        """The worst element, where the place is wrong in the way of the finding."""
        resolution = resolve(compared, tolerances=False)
        if resolution is None or resolution.ruling is not self.accused.ruling:
            return None
        return worst(compared, resolution)


def find_parting(
    subject: Subject,
    accused: Element,
    place: Place,
    run: Run,
    witnesses: Witnesses,
    *,
    seconds: float = SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> Parting:
    """Where eager and the target part in a subject of which ``accused`` is a wrong element in an output, an argument,
    the state or a gradient.

    Of a gradient: the first statement whose result is wrong in forward; else the first after which the program, cut
    there, has a wrong gradient.
    """
    search = _Search(subject, accused, place, run, witnesses)
    found = _returned(search)
    if found is None:
        found = _cut(search, seconds, clock)
    names = tuple(dict.fromkeys(each.operator for each in operations(subject.program)))
    return replace(found, operators=names)


def _returned(search: _Search) -> Parting | None:
    """The first wrong result where everything is returned; None where that hides the fault."""
    probe = returning_all(search.subject.program)
    ran = search.outcome(probe.program)
    if ran is None:
        return None
    case, outcome = ran
    compared = search.compared(case, outcome)
    path = _inside(search.accused.path) if search.place is Place.output else search.accused.path
    accused = next((each for each in compared if each.pair.path == path), None)
    if accused is None or search.wrong(accused) is None:
        return None
    _remember(search, compared, probe)
    wrong = [
        (*probe.places[each.pair.path], element)
        for each in compared
        if each.pair.path in probe.places and (element := search.wrong(each)) is not None
    ]
    if not wrong:
        return None
    # Of what one statement made wrong, its own results before what else it wrote into.
    body = search.subject.program.body
    number, name, element = min(wrong, key=lambda each: (each[0], each[1] not in _tensors(body[each[0]])))
    return _at(search, Way.returned, number, name, element)


def _cut(search: _Search, seconds: float, clock: Callable[[], float]) -> Parting:
    """The first statement after which the program is wrong: it returns the results of that statement alone, or, where
    an argument or the state is accused, nothing, as returning what is written may hide the fault."""
    program = search.subject.program
    functions = writing_functions(program)
    begun, unseen = clock(), 0
    for number, statement in enumerate(program.body):
        names = _tensors(statement) if search.place in (Place.output, Place.gradient) else ()
        if not names and not may_write(statement, functions):
            continue
        if clock() - begun >= seconds:
            return Parting(Way.unknown, note=f"not looked for behind statement {number} of {len(program.body)}")
        probe = _Probe(
            replace(program, body=program.body[: number + 1], outputs=("tuple", names, ())),
            {f"output {position}": (number, name) for position, name in enumerate(names)},
        )
        ran = search.outcome(probe.program)
        if ran is None:
            unseen += 1
            continue
        compared = search.compared(*ran)
        _remember(search, compared, probe)
        for each in sorted(compared, key=lambda each: each.pair.place is not Place.output):
            if (each.pair.place is Place.gradient) is not (search.place is Place.gradient):
                continue
            element = search.wrong(each)
            if element is not None:
                own = next(iter(_tensors(statement)), "")
                _, name = probe.places.get(each.pair.path, (number, own))
                return _at(search, Way.cut, number, name, element)
    note = f"{unseen} of its cut versions did not run" if unseen else ""
    return Parting(Way.together, note=note)


def returning_all(program: Program) -> _Probe:
    """The program that also returns every tensor that an outermost statement defines.

    What is written into later is returned as a copy from when it was defined, and as it is in the end, which is
    then the work of the statement that writes last.
    """
    names = {value.name for value in values_of(program)}
    functions = writing_functions(program)
    body: list[Statement] = []
    extra: list[tuple[str, int, str]] = []
    for number, statement in enumerate(program.body):
        body.append(statement)
        for value in statement.results:
            if not isinstance(value.type, TensorType):
                continue
            writers = list(_writers(program, number, value, functions))
            if not writers:
                extra.append((value.name, number, value.name))
                continue
            copy = f"{value.name}_then"
            while copy in names:
                copy += "_"
            names.add(copy)
            body.append(Operation(COPY, (value.name,), (), (replace(value, name=copy, storage=copy),)))
            extra += [(copy, number, value.name), (value.name, writers[-1], value.name)]
    outputs: Tree = ("tuple", (program.outputs, *(name for name, _, _ in extra)), ())
    places = {f"output {place}": (number, name) for place, (_, number, name) in enumerate(extra, start=1)}
    return _Probe(replace(program, body=tuple(body), outputs=outputs), places)


def _writers(program: Program, number: int, value: Value, functions: frozenset[str]) -> Iterator[int]:
    """The outermost statements after one that may write into the memory of its result."""
    storage = {each.name: each.storage or each.name for each in values_of(program)}
    memory = value.storage or value.name
    for later, statement in enumerate(program.body[number + 1 :], start=number + 1):
        if isinstance(statement, Region) and statement.kind in ("def", "lambda"):
            continue
        if not may_write(statement, functions):
            continue
        inner = list(walk((statement,)))
        if all(isinstance(each, Operation | Region) or not may_write(each, functions) for each in inner):
            written = [name for each in inner if isinstance(each, Operation) for name in written_names(each)]
            if all(storage.get(name, name) != memory for name in written):
                continue
        yield later


def _tensors(statement: Statement) -> tuple[str, ...]:
    return tuple(value.name for value in statement.results if isinstance(value.type, TensorType))


def _inside(path: str) -> str:
    """The path of an output of a program whose outputs are now the first item of a tuple.

    >>> _inside("output 2[1]"), _inside("output['a']"), _inside("output")
    ('output 0[2][1]', "output 0['a']", 'output 0')
    """
    plain = _NUMBERED.sub(r"output[\1]", path)
    return "output 0" + plain.removeprefix("output")


def _remember(search: _Search, compared: list[Compared], probe: _Probe) -> None:
    """Keep what values were when they were defined; the copy comes before what it is a copy of."""
    for each in compared:
        found = probe.places.get(each.pair.path)
        if found is not None:
            search.seen.setdefault(found[1], each)
        elif each.pair.place in (Place.argument, Place.state):
            search.seen.setdefault(each.pair.path, each)


def _at(search: _Search, way: Way, number: int, name: str, element: Element) -> Parting:
    operands = tuple(_operands(search, number, element))
    return Parting(way, number, name, element, operands)


def _operands(search: _Search, number: int, element: Element) -> Iterator[OperandSeen]:
    program = search.subject.program
    statement = program.body[number]
    functions = writing_functions(program)
    defined = {value.name: n for n, each in enumerate(program.body) for value in each.results}
    inputs = {entry.name: entry for entry in program.inputs}
    arguments = [entry.name for entry in program.inputs if entry.role == "argument"]
    if isinstance(statement, Operation):
        named = [name for operand in statement.operands for name in operand_names(operand)]
    else:
        named = reads(statement)
    for name in dict.fromkeys(named):
        value = next((each for each in values_of(program) if each.name == name), None)
        if value is None:
            continue
        if name in inputs:
            # Arguments are seen after the call: not as they were, if anything wrote into them.
            path = f"argument {arguments.index(name)}" if name in arguments else f"state {name!r}"
            since = list(_writers(program, -1, value, functions))
        else:
            path = name
            since = [each for each in _writers(program, defined.get(name, -1), value, functions) if each < number]
        found = search.seen.get(path)
        if found is not None and (isinstance(value.type, TensorType) or isinstance(found.pair.reference, ValueRecord)):
            yield _operand(name, found, element, known=not since)


def _operand(name: str, found: Compared, element: Element, known: bool) -> OperandSeen:
    eager, target = found.eager, found.target
    record = found.pair.reference
    type_ = record.type if isinstance(record, ValueRecord) else f"{found.dtype}{list(eager.shape)}"
    if not known:
        return OperandSeen(name, type_)
    if eager.size <= FEW:
        return OperandSeen(name, type_, None, _numbers(eager), _numbers(target))
    index = _aligned(eager.shape, element)
    if index is not None:
        return OperandSeen(name, type_, index, _numbers(eager[index]), _numbers(target[index]))
    if eager.dtype.kind == "c":
        return OperandSeen(name, type_)
    return OperandSeen(name, type_, range=(eager.min().item(), eager.max().item()))


def _aligned(shape: tuple[int, ...], element: Element) -> tuple[int, ...] | None:
    """Where an operand that is broadcast to the result stands for the element; None where it is not broadcast so."""
    if len(shape) > len(element.shape) or not shape:
        return None
    tail, index = element.shape[-len(shape) :], element.index[-len(shape) :]
    if any(size not in (1, other) for size, other in zip(shape, tail, strict=True)):
        return None
    return tuple(0 if size == 1 else step for size, step in zip(shape, index, strict=True))


def _numbers(values: Array | np.generic) -> tuple[Any, ...]:
    return tuple(np.asarray(values).flatten().tolist())
