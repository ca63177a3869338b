"""Eager that disagrees with itself accuses nobody of wrong numbers."""

import pytest

from assay.oracles.judge import judge
from assay.oracles.outcome import Outcome
from assay.oracles.verdict import Kind, Verdict

from .build import call, case, outcome, raising, tensor

EAGER, WRONG = tensor([1.0, 2.0]), tensor([1.0, 5.0])


def test_a_second_eager_run_is_asked_for_before_anything_is_reported():
    judged = judge(case(True), outcome(EAGER, WRONG, again=None))
    assert (judged.verdict, judged.wanted) == (Verdict.Inconclusive, ("eager_again",))


def test_one_bit_between_two_eager_runs_excuses_every_number():
    judged = judge(case(True), outcome(EAGER, WRONG, again=tensor([1.0, 2.0 + 2**-22])))
    assert (judged.verdict, judged.kind) == (Verdict.Inconclusive, Kind.nondeterminism)
    assert judged.wanted == ()


def test_two_equal_eager_runs_let_the_finding_stand():
    assert judge(case(True), outcome(EAGER, WRONG)).verdict is Verdict.Mismatch


def test_numbers_that_vary_do_not_excuse_a_dtype():
    judged = judge(case(), outcome(EAGER, tensor([1.0], "float64"), again=tensor([1.0, 3.0])))
    assert (judged.verdict, judged.kind) == (Verdict.Mismatch, Kind.dtype)


def test_a_dtype_that_varies_in_eager_excuses_a_dtype():
    judged = judge(case(), outcome(EAGER, tensor([1.0, 2.0], "int32"), again=tensor([1.0, 2.0], "int64")))
    assert judged.kind is Kind.nondeterminism


def test_the_second_run_may_come_from_another_process():
    other = outcome(EAGER, WRONG, again=None)
    assert judge(case(True), outcome(EAGER, WRONG, again=None), {"eager_again": other}).verdict is Verdict.Mismatch


@pytest.mark.parametrize("again", [Outcome("c0", "died", "reference", signal=11)])
def test_a_second_run_that_died_leaves_the_case_undecided(again):
    judged = judge(case(True), outcome(EAGER, WRONG, again=None), {"eager_again": again})
    assert (judged.verdict, judged.wanted) == (Verdict.Inconclusive, ())


def test_a_second_run_that_raises_is_a_disagreement():
    judged = judge(case(True), outcome(EAGER, WRONG, again=raising("RuntimeError")))
    assert judged.kind is Kind.nondeterminism


def test_eager_that_varies_where_nothing_is_wrong_is_still_said():
    # the second run is only there because something was wrong at first
    judged = judge(case(), outcome(call(EAGER), call(tensor([1.0, 2.0 + 2**-22])), again=WRONG))
    assert judged.verdict is Verdict.Inconclusive
