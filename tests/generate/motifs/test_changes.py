"""A motif is inserted whole, or with exactly one thing changed: the two differ in nothing else."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from tests.generate.motifs.drafts import drafted

from assay.generate.builder import Builder
from assay.generate.graph import finished
from assay.generate.motifs import deck
from assay.generate.motifs.catalogue import Motif
from assay.generate.motifs.catalogue import load as load_motifs
from assay.generate.motifs.draft import CAST, ORDER, USE, WRITE, Draft
from assay.ir.program import Operation, operand_names, output_names, walk
from assay.ir.types import TensorType

MOTIFS = load_motifs()
FAMILIES = sorted({motif.family for motif in MOTIFS.values()})
SEEDS = 60
MUTATION = {"mutation": 0.5}
PAIRS = 2


@pytest.fixture(autouse=True)
def one_try(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second try would draw anew, and so differ in everything."""
    monkeypatch.setattr(deck, "TRIES", 1)


def of_family(family: str) -> list[Motif]:
    """The motifs of a family."""
    return [motif for motif in MOTIFS.values() if motif.family == family]


def pairs(motif: Motif, change: str) -> Iterator[tuple[Builder, Builder]]:
    """The motif without and with a change, both drawn alike."""
    found = 0
    for seed in range(SEEDS):
        changed = drafted(motif, change, seed, choices=MUTATION)
        usual = drafted(motif, "", seed, choices=MUTATION) if changed is not None else None
        if usual is None or changed is None:
            continue
        yield usual, changed
        found += 1
        if found == PAIRS:
            return


def operations(builder: Builder) -> list[Operation]:
    """Its operations in order."""
    return [statement for statement in walk(builder.scopes[0].statements) if isinstance(statement, Operation)]


def said(builder: Builder) -> Counter[Any]:
    """What its operations are, apart from their operands and from whether they are written in place."""
    return Counter((each.operator, tuple(map(str, each.attributes))) for each in operations(builder))


def taken(builder: Builder) -> list[frozenset[str]]:
    """The operands of its operations, in no order."""
    return [
        frozenset(name for operand in each.operands for name in operand_names(operand)) for each in operations(builder)
    ]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_cast_there_and_back_is_all_that_a_cast_adds(family: str) -> None:
    for motif in of_family(family):
        for usual, changed in pairs(motif, CAST):
            assert not said(usual) - said(changed), motif.name
            assert [name for name, _ in (said(changed) - said(usual)).elements()] == ["cast.to", "cast.to"], motif.name


@pytest.mark.parametrize("family", FAMILIES)
def test_another_use_is_one_operation_or_one_output_more(family: str) -> None:
    for motif in of_family(family):
        for usual, changed in pairs(motif, USE):
            assert not said(usual) - said(changed), motif.name
            more = (said(changed) - said(usual)).total() + len(changed.shown) - len(usual.shown)
            assert more == 1, motif.name


@pytest.mark.parametrize("family", FAMILIES)
def test_a_write_is_the_same_operation_in_place(family: str) -> None:
    for motif in of_family(family):
        for usual, changed in pairs(motif, WRITE):
            assert said(usual) == said(changed), motif.name
            forms = [(one.form, other.form) for one, other in zip(operations(usual), operations(changed), strict=True)]
            assert [other for one, other in forms if one != other] == ["inplace"], motif.name


@pytest.mark.parametrize("family", FAMILIES)
def test_another_order_is_of_the_same_operands(family: str) -> None:
    for motif in of_family(family):
        for usual, changed in pairs(motif, ORDER):
            assert said(usual) == said(changed), motif.name
            types = [Counter(_types(each)) for each in (usual, changed)]
            assert types[0] == types[1], motif.name
            assert operations(usual) != operations(changed), motif.name


def _types(builder: Builder) -> Iterator[tuple[str, int]]:
    for entry in builder.inputs:
        type_ = entry.value.type
        if isinstance(type_, TensorType):
            yield type_.dtype, type_.rank


@pytest.mark.parametrize("family", FAMILIES)
def test_of_all_that_a_motif_asks_one_answer_is_another(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[tuple[str, bool]] = []
    pick = Draft.pick

    def told(self: Draft, change: str, usual: Any, *others: Any) -> Any:
        found = pick(self, change, usual, *others)
        answers.append((change, (type(found), found) != (type(usual), usual)))
        return found

    monkeypatch.setattr(Draft, "pick", told)
    for motif in of_family(family):
        for change in ("", *motif.changes, CAST, USE):
            for seed in range(SEEDS):
                answers.clear()
                if drafted(motif, change, seed) is not None:
                    break
            else:
                continue
            own = [change] if change in motif.changes else []
            assert [each for each, other in answers if other] == own, motif.name
            assert {each for each, _ in answers} <= set(motif.changes), motif.name


def test_a_place_that_asks_twice_is_changed_once() -> None:
    def twice(m: Draft) -> None:
        x = m.start(("float32",), (2,))
        for _ in range(2):
            x = m(m.pick("attribute function", "unary.abs", "unary.neg"), x)

    motif = Motif("twice", "none", twice, (), (), (), ("attribute function",), False, False, 1.0)
    builders = (drafted(motif, "attribute function", seed) for seed in range(20))
    made = [[each.operator for each in operations(builder)][-3:-1] for builder in builders if builder is not None]
    assert made
    assert all(names == ["unary.neg", "unary.abs"] for names in made)


def test_which_change_is_made_is_drawn_among_those_of_the_motif() -> None:
    motif = MOTIFS["permuted_pointwise"]
    changes = set()
    for seed in range(100):
        builder = drafted(motif, "", seed, choices=MUTATION)
        if builder is not None:
            builder.rng = random.Random(seed)
            deck.insert(builder, motif, 40)
            changes.add(builder.motifs[-1][1])
    assert {"", *motif.changes, USE, CAST, WRITE} <= changes


def test_nothing_but_a_changed_use_reads_or_shows_what_is_inside() -> None:
    for motif in MOTIFS.values():
        builder = drafted(motif, "", 1)
        if builder is not None:
            outputs = set(output_names(finished(builder).outputs))
            assert not builder.interior & {*builder.visible(), *outputs}, motif.name
