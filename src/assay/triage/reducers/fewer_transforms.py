"""Rewrites undone: all of them, all but one, one at a time; what they held stays."""

from __future__ import annotations

from collections.abc import Iterator

from assay.ir.program import Program, Region, walk
from assay.triage.reducers.inline_regions import undone
from assay.triage.registry import reducer
from assay.triage.subject import Subject


@reducer("fewer-transforms", order=1)
def fewer_transforms(subject: Subject) -> Iterator[Subject]:
    """None of the rewrites, then each alone, then without each."""
    count = len(_rewrites(subject.program))
    chosen = [frozenset[int]()]
    chosen += [frozenset({kept}) for kept in range(count)] if count > 1 else []
    chosen += [frozenset(range(count)) - {left} for left in range(count)] if count > 2 else []
    for kept in chosen if count else ():
        program = _with_only(subject.program, kept)
        if program is not None:
            yield subject.with_program(program)


def _rewrites(program: Program) -> list[tuple[int, Region]]:
    statements = enumerate(walk(program.body))
    return [(number, each) for number, each in statements if isinstance(each, Region) and each.kind == "rewrite"]


def _with_only(program: Program, kept: frozenset[int]) -> Program | None:
    """The program with some of its rewrites, counted in textual order. The last is undone first, so that the numbers
    of those before it stay."""
    for position in reversed(range(len(_rewrites(program)))):
        if position not in kept:
            number, region = _rewrites(program)[position]
            program_now = next(iter(undone(program, number, region)), None)
            if program_now is None:
                return None
            program = program_now
    return program
