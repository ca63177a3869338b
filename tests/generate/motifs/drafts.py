"""Motifs alone, in programs of their own: what tests of them draw."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from assay.generate.builder import Builder
from assay.generate.dialect import TORCH, Dialect
from assay.generate.graph import finished
from assay.generate.motifs.catalogue import Motif
from assay.generate.motifs.deck import insert
from assay.generate.motifs.draft import WRITE
from assay.generate.policy import draw_policy
from assay.ir.program import Program
from assay.ops.catalogue import load

OPERATIONS = 40
# Draws of a policy and of a motif before a change counts as one that cannot be made.
TRIES = 400


def drafted(
    motif: Motif, change: str, seed: int, dialect: Dialect = TORCH, mutation: float | None = None
) -> Builder | None:
    """A program under construction with this motif alone and this change, None where the draw does not allow it."""
    rng = random.Random(f"{motif.name}/{seed}")
    writes = change == WRITE or motif.writes
    forced: dict[str, Any] = {"mutation": (0.5 if writes else 0.2) if mutation is None else mutation, **dialect.forced}
    names = dialect.operators(tuple(load()), load())
    builder = Builder(rng, draw_policy(rng, names, OPERATIONS, False, forced), dict(load()), dialect)
    insert(builder, motif, OPERATIONS, change)
    return builder if builder.motifs == [(motif.name, change)] else None


def built(motif: Motif, change: str, wanted: int, dialect: Dialect = TORCH) -> Iterator[Program]:
    """So many programs of this motif alone, with this change. Raises AssertionError where it cannot be made."""
    found = 0
    for seed in range(TRIES):
        builder = drafted(motif, change, seed, dialect)
        if builder is not None:
            yield finished(builder)
            found += 1
            if found == wanted:
                return
    raise AssertionError(f"{motif.name} could not be changed: {change or 'as it is'}")
