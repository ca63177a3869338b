"""Every motif, as it is and with each of its changes, makes programs that are valid."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from benchmarks.generation import Eager

from assay.emit.onnx import translate
from assay.emit.torch import render
from assay.generate.builder import Builder
from assay.generate.dialect import TORCH, Dialect
from assay.generate.graph import finished
from assay.generate.motifs.catalogue import Motif
from assay.generate.motifs.catalogue import load as load_motifs
from assay.generate.motifs.deck import insert
from assay.generate.motifs.draft import CAST, USE, WRITE
from assay.generate.policy import draw_policy
from assay.ir.program import Operation, Program, walk
from assay.ir.verify import verify
from assay.ops.catalogue import load
from assay.ops.interpret import interpret

MOTIFS = load_motifs()
FAMILIES = sorted({motif.family for motif in MOTIFS.values()})
OPERATIONS = 40
# Draws of a policy and of a motif before a change counts as one that cannot be made.
TRIES = 400


def built(motif: Motif, change: str, wanted: int, dialect: Dialect = TORCH) -> Iterator[Program]:
    """Programs of this motif alone, with this change."""
    found = 0
    for seed in range(TRIES):
        rng = random.Random(f"{motif.name}/{change}/{seed}")
        forced: dict[str, Any] = {"mutation": 0.5 if change == WRITE or motif.writes else 0.2, **dialect.forced}
        names = dialect.operators(tuple(load()), load())
        builder = Builder(rng, draw_policy(rng, names, OPERATIONS, False, forced), dict(load()), dialect)
        if insert(builder, motif, OPERATIONS, change) is not None and builder.motifs == [(motif.name, change)]:
            yield finished(builder)
            found += 1
            if found == wanted:
                return
    raise AssertionError(f"{motif.name} could not be changed: {change or 'as it is'}")


def changes_of(motif: Motif) -> list[str]:
    """What may be changed in it: none, its own, and what every motif of several operations has."""
    several = any(len(list(walk(program.body))) > 1 for program in built(motif, "", 3))
    return ["", *motif.changes, CAST, *([USE] if several else [])]


@pytest.mark.parametrize("family", FAMILIES)
def test_motifs_of_a_family_are_accepted_whole_and_with_each_change(family: str) -> None:
    for motif in (motif for motif in MOTIFS.values() if motif.family == family):
        for change in changes_of(motif):
            for program in built(motif, change, 2):
                verify(program)
                assert interpret(program, load())[0] == program
                names = {each.operator for each in walk(program.body) if isinstance(each, Operation)}
                assert change or names >= set(motif.uses), motif.name


@pytest.fixture(scope="module")
def eager() -> Iterator[Eager]:
    """The process that runs programs eagerly."""
    pytest.importorskip("torch")
    process = Eager()
    yield process
    process.process.kill()


@pytest.mark.torch
@pytest.mark.parametrize("family", FAMILIES)
def test_motifs_of_a_family_run_in_eager_mode_and_stay_finite(family: str, eager: Eager) -> None:
    for motif in (motif for motif in MOTIFS.values() if motif.family == family):
        for change in changes_of(motif):
            for program in built(motif, change, 3):
                text = render(program)
                error = eager.run(text)
                assert error is None, f"{motif.name}, {change!r}: {error}\n{text}"


@pytest.mark.parametrize("family", FAMILIES)
def test_motifs_of_a_family_can_be_said_in_onnx(family: str) -> None:
    dialect = Dialect(21)
    for motif in (motif for motif in MOTIFS.values() if motif.family == family and not motif.writes):
        for program in built(motif, "", 2, dialect):
            translate(program, 21)


def test_a_motif_says_who_looks_for_it() -> None:
    for motif in MOTIFS.values():
        assert motif.inductor or motif.onnxruntime, motif.name
        assert motif.summary, motif.name
        assert len(set(motif.changes)) == len(motif.changes), motif.name
        assert set(motif.uses) <= set(load()), motif.name
