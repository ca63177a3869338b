"""What a program exercises is seen, and what is declared holds all that generation can make."""

from __future__ import annotations

import pytest

from assay.generate.coverage import DEALT, TITLES, Features, Tally, count_operations, declared, exercised, features
from assay.generate.graph import make_case
from assay.generate.motifs.catalogue import load as load_motifs
from assay.generate.motifs.draft import WRITE
from assay.generate.settings import Settings
from assay.ir.case import Case
from assay.ir.program import Input, Operation, Program, Value
from assay.ir.types import TensorType
from assay.ops.catalogue import load

X = Value("x", TensorType("float32", (2, 3)), "x")
SUM = Value("a", TensorType("float32", (2, 1)), "a")
NEGATED = Value("b", TensorType("float32", (2, 1)), "b")
OPERATORS = tuple(load())


@pytest.fixture
def program() -> Program:
    """The negative of the sum over the last dimension, which is kept."""
    attributes = {attribute.name: attribute.default for attribute in load()["reduce.sum"].attributes}
    kept = tuple({**attributes, "dim": (-1,), "keepdim": True}.items())
    body = (Operation("reduce.sum", ("x",), kept, (SUM,)), Operation("unary.neg", ("a",), (), (NEGATED,), "method"))
    return Program((), 1, (Input(X),), body, "b", ())


def made(*targets: str, cases: int = 60) -> list[Case]:
    """The first cases on some targets."""
    settings = Settings(3, OPERATORS, None, targets)
    return [make_case(settings, index) for index in range(cases)]


def tally_of(cases: list[Case]) -> Tally:
    """All of them, every other one engaged."""
    tally = Tally()
    for number, case in enumerate(cases):
        tally.add(features(case, OPERATORS), number % 2 == 0)
    return tally


def test_an_operation_knows_what_made_its_operands(program: Program) -> None:
    one, two = exercised(program)
    assert (one.dtype, one.producers, one.depth) == ("float32", (), 1)
    assert (two.dtype, two.producers, two.depth) == ("float32", ("reduce.sum",), 2)


def test_the_classes_of_attributes_are_those_of_the_specification(program: Program) -> None:
    found = Features()
    count_operations(found, exercised(program))
    seen, possible = found.seen["classes"], found.chances["classes"]
    assert seen["reduce.sum", "dim:negative", "keepdim:other"] == 1
    # The value of the first attribute is given; of the second, what might have been drawn beside it had its chance.
    assert ("reduce.sum", "dim:negative", "keepdim:default") in set(possible) - set(seen)
    assert ("reduce.sum", "dim:other", "keepdim:default") not in possible
    shares = [share for key, share in possible.items() if key[1:] > ("dim:negative", "keepdim:")]
    assert sum(share for key, share in possible.items() if key[2].startswith("keepdim:")) == pytest.approx(1)
    assert shares


def test_forms_pairs_and_results_are_counted(program: Program) -> None:
    found = Features()
    count_operations(found, exercised(program))
    assert found.seen["forms"]["unary.neg", "method"] == 1
    assert dict(found.seen["pairs"]) == {("reduce.sum", "unary.neg"): 1}
    assert ("unary.neg", "float32", 2) in found.produced


@pytest.mark.parametrize("targets", [("aot_eager", "inductor"), ("onnxruntime",)])
def test_all_that_generation_makes_is_declared(targets: tuple[str, ...]) -> None:
    tally = tally_of(made(*targets))
    for name in set(TITLES) - {"options"}:
        beyond = set(tally.seen[name]) - declared(name, tally, opsets="onnxruntime" in targets)
        # Which operations of a motif may be written in place follows from its draw.
        assert not {key for key in beyond if name != "motifs" or key[1] != WRITE}, name
    assert bool(tally.seen["expressions"]) == ("inductor" in targets)


def test_motifs_are_declared_whole_and_with_each_change() -> None:
    every = declared("motifs", Tally())
    for motif in load_motifs().values():
        assert {change for name, change in every if name == motif.name} == {"as it is", "cast", "use", *motif.changes}
    tally = tally_of(made("aot_eager", "onnxruntime"))
    assert tally.seen["motifs"]
    assert {name for name, _ in tally.seen["motifs"]} <= set(load_motifs())


def test_operators_share_the_chances_of_a_case() -> None:
    for case in made("aot_eager", cases=5):
        chances = features(case, OPERATORS).chances["operators"]
        assert sum(chances.values()) == pytest.approx(case.operations)
        assert not {(name,) for name in case.recipe["policy"]["left_out"]} & set(chances)


def test_a_dtype_has_its_chance_only_under_a_policy_that_holds_it() -> None:
    for case in made("aot_eager", cases=10):
        held = set(case.recipe["policy"]["dtypes"])
        for operator, dtype in features(case, OPERATORS).chances["dtypes"]:
            declared_ = set(load()[operator].operands[0].dtypes)
            assert dtype in (declared_ & held or declared_)


def test_tallies_of_parts_merge_into_the_tally_of_all() -> None:
    cases = made("aot_eager", cases=20)
    whole, parts = tally_of(cases), Tally()
    for half in (cases[:10], cases[10:]):
        parts.merge(tally_of(half))
    assert (parts.cases, parts.engaged_cases) == (20, 10)
    assert (parts.seen, parts.engaged, parts.produced) == (whole.seen, whole.engaged, whole.produced)
    for name in DEALT:
        assert parts.chances[name] == pytest.approx(whole.chances[name])


def test_motifs_and_options_are_counted_and_a_case_without_a_program_by_its_operators() -> None:
    recipe = {"motifs": [["cast chain", ""], ["cast chain", "dtype"]]}
    case = Case("corpus", "inductor", {"config": {"a": 1}}, "", False, 1, recipe, {}, ("unary.neg",), 1)
    seen = features(case, OPERATORS).seen
    assert set(seen["motifs"]) == {("cast chain", "as it is"), ("cast chain", "dtype")}
    assert set(seen["options"]) == {("config.a", "1")}
    assert set(seen["operators"]) == {("unary.neg",)}
