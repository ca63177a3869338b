"""Regions replaced by what is in them: an arm, one trip of a loop, the body of a function at its call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from assay.ir.program import Block, Literal, Operand, Program, PythonOperation, Region, Statement, Tree, walk
from assay.ir.sizes import largest
from assay.ops.editing import substituted, substituted_statements
from assay.ops.facts import Unsatisfied
from assay.triage.registry import reducer
from assay.triage.rewriting import renamed_block, replaced
from assay.triage.subject import Subject


@reducer("inline-regions", order=16)
def inline_regions(subject: Subject) -> Iterator[Subject]:
    """Every region in turn, the outer ones first."""
    program = subject.program
    for number, statement in enumerate(walk(program.body)):
        if not isinstance(statement, Region):
            continue
        for shorter in _inlined(program, number, statement):
            yield subject.with_program(shorter)


def _inlined(program: Program, number: int, region: Region) -> Iterator[Program]:
    if region.kind in ("def", "lambda"):
        yield from _calls_inlined(program, number, region)
    elif region.kind in ("for", "while"):
        yield from _loop_inlined(program, number, region)
    elif region.kind == "rewrite":
        yield from undone(program, number, region)
    else:
        for block in region.blocks:
            yield from _spliced(program, number, block.statements, _pairs(region, block.results))


def undone(program: Program, number: int, region: Region) -> Iterator[Program]:
    """The program without a rewrite: its block stays, what else it yields is no output any more."""
    count = len(region.blocks[0].results)
    outputs = _without(program.outputs, {value.name for value in region.results[count:]})
    if outputs is None:
        return
    results = dict(zip((value.name for value in region.results), region.blocks[0].results, strict=False))
    yield from _spliced(replace(program, outputs=outputs), number, region.blocks[0].statements, results)


def _without(tree: Tree, names: set[str]) -> Tree | None:
    """A nest of outputs without some leaves; None where nothing is left."""
    if isinstance(tree, str):
        return None if tree in names else tree
    kind, items, keys = tree
    kept = [(position, _without(item, names)) for position, item in enumerate(items)]
    left = [(position, item) for position, item in kept if item is not None]
    if not left:
        return None
    return (kind, tuple(item for _, item in left), tuple(keys[position] for position, _ in left) if keys else ())


def _pairs(region: Region, names: Sequence[Operand]) -> dict[str, Operand]:
    return {value.name: name for value, name in zip(region.results, names, strict=True)}


def _spliced(
    program: Program, number: int, statements: Sequence[Statement], results: Mapping[str, Operand]
) -> Iterator[Program]:
    try:
        yield substituted(replaced(program, {number: statements}), results)
    except Unsatisfied:
        return


def _loop_inlined(program: Program, number: int, region: Region) -> Iterator[Program]:
    yield from _spliced(program, number, (), _pairs(region, region.operands))
    block = region.blocks[0]
    counter, *carried = block.parameters
    given: dict[str, Operand] = {counter.name: Literal(0)}
    given |= {parameter.name: operand for parameter, operand in zip(carried, region.operands, strict=True)}
    try:
        once = substituted_statements(block.statements, given)
    except Unsatisfied:
        return
    yield from _spliced(program, number, once, _pairs(region, [given.get(name, name) for name in block.results]))
    trips = dict(region.attributes)["trips"]
    for fewer in (1, 2):
        if fewer < largest(trips):
            attributes = tuple((key, fewer if key == "trips" else value) for key, value in region.attributes)
            yield replaced(program, {number: (replace(region, attributes=attributes),)})


def _calls_inlined(program: Program, number: int, region: Region) -> Iterator[Program]:
    name = region.results[0].name
    edits: dict[int, Sequence[Statement]] = {number: ()}
    results: dict[str, Operand] = {}
    calls = [
        (at, statement)
        for at, statement in enumerate(walk(program.body))
        if isinstance(statement, PythonOperation) and statement.kind == "call" and statement.operands[0] == name
    ]
    for at, statement in calls:
        # Where it stands once, the names are kept, so that what was known to be dead still is.
        try:
            body, yielded = _body(region.blocks[0], statement.operands[1:], f"_{at}" if len(calls) > 1 else "")
        except Unsatisfied:
            return
        edits[at] = body
        results |= {value.name: result for value, result in zip(statement.results, yielded, strict=True)}
    if any(inside in edits for inside in _inner_numbers(program, number)):
        return
    try:
        yield substituted(replaced(program, edits), results)
    except Unsatisfied:
        return


def _inner_numbers(program: Program, number: int) -> range:
    statement = list(walk(program.body))[number]
    return range(number + 1, number + sum(1 for _ in walk((statement,))))


def _body(block: Block, operands: Sequence[Operand], suffix: str) -> tuple[tuple[Statement, ...], tuple[Operand, ...]]:
    statements, names = renamed_block(replace(block, parameters=()), suffix)
    given = {parameter.name: operand for parameter, operand in zip(block.parameters, operands, strict=True)}
    return substituted_statements(statements, given), tuple(given.get(name, name) for name in names)
