"""The source ``graph``: the case at an index, as a pure function of the campaign's settings (contract 4).

Operators are dealt from a shuffled deck, so that each gets its share of every campaign; where a compile is dear a
program is several loosely
joined components, since the cost of a compile is mostly fixed.
"""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import accumulate
from typing import Any

from assay import __version__
from assay.backends import DYNAMO, find_backend
from assay.emit.cases import build_case
from assay.generate.between import with_changes
from assay.generate.builder import Builder
from assay.generate.dialect import TORCH, Dialect, dialect_of
from assay.generate.motifs.deck import Deck
from assay.generate.policy import DETERMINED_SHARE, Policy, draw_policy
from assay.generate.propose import propose, takes
from assay.generate.regions import add_region
from assay.generate.settings import Settings
from assay.generate.shoe import Shoe
from assay.ir.case import Case
from assay.ir.program import FOUND, KEPT, LEAVING, SPECIAL, WRAPPING, Operation, Program, Tree, output_names, reads
from assay.ir.sizes import symbols_in
from assay.ir.types import ALL, RANKS, ScalarType, TensorType
from assay.ops.catalogue import DETERMINED, load
from assay.ops.errors import rounds
from assay.ops.facts import Unsatisfied, require
from assay.ops.interpret import Environment, interpret
from assay.ops.python_forms import PICKS
from assay.transforms.apply import apply_all, dealt

SOURCE = "graph"
CHEAP_OPERATIONS = (6, 18)
DEAR_OPERATIONS = (50, 70)
# For Dynamo alone, which traces an operator as it does any other: what Python does with a few shows as much as with
# many, at a fraction of the time.
DYNAMO_OPERATIONS = (2, 6)
DYNAMO_CHANGING = 0.5
COMPONENT = 12
# Keeps what takes little from being dealt far more often than the rest.
LEAST_WELCOME = 0.3
# What is left of it for what rounds, for which half of the policies have no room and which has domains beside.
ROUNDING = 0.4
# Cards of the shoe that a program begins with, and of an operator that takes everything.
CARDS = 6
COPIES = 4
PAIR_SHARE = 1.0
ARITHMETIC = ("binary.add", "binary.sub", "binary.mul", "binary.div", "binary.minimum", "binary.maximum")
# Of the steps of a program that writes, those that are chosen for what they write, as a part of its policy's share.
WRITE_SHARE = 0.5
# Of the programs, those that return a Python number.
NUMBERS_SHARE = 0.15
# Of the programs, those whose state changes between their calls.
BETWEEN_SHARE = 0.25
ATTEMPTS = 4


Find = Callable[[Program, str], Program | None]
"""Searches inputs of a program, from a seed; None where none were found."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A program, its policy, and the motifs in it: the name of each and what was changed in it. ``environment`` is what
    is known of its values, unless that asks for interpreting it."""

    program: Program
    policy: Policy
    motifs: tuple[tuple[str, str], ...]
    environment: Environment | None = None


def make_case(settings: Settings, index: int, find: Find | None = None) -> Case:
    """The case at an index. Budgets are counted in steps, so that it does not depend on the machine's speed.

    Of a program whose inputs are to be found, these are what ``find`` finds, or as they were drawn where it is None.
    """
    rng = _rng(settings, index, "case")
    target = _target(settings, rng)
    backend = find_backend(target)
    dialect = dialect_of(backend, rng, settings.kernels.get(target))
    values = WRAPPING if dialect.special and settings.values == SPECIAL else settings.values
    forced: dict[str, Any] = {"values": values} if backend.tests_python else {"values": values, "transforms": 0}
    if backend.name == DYNAMO and settings.nodes is None:
        forced["operations"] = rng.randint(*DYNAMO_OPERATIONS)
        if rng.random() >= DYNAMO_CHANGING:
            forced |= {"changing": False, "symbols": 0}
    drawn = draw_program(settings, index, backend.module.DEAR, forced, dialect)
    program, environment = drawn.program, drawn.environment
    if find is not None and program.values == FOUND:
        found = find(program, f"{settings.seed}/{index}") or as_special(program)
        if found is None:
            drawn = draw_program(settings, index, backend.module.DEAR, {**forced, "values": KEPT}, dialect)
        program, environment = (drawn.program, drawn.environment) if found is None else (found, None)
    changes: tuple[str, ...] = ()
    changing = backend.tests_python and program.values == KEPT
    if changing and rng.random() < BETWEEN_SHARE * (0.2 if backend.module.DEAR else 1.0):
        changed, changes = with_changes(rng, program)
        environment = None
        with contextlib.suppress(Unsatisfied):
            # Another number of calls leaves other numbers in the state.
            program = interpret(changed, load())[0]
    options = dict(backend.module.options(rng, program.training))
    while program.values in LEAVING and options == backend.reference_options:
        # What becomes of special values is no matter between two systems.
        options = dict(backend.module.options(rng, program.training))
    if "dynamic" in options:
        options["dynamic"] = _dynamic(rng, bool(program.sizes), backend.module.DEAR)
    recipe = {
        "version": __version__,
        "seed": settings.seed,
        "index": index,
        "policy": {**drawn.policy.to_json(), "left_out": _left_out(settings.operators, drawn.policy)},
        "motifs": [list(motif) for motif in drawn.motifs],
    }
    if changes:
        recipe["between"] = list(changes)
    if dialect.opset is not None:
        recipe["opset"] = dialect.opset
    if dialect.kernels_only:
        recipe["triton"] = backend.plan(rng, options)
    return build_case(program, source=SOURCE, target=target, options=options, recipe=recipe, environment=environment)


def _left_out(operators: tuple[str, ...], policy: Policy) -> list[str]:
    drawn = set(policy.operators)
    return sorted(name for name in operators if name not in drawn)


def make_program(
    settings: Settings, index: int, forced: Mapping[str, Any] | None = None, dialect: Dialect = TORCH
) -> tuple[Program, Policy]:
    """The program at an index, for a cheap target, and its policy; ``forced`` fixes choices of the policy."""
    drawn = draw_program(settings, index, False, forced, dialect)
    return drawn.program, drawn.policy


def as_special(program: Program) -> Program | None:
    """A program for which no inputs were found, as one that computes with special values; None where it cannot be one,
    since it makes integers of floats."""
    try:
        return interpret(replace(program, values=SPECIAL), load())[0]
    except Unsatisfied:
        return None


def _rng(settings: Settings, index: int, part: str) -> random.Random:
    return random.Random(f"{__version__}/{settings.seed}/{index}/{part}")


def _target(settings: Settings, rng: random.Random) -> str:
    """The target of a case, by the ladder: most cases run where a compile is cheap."""
    weights = [1.0 if find_backend(target).module.DEAR else _cheap_weight(target) for target in settings.targets]
    return rng.choices(settings.targets, weights)[0]


def _cheap_weight(target: str) -> float:
    # Dear programs hold several times the operations of cheap ones; these weights spend about half of the CPU on each
    # kind.
    return 1.0 if find_backend(target).module.RUNG < 2 else 6.0


def _dynamic(rng: random.Random, symbolic: bool, dear: bool) -> bool | None:
    """Whether sizes are compiled as symbols: several times as dear as a static compile, and of use where sizes
    change."""
    if not symbolic:
        return rng.choices((None, False, True), (83, 15, 2) if dear else (80, 15, 5))[0]
    return rng.choices((None, True, False), (40, 50, 10) if dear else (45, 20, 35))[0]


def draw_program(
    settings: Settings,
    index: int,
    dear: bool = False,
    forced: Mapping[str, Any] | None = None,
    dialect: Dialect = TORCH,
) -> Drawn:
    """The program at an index and what it was drawn from; ``dear``: for a target where a compile is dear."""
    operators = dialect.operators(settings.operators)
    for attempt in range(ATTEMPTS):
        rng = _rng(settings, index, f"program/{attempt}")
        operations = settings.nodes or rng.randint(*(DEAR_OPERATIONS if dear else CHEAP_OPERATIONS))
        # State that grows from call to call may leave a domain in the second; the last attempt has none.
        # What an operation assumes of values may be more than the program has left when it is done.
        stateless: dict[str, Any] = {"state": 0.0, "values": KEPT} if attempt == ATTEMPTS - 1 else {}
        choices = {**(forced or {}), **dialect.forced, **stateless}
        policy = dialect.policy(draw_policy(rng, operators, operations, dear, choices))
        builder = Builder(rng, policy, dict(load()), dialect)
        _fill(builder, rng, settings.seed, index)
        program = finished(builder)
        environment: Environment | None = builder.environment
        motifs = tuple(builder.motifs)
        if policy.values != KEPT or any(entry.role != "argument" for entry in program.inputs):
            try:
                program, environment = interpret(program, load())
            except Unsatisfied:
                continue
        if policy.transforms:
            program, environment = _transformed(program, policy, settings, index, rng), None
        return Drawn(program, policy, motifs, environment)
    raise AssertionError("a program without state meets its specifications as it was built")


def _transformed(program: Program, policy: Policy, settings: Settings, index: int, rng: random.Random) -> Program:
    """The program under transforms, as many as the policy says and find a site."""
    return apply_all(program, dealt(settings.seed, index, policy.transforms, rng), rng)[0]


def finished(builder: Builder) -> Program:
    """The program that was built, with its outputs, without what it does not read."""
    return _pruned(builder.program(_outputs(builder, builder.rng)))


def _fill(builder: Builder, rng: random.Random, seed: int, turn: int) -> None:
    """Add operations until the policy's number is reached; a bounded number of steps, whatever is refused. ``turn``
    says which cards of the shoes are dealt first."""
    policy = builder.policy
    motifs = Deck(builder, seed, turn)
    held = set(policy.operators)
    first = [name for name in _shoe(policy.exact).deal(seed, turn, CARDS) if name in held]
    deck: list[str] = []
    refused: set[str] = set()

    def deal() -> str:
        if not deck:
            # A weighted order without repetition (Efraimidis and Spirakis 2006).
            deck.extend(sorted(policy.operators, key=lambda name: rng.random() ** welcome(name)))
            deck.extend(first)
            first.clear()
        return deck.pop()

    done = 0
    retired = 0
    for _ in range(policy.operations * 6):
        if done >= policy.operations:
            return
        if done - retired >= COMPONENT and policy.operations > 2 * COMPONENT:
            retired = done
            _retire(builder, rng)
        if rng.random() < policy.regions and done > 1:
            before = builder.counter
            if add_region(builder, deal):
                done += 1 + (builder.counter - before) // 4
            continue
        if rng.random() < policy.mutation * WRITE_SHARE and done and _write(builder, rng):
            done += 1
            continue
        if rng.random() < policy.motifs:
            motif = motifs.insert(policy.operations - done)
            if motif is not None:
                done += motif.count
                for result in motif.results[:2]:
                    done += done < policy.operations and _consume(builder, rng, result)
            continue
        name = deal()
        made = propose(builder, builder.operators[name])
        if made is None:
            if name not in refused:
                # Once again, when there is more to choose from.
                refused.add(name)
                deck.insert(max(len(deck) - rng.randint(2, 5), 0), name)
            continue
        done += 1
        if rng.random() < policy.containers:
            _container(builder, rng, made[0])
        done += _beside(builder, rng)
        for result in made[:2]:
            if done < policy.operations and rng.random() < PAIR_SHARE:
                done += _consume(builder, rng, result)


@cache
def welcome(name: str) -> float:
    """How readily an operator takes what comes: of the dtypes and ranks, those that one of its operands may have; half
    of the policies are exact, and have no room for what rounds. What takes little is seldom given a result at once, and
    motifs name some operators rather than others; so it is dealt more often. What data decide has a share of programs
    only."""
    operator = load()[name]
    taken = max(len(operand.dtypes) * len(operand.ranks) for operand in operator.operands)
    part = LEAST_WELCOME + taken / (len(ALL) * len(RANKS))
    if name.startswith(DETERMINED):
        part *= DETERMINED_SHARE
    return part * ROUNDING if rounds(operator) else part


@cache
def _shoe(exact: bool) -> Shoe:
    """Programs in exact arithmetic begin with what has a place in them, and the others with what rounds."""
    names = [name for name, operator in load().items() if rounds(operator) != exact]
    return Shoe(f"operators, {exact}", {name: round(COPIES / welcome(name)) for name in names})


@lru_cache(maxsize=4)
def _appetites(operators: tuple[str, ...]) -> list[float]:
    """How often each is tried where something is to be consumed, summed up."""
    return list(accumulate(welcome(name) ** -0.5 for name in operators))


def _consume(builder: Builder, rng: random.Random, name: str) -> bool:
    """Give a result at once to an operator drawn from all that take it, rather one that takes little, so that pairs of
    producer and consumer meet by design and not only where shapes happen to fit."""
    if not builder.tracked[name].promised:
        return False
    builder.preferred = name
    operators = builder.policy.operators
    try:
        for drawn in rng.choices(operators, cum_weights=_appetites(operators), k=8):
            operator = builder.operators[drawn]
            type_ = builder.environment.values[name].type
            first = name if takes(operator, type_, heads=True) else None
            if takes(operator, type_) and propose(builder, operator, first=first):
                return True
    finally:
        builder.preferred = ""
    return False


def _beside(builder: Builder, rng: random.Random) -> bool:
    """After zeros_like, ones_like and their kin: arithmetic of the constant and what it was made like, for which passes
    look that remove or fold operations."""
    last = builder.scope.statements[-1]
    if not isinstance(last, Operation) or builder.operators[last.operator].family != "create" or rng.random() < 0.2:
        return False
    like, made = last.operands[0], last.results[0].name
    arithmetic = [name for name in ARITHMETIC if name in builder.policy.operators]
    if not arithmetic or not isinstance(like, str) or like not in builder.visible():
        return False
    first, second = (like, made) if rng.random() < 0.6 else (made, like)
    builder.preferred = second
    try:
        return propose(builder, builder.operators[rng.choice(arithmetic)], first=first) is not None
    finally:
        builder.preferred = ""


def _write(builder: Builder, rng: random.Random) -> bool:
    """Write a value in place, rather one that others share memory with or that the caller passed in, and read one of
    those that saw it: what functionalisation has to get right, and what random choices seldom bring together."""
    storage = builder.environment.storage
    candidates = [name for name in builder.visible() if builder.tracked[name].promised and builder.writable(name)]
    if not candidates:
        return False
    arguments = {entry.name for entry in builder.inputs}
    shared = Counter(storage[name] for name in builder.visible() if name in storage)
    weights = [1 + 3 * (name in arguments) + 3 * (shared[storage[name]] > 1) for name in candidates]
    (target,) = rng.choices(candidates, weights)
    type_ = builder.environment.values[target].type
    for _ in range(8):
        operator = builder.operators[rng.choice(builder.policy.operators)]
        if operator.inplace is None or not takes(operator, type_, heads=True):
            continue
        builder.writing = True
        try:
            made = propose(builder, operator, first=target)
        finally:
            builder.writing = False
        if made is not None:
            seen = [name for name in builder.visible() if name != target and storage.get(name) == storage[target]]
            if seen:
                _consume(builder, rng, rng.choice(seen))
            return True
    return False


def _retire(builder: Builder, rng: random.Random) -> None:
    """Begin a new component: of what exists only a few values stay in sight, so that components are loosely joined."""
    names = builder.scopes[0].names
    kept = set(rng.sample(names, min(len(names), 4)))
    builder.retired.extend(name for name in names if name not in kept)
    builder.scopes[0].names = [name for name in names if name in kept]


def _container(builder: Builder, rng: random.Random, name: str) -> None:
    """Put values into a Python container and take one out again."""
    others = [other for other in builder.visible() if other != name]
    if rng.random() < 0.6:
        form = rng.choice(list(PICKS))
        _, position, count = PICKS[form]
        operands = [rng.choice(others or [name]) for _ in range(count)]
        operands[position] = name
        builder.adopt(builder.add_python("pick", tuple(operands), {"form": form}), name)
        return
    items = [name, *rng.sample(others, min(len(others), rng.randint(0, 2)))]
    kind = rng.choice(("tuple", "list", "dict"))
    keys = tuple(f"k{position}" for position in range(len(items))) if kind == "dict" else ()
    attributes: dict[str, Any] = {"container": kind}
    if keys:
        attributes["keys"] = keys
    packed = builder.add_python("pack", tuple(items), attributes)
    if kind == "list" and others and rng.random() < 0.5:
        extra = rng.choice(others)
        packed = builder.add_python("append", (packed, extra), {})
        items.append(extra)
    position = rng.randrange(len(items))
    index = {"index": position} if kind != "dict" else {"index": position, "key": keys[position]}
    taken = builder.add_python("item", (packed,), index)
    builder.adopt(taken, items[position])


def _outputs(builder: Builder, rng: random.Random) -> Tree:
    """Everything unused, and some of what was used, in a nest now and then."""
    body = [name for name in builder.produced() if builder.tracked[name].promised]
    leaves = [name for name in body if builder.tracked[name].uses == 0]
    used = [name for name in body if builder.tracked[name].uses > 0]
    # Nothing may go unseen: in a fat program every unused value is an output.
    shown = [name for name in used if name in builder.shown]
    # A motif of which the inside is seen is another, for which no pass looks.
    used = [name for name in used if name not in builder.interior]
    names = leaves + shown + rng.sample(used, min(len(used), max(1, len(used) // 8)))
    names = list(dict.fromkeys(names))
    inputs = [entry.name for entry in builder.inputs if isinstance(entry.value.type, TensorType)]
    if inputs and rng.random() < 0.08:
        names.append(rng.choice(inputs))
    if names and rng.random() < 0.05:
        names.append(rng.choice(names))
    if not names:
        names = inputs[:1]
    if not builder.dialect.python:
        rng.shuffle(names)
        return ("tuple", tuple(names), ())
    if rng.random() < NUMBERS_SHARE:
        with contextlib.suppress(Unsatisfied):
            names.append(_number(builder, rng))
    rng.shuffle(names)
    if len(names) == 1 and rng.random() < 0.5:
        return names[0]
    if len(names) > 2 and rng.random() < 0.2:
        cut = rng.randrange(1, len(names))
        inner = tuple(names[cut:])
        keys = tuple(f"k{position}" for position in range(len(inner)))
        nested: Tree = ("dict", inner, keys) if rng.random() < 0.5 else ("list", inner, ())
        return ("tuple", (*names[:cut], nested), ())
    return (rng.choice(("tuple", "tuple", "list")), tuple(names), ())


def _number(builder: Builder, rng: random.Random) -> str:
    """A Python number or truth value that follows from sizes and Python arguments: what a graph with symbolic sizes
    hands out as a symbol. Raises Unsatisfied.
    """

    def operand() -> str:
        numbers = [entry.name for entry in builder.inputs if entry.value.type == ScalarType("int")]
        if numbers and rng.random() < 0.3:
            return rng.choice(numbers)
        name = rng.choice(tensors)
        return builder.add_python("size", (name,), {"dim": rng.randrange(ranks[name])})

    types = {name: builder.environment.values[name].type for name in builder.visible()}
    ranks = {name: type_.rank for name, type_ in types.items() if isinstance(type_, TensorType) and type_.rank}
    tensors = list(ranks)
    require(bool(tensors), "no tensor has a size")
    number = operand()
    for _ in range(rng.randrange(3)):
        number = builder.add_python("arithmetic", (number, operand()), {"symbol": rng.choice("+-*")})
    if rng.random() < 0.3:
        number = builder.add_python("compare", (number, operand()), {"symbol": rng.choice(("==", "!=", "<", ">="))})
    return number


def _pruned(program: Program) -> Program:
    """Without inputs that nothing reads: refused proposals leave some. Those that bind a size or are a base stay."""
    used = set(output_names(program.outputs))
    for statement in program.body:
        used |= set(reads(statement))
    used |= {entry.base for entry in program.inputs if entry.name in used and entry.base}
    kept = []
    bound: set[str] = set()
    for entry in program.inputs:
        symbols = symbols_in(entry.value.type.shape) if isinstance(entry.value.type, TensorType) else set()
        if entry.name in used or (entry.base is None and symbols - bound):
            kept.append(entry)
            bound |= symbols
    names = {entry.name for entry in kept}
    calls = tuple(
        type(call)(call.instantiation, tuple((name, argument) for name, argument in call.arguments if name in names))
        for call in program.calls
    )
    return Program(
        program.sizes,
        program.instantiations,
        tuple(kept),
        program.body,
        program.outputs,
        calls,
        program.training,
        program.style,
        program.values,
    )


__all__ = ["SOURCE", "Drawn", "Unsatisfied", "draw_program", "make_case", "make_program"]
