"""The judge weighs what the oracles found."""

import time

import numpy as np
import pytest

from assay.oracles.conformance import breaches, samples
from assay.oracles.judge import judge
from assay.oracles.outcome import Execution, Outcome
from assay.oracles.registry import Oracle, Question, oracle, oracles
from assay.oracles.verdict import Discrepancy, Judgement, Kind, Verdict

from .build import call, case, outcome, tensor

ONES = np.ones(32)


def test_outcomes_that_agree_pass():
    assert judge(
        case(), outcome(tensor(ONES, data=None, storage=1, identity=1), tensor(ONES, data=None, storage=1, identity=1))
    ) == Judgement(Verdict.Pass)
    assert judge(case(True), outcome(tensor(ONES), tensor(ONES))) == Judgement(Verdict.Pass)


def test_the_most_serious_kind_decides_and_the_others_are_told():
    eager = call(tensor(ONES), tensor(ONES))
    target = call(tensor(ONES * 2, requires_grad=True), tensor(ONES, "float64"))
    judged = judge(case(True), outcome(eager, target))
    assert (judged.kind, judged.where) == (Kind.dtype, "call 0, output 1")
    assert judged.detail.splitlines()[1] == "also: value in call 0, output 0, gradient in call 0, output 0"


def test_a_value_that_awaits_evidence_comes_before_an_alias_that_is_certain():
    eager = call(tensor(ONES, storage=0), tensor(ONES, storage=0))
    target = call(tensor(ONES * 2, storage=0), tensor(ONES, storage=1))
    judged = judge(case(), outcome(eager, target, again=None))
    assert (judged.verdict, judged.kind) == (Verdict.Inconclusive, Kind.value)
    assert judged.wanted == ("eager_again", "shadow")


DEAD = Outcome("c1", "died", "target", signal=11)
NOTHING = dict.fromkeys(("shadow", "float64", "float64_shadow", "exact"), DEAD)


def test_evidence_that_was_given_is_not_wanted_again():
    judged = judge(case(), outcome(tensor(ONES), tensor(ONES * 2)), NOTHING)
    assert (judged.verdict, judged.wanted) == (Verdict.Inconclusive, ())


def test_evidence_is_wanted_from_the_cheapest_on_and_each_piece_once():
    wanted, evidence = [], {}
    while asked := judge(case(), outcome(tensor(ONES), tensor(ONES * 2)), evidence).wanted:
        wanted.append(asked)
        evidence.update(dict.fromkeys(asked, DEAD))
    assert wanted == [("shadow",), ("float64", "float64_shadow"), ("exact",)]


def test_a_decided_alias_stands_where_the_value_stays_undecided():
    eager = call(tensor(ONES, storage=0), tensor(ONES, storage=0))
    target = call(tensor(ONES * 2, storage=0), tensor(ONES, storage=1))
    judged = judge(case(), outcome(eager, target), NOTHING)
    assert (judged.verdict, judged.kind) == (Verdict.Mismatch, Kind.alias)


@pytest.mark.parametrize(
    ("reference", "target"),
    [(None, None), (Execution((call(),)), None), (Execution((call(), call())), Execution((call(),)))],
)
def test_an_outcome_with_parts_missing_is_our_own_defect(reference, target):
    judged = judge(case(), Outcome("c0", "completed", reference=reference, target=target))
    assert judged.verdict is Verdict.Invalid


def test_whatever_arrives_is_judged():
    for question in samples():
        judged = judge(question.case, question.outcome, question.evidence)
        assert judged.verdict is Verdict.Pass or judged.detail
        assert set(judged.wanted).isdisjoint(question.evidence)


@pytest.mark.parametrize("each", oracles(), ids=lambda each: each.name)
def test_every_oracle_conforms(each: Oracle):
    assert breaches(each) == []


def test_every_oracle_of_the_folder_is_found_in_order():
    names = [each.name for each in oracles()]
    assert names[:4] == ["crash", "hang", "memory", "exceptions"]
    assert {"values", "dtype", "shape", "strides", "alias", "mutation", "requires_grad", "gradients", "types"} <= {
        *names
    }
    assert names[-1] == "determinism"


def test_an_oracle_that_breaks_the_rules_is_told_so():
    answers = iter(range(10**9))

    @oracle("impure", order=5)
    def impure(question: Question):
        return [Discrepancy(Kind.value, "here", str(next(answers)), "value")]

    @oracle("fragile", order=5)
    def fragile(question: Question):
        return [question.outcome.reference.calls[0].outputs.items[0].data[99]]

    assert any("not pure" in breach for breach in breaches(impure))
    assert any("not silent" in breach for breach in breaches(impure))
    assert any("raises AttributeError" in breach for breach in breaches(fragile))


def test_a_case_that_agrees_costs_far_less_than_a_millisecond():
    leaves = [tensor(ONES, data=None, storage=n, identity=n) for n in range(20)]
    same = outcome(call(*leaves, arguments=tuple(leaves)), call(*leaves, arguments=tuple(leaves)))
    about = case()
    start = time.process_time()
    for _ in range(200):
        judge(about, same)
    assert (time.process_time() - start) / 200 < 1e-3
