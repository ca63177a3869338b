"""Motifs alone, in programs of their own: what tests of them draw."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Mapping
from typing import Any

from assay.generate.builder import Builder
from assay.generate.dialect import TORCH, Dialect
from assay.generate.given import give
from assay.generate.graph import finished
from assay.generate.motifs.catalogue import Motif
from assay.generate.motifs.deck import insert
from assay.generate.motifs.draft import WRITE
from assay.generate.policy import draw_policy
from assay.ir.program import Program
from assay.ops.catalogue import load
from assay.ops.facts import Unsatisfied

OPERATIONS = 40
# Draws of a policy and of a motif before a change counts as one that cannot be made.
TRIES = 400


def drafted(
    motif: Motif, change: str, seed: int, dialect: Dialect = TORCH, choices: Mapping[str, Any] | None = None
) -> Builder | None:
    """A program under construction with this motif alone and this change, None where the draw does not allow it;
    ``choices`` are of its policy. Everything that the motif yields is used: passes look for what is inside a graph."""
    rng = random.Random(f"{motif.name}/{seed}")
    usual = {"mutation": 0.5 if change == WRITE or motif.writes else 0.2}
    forced: dict[str, Any] = {**usual, **(choices or {}), **dialect.forced}
    names = dialect.operators(tuple(load()))
    builder = Builder(rng, draw_policy(rng, names, OPERATIONS, False, forced), dict(load()), dialect)
    made = insert(builder, motif, OPERATIONS, change)
    for name in made.results if made is not None else ():
        for consumer in ("unary.abs", "unary.logical_not"):
            with contextlib.suppress(Unsatisfied):
                give(builder, builder.operators[consumer], (name,), {})
                break
    return builder if builder.motifs == [(motif.name, change)] else None


def built(
    motif: Motif, change: str, wanted: int, dialect: Dialect = TORCH, choices: Mapping[str, Any] | None = None
) -> Iterator[Program]:
    """So many programs of this motif alone, with this change. Raises AssertionError where it cannot be made."""
    found = 0
    for seed in range(TRIES):
        builder = drafted(motif, change, seed, dialect, choices)
        if builder is not None:
            yield finished(builder)
            found += 1
            if found == wanted:
                return
    raise AssertionError(f"{motif.name} could not be changed: {change or 'as it is'}")
