"""Every motif, as it is and with each of its changes, makes programs that are valid."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from benchmarks.generation import Eager
from tests.generate.motifs.drafts import built

from assay.emit.onnx import translate
from assay.emit.torch import render
from assay.generate.dialect import Dialect
from assay.generate.motifs.catalogue import Motif
from assay.generate.motifs.catalogue import load as load_motifs
from assay.generate.motifs.draft import CAST, USE
from assay.ir.program import Operation, walk
from assay.ir.verify import verify
from assay.ops.catalogue import load
from assay.ops.interpret import interpret

MOTIFS = load_motifs()
FAMILIES = sorted({motif.family for motif in MOTIFS.values()})


def changes_of(motif: Motif) -> list[str]:
    """What may be changed in it: nothing, its own, and what every motif has."""
    return ["", *motif.changes, CAST, USE]


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
