"""Transforms applied to programs: a site drawn, its statements replaced by a rewrite, the names that follow mended."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace

from assay.ir.program import Block, Call, Program, Region, Statement, Tree, Value, output_names, walk
from assay.ir.types import ScalarType, TensorType, Type
from assay.ops.editing import map_tree, substituted_statements
from assay.ops.facts import Unsatisfied
from assay.transforms.registry import Transform, transforms
from assay.transforms.sites import Path, Site, Survey

MOST = 6


def apply(program: Program, name: str, rng: random.Random) -> Program | None:
    """The program with one rewrite of a transform at a drawn site; None where there is no site."""
    chosen = transforms()[name]
    survey = Survey(program)
    site = survey.draw(chosen, rng)
    return None if site is None else rewritten(survey, chosen, site)


def apply_all(program: Program, names: Sequence[str], rng: random.Random) -> tuple[Program, tuple[str, ...]]:
    """The program with every transform that finds a site applied in order, and the names of these."""
    done = []
    for name in names:
        made = apply(program, name, rng)
        if made is not None:
            program = made
            done.append(name)
    return program, tuple(done)


def dealt(seed: int, index: int, count: int, rng: random.Random) -> tuple[str, ...]:
    """Names of transforms for the case at an index. The first two are a pair from a deck of all ordered pairs, so that
    each pair has its turn, the rare ones too; the rest is drawn."""
    known = list(transforms().values())
    size = len(known)
    # A walk through all pairs in an order that looks random and repeats none: the step has no factor with their number.
    pairs = size * size
    step = next(each for each in range(int(pairs * 0.618), pairs + 2) if math.gcd(each, pairs) == 1)
    place = (seed * 7919 + index * step) % pairs
    names = [known[place // size].name, known[place % size].name]
    weights = [each.weight for each in known]
    names += [each.name for each in rng.choices(known, weights, k=max(0, count - 2))]
    return tuple(names[:count])


def rewritten(survey: Survey, chosen: Transform, site: Site) -> Program:
    """The program with the statements of a site in a rewrite."""
    program = survey.program
    statements = _block_at(program.body, site.path)
    names = _fresh_names(program, len(site.yields) + len(chosen.extras))
    values = [
        Value(name, _type(survey, old), survey.storage.get(old, ""))
        for name, old in zip(names, site.yields, strict=False)
    ]
    extras = [
        Value(name, TensorType("int64", (_length(site),)) if kind == "tensor" else ScalarType(kind), "")
        for name, kind in zip(names[len(values) :], chosen.extras, strict=True)
    ]
    extras = [replace(each, storage=each.name) if isinstance(each.type, TensorType) else each for each in extras]
    region = Region(
        "rewrite",
        site.operands,
        (("transform", chosen.name), *site.choices),
        (Block(statements[site.start : site.stop], site.yields),),
        (*values, *extras),
    )
    renaming = {old: value.name for old, value in zip(site.yields, values, strict=True)}
    after = substituted_statements(statements[site.stop :], renaming)
    body, outputs = _replaced(program, site.path, (*statements[: site.start], region, *after), renaming)
    calls = _thrice(program) if chosen.between else program.calls
    return replace(program, body=body, outputs=_with_extras(outputs, [each.name for each in extras]), calls=calls)


def _thrice(program: Program) -> tuple[Call, ...]:
    """At least three calls: as at first, others, as at first again. State that a program keeps is only known not to
    grow out of its domain over the calls that it has."""
    if len(program.calls) > 2 or any(entry.role != "argument" for entry in program.inputs):
        return program.calls
    first = program.calls[0]
    return (first, program.calls[-1], first)


def _length(site: Site) -> int:
    return 2 + int(dict(site.choices)["number"]) % 3


def _type(survey: Survey, name: str) -> Type:
    found = survey.type(name)
    if found is None:
        raise Unsatisfied(f"{name} has no type")
    return found


def _block_at(body: tuple[Statement, ...], path: Path) -> tuple[Statement, ...]:
    for number, position in path:
        region = body[number]
        assert isinstance(region, Region)
        body = region.blocks[position].statements
    return body


def _replaced(
    program: Program, path: Path, statements: tuple[Statement, ...], renaming: dict[str, str]
) -> tuple[tuple[Statement, ...], Tree]:
    """The body with other statements in the block at a path, which yields values under their new names."""
    if not path:
        return statements, map_tree(program.outputs, lambda name: renaming.get(name, name))

    def block(body: tuple[Statement, ...], rest: Path) -> tuple[Statement, ...]:
        (number, position), *further = rest
        region = body[number]
        assert isinstance(region, Region)
        old = region.blocks[position]
        if further:
            new = replace(old, statements=block(old.statements, tuple(further)))
        else:
            new = replace(old, statements=statements, results=tuple(renaming.get(name, name) for name in old.results))
        blocks = tuple(new if at == position else each for at, each in enumerate(region.blocks))
        return (*body[:number], replace(region, blocks=blocks), *body[number + 1 :])

    return block(program.body, path), program.outputs


def _with_extras(outputs: Tree, names: Sequence[str]) -> Tree:
    if not names:
        return outputs
    if isinstance(outputs, str) or outputs[0] == "dict":
        return ("tuple", (outputs, *names), ())
    return (outputs[0], (*outputs[1], *names), ())


def _fresh_names(program: Program, count: int) -> list[str]:
    taken = {entry.name for entry in program.inputs} | set(output_names(program.outputs))
    for statement in walk(program.body):
        taken |= {value.name for value in statement.results}
    names: list[str] = []
    number = 1
    while len(names) < count:
        if f"w{number}" not in taken:
            names.append(f"w{number}")
        number += 1
    return names
