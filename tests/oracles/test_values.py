"""Values: exact cases bit by bit, the others by tolerance and then by evidence."""

from dataclasses import replace

import numpy as np
import pytest

from assay.oracles.judge import judge
from assay.oracles.outcome import Outcome, ValueRecord
from assay.oracles.registry import Question
from assay.oracles.values import values
from assay.oracles.verdict import Kind, Verdict

from .build import absent, call, case, container, outcome, shadow_run, shadowed, tensor

ONES = np.ones((4, 4))


def found(eager, target, evidence=None, **about):
    return list(values.check(Question(case(**about), outcome(eager, target), evidence or {})))


def under(eager, bound, value=None):
    """Evidence of a shadow run in which the elements of ``eager`` have this bound."""
    return {"shadow": shadow_run(shadowed(eager, bound, value))}


def one_off(array, by):
    array = np.array(array, dtype=float)
    array.flat[5] += by
    return array


def test_equal_digests_need_no_bytes():
    assert not found(tensor(ONES, data=None), tensor(ONES, data=None), exact=True)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32", "float64", "int32"])
def test_one_wrong_element_of_an_exact_output_is_a_mismatch(dtype):
    (only,) = found(tensor(ONES, dtype), tensor(one_off(ONES, 1), dtype), exact=True)
    assert (only.kind, only.verdict, only.where) == (Kind.value, Verdict.Mismatch, "call 0, output 0")
    assert only.signature == f"value|{dtype}|output"


def test_the_last_bit_counts_in_an_exact_output_and_not_in_another():
    eager, target = tensor(ONES), tensor(one_off(ONES, 2.0**-22))
    assert found(eager, target, exact=True)
    assert not found(eager, target, exact=False)


def test_signed_zeros_are_one_number():
    assert not found(tensor([0.0, 1.0]), tensor([-0.0, 1.0]), exact=True)


def test_the_detail_names_count_largest_difference_and_an_example():
    (only,) = found(tensor(ONES), tensor(one_off(ONES, 2)), exact=True)
    assert only.detail == (
        "1 of 16 elements differ (float32[4, 4], exact arithmetic); largest difference 2 at [1, 1]: eager 1, target 3"
    )


def test_flags_go_to_the_tensors_of_the_outputs_in_depth_first_order():
    eager = container(container(tensor([1.0]), ValueRecord("int", "3")), tensor([1.0]))
    target = container(container(tensor([1.0 + 2**-22]), ValueRecord("int", "3")), tensor([1.0 + 2**-22]))
    about = replace(case(), exact={"outputs": [False, True]})
    (only,) = values.check(Question(about, outcome(eager, target)))
    assert only.where == "call 0, output 0[1]"


def test_beyond_the_tolerance_the_shadow_run_is_asked_for():
    (only,) = found(tensor(ONES), tensor(one_off(ONES, 0.5)))
    assert only.verdict is Verdict.Inconclusive
    assert only.wanted == ("shadow",)


def test_within_the_tolerance_nothing_is_asked_for():
    assert not found(tensor(ONES), tensor(one_off(ONES, 1e-6)))


def test_a_difference_beyond_its_bound_is_a_mismatch():
    (only,) = found(tensor(ONES), tensor(one_off(ONES, 0.5)), under(tensor(ONES), 1e-3))
    assert (only.verdict, only.wanted) == (Verdict.Mismatch, ())
    assert "1 of 16 elements differ" in only.detail
    assert only.signature == "value|float32|output"


def test_a_difference_within_its_bound_is_none():
    assert not found(tensor(ONES * 1.001), tensor(ONES * 0.999), under(tensor(ONES * 1.001), 1e-3, ONES))


def test_what_the_shadow_run_leaves_without_a_bound_is_exact():
    run = {"shadow": shadow_run(tensor(ONES))}
    (only,) = found(tensor(ONES), tensor(one_off(ONES, 1e-4)), run)
    assert only.verdict is Verdict.Mismatch
    assert "exact arithmetic" in only.detail


def test_an_inaccuracy_of_eager_alone_has_its_own_signature():
    eager = tensor(one_off(ONES, 0.5))
    (only,) = found(eager, tensor(ONES), under(eager, 1e-3, ONES))
    assert only.verdict is Verdict.Mismatch
    assert only.signature == "value|float32|output|eager inaccurate"


UNSURE = 0.5
EAGER, TARGET = tensor(ONES), tensor(one_off(ONES, 0.5))


def undecided(**evidence):
    """What is found of an element whose bound decides nothing, given more evidence."""
    return found(EAGER, TARGET, {**under(EAGER, UNSURE), **evidence})


def in_float64(by, bound):
    """The program in float64, where the target is off by so much, and its shadow run."""
    eager = tensor(ONES, "float64")
    run = outcome(eager, tensor(one_off(ONES, by), "float64"))
    return {"float64": run, "float64_shadow": shadow_run(shadowed(eager, bound))}


def drawn_exactly(by, *paths):
    """The program with inputs that make the outputs at these paths exact."""
    return outcome(tensor(ONES * 3), tensor(one_off(ONES * 3, by)), engagement={"exact": paths})


def test_what_the_bound_does_not_decide_is_asked_of_float64_and_then_of_exact_inputs():
    (only,) = undecided()
    assert (only.verdict, only.wanted) == (Verdict.Inconclusive, ("float64", "float64_shadow"))
    (only,) = undecided(**in_float64(0.5, np.inf))
    assert (only.verdict, only.wanted) == (Verdict.Inconclusive, ("exact",))
    (only,) = undecided(**in_float64(0.5, np.inf), exact=absent())
    assert (only.verdict, only.wanted) == (Verdict.Inconclusive, ())
    assert "too ill-conditioned" in only.detail


def test_half_of_the_evidence_in_float64_is_completed_before_it_is_used():
    run = in_float64(0.5, 1e-12)
    (only,) = undecided(float64=run["float64"])
    assert only.wanted == ("float64_shadow",)
    (only,) = undecided(float64_shadow=run["float64_shadow"])
    assert only.wanted == ("float64",)


def test_a_difference_that_lasts_in_float64_is_a_mismatch():
    (only,) = undecided(**in_float64(0.5, 1e-12))
    assert only.verdict is Verdict.Mismatch
    assert "in float64 as well" in only.detail


def test_a_difference_that_is_gone_in_float64_was_rounding():
    assert not undecided(**in_float64(0, 1e-12))
    assert not undecided(**in_float64(1e-12, 1e-12))


def test_a_twin_is_judged_by_its_own_bound_so_that_one_that_still_rounds_decides_nothing():
    run = {"float64": outcome(EAGER, TARGET), "float64_shadow": shadow_run(shadowed(EAGER, UNSURE))}
    (only,) = undecided(**run)
    assert (only.verdict, only.wanted) == (Verdict.Inconclusive, ("exact",))


@pytest.mark.parametrize("name", ["float64", "float64_shadow"])
def test_without_a_run_in_float64_the_exact_one_is_asked_for(name):
    (only,) = undecided(**{**in_float64(0.5, 1e-12), name: absent()})
    assert (only.verdict, only.wanted) == (Verdict.Inconclusive, ("exact",))


def test_what_differs_in_exact_arithmetic_is_a_mismatch_and_what_does_not_was_rounding():
    unsure = in_float64(0.5, np.inf)
    (only,) = undecided(**unsure, exact=drawn_exactly(2.0**-20, "output 0"))
    assert only.verdict is Verdict.Mismatch
    assert "in exact arithmetic, as well" in only.detail
    assert not undecided(**unsure, exact=drawn_exactly(0, "output 0"))


def test_an_output_that_the_exact_run_does_not_make_exact_stays_undecided():
    (only,) = undecided(**in_float64(0.5, np.inf), exact=drawn_exactly(2.0**-20, "output 1"))
    assert (only.verdict, only.wanted) == (Verdict.Inconclusive, ())


@pytest.mark.parametrize(
    "run",
    [
        absent(),
        Outcome("c1", "died", "reference", signal=11),
        shadow_run(shadowed(tensor(ONES * 2), 0.0)),
        shadow_run(shadowed(tensor(ONES), 0.0), leaks=1),
        shadow_run(ValueRecord("float", "1.0")),
    ],
    ids=["absent", "died", "another course", "leaks", "another kind"],
)
def test_a_shadow_run_that_shows_nothing_of_a_place_leaves_it_undecided(run):
    (only,) = found(tensor(ONES), tensor(one_off(ONES, 0.5)), {"shadow": run})
    assert (only.verdict, only.wanted) == (Verdict.Inconclusive, ("float64", "float64_shadow"))


def test_bytes_that_were_not_sent_are_asked_for_and_used():
    eager, target = tensor(ONES), tensor(one_off(ONES, 1))
    unsent = replace(eager, data=None), replace(target, data=None)
    (only,) = found(*unsent, exact=True)
    assert only.wanted == ("values",)
    (only,) = found(*unsent, {"values": outcome(eager, target)}, exact=True)
    assert only.verdict is Verdict.Mismatch


def test_a_tensor_that_cannot_be_read_is_the_fault_of_its_side():
    broken = tensor(ONES, digest="unreadable: ValueError: a view beyond the end of its storage", data=None)
    assert found(tensor(ONES), broken)[0].verdict is Verdict.Mismatch
    assert found(broken, tensor(ONES))[0].verdict is Verdict.Inconclusive


def test_another_dtype_or_shape_is_left_to_its_own_oracle():
    assert not found(tensor(ONES), tensor(ONES * 2, "float64"), exact=True)
    assert not found(tensor(ONES), tensor([2.0]), exact=True)


def test_a_nan_out_of_nothing_has_its_own_signature():
    (only,) = found(tensor(ONES), tensor(one_off(ONES, np.nan)), exact=True)
    assert only.signature == "value|float32|output|nonfinite"


@pytest.mark.parametrize(("eager", "target"), [("0.1", "0.10000000149"), ("nan", "nan"), ("inf", "inf")])
def test_python_floats_are_judged_as_float32_is(eager, target):
    assert not found(ValueRecord("float", eager), ValueRecord("float", target))


@pytest.mark.parametrize(
    ("kind", "eager", "target"), [("float", "0.1", "0.2"), ("int", "1", "2"), ("float", "inf", "-inf")]
)
def test_python_numbers_are_as_exact_as_what_they_were_read_from(kind, eager, target):
    pair = ValueRecord(kind, eager), ValueRecord(kind, target)
    assert found(*pair)[0].wanted == ("shadow",)
    assert found(*pair, {"shadow": shadow_run(pair[0])})[0].verdict is Verdict.Mismatch
    read_from_rounded = {"shadow": shadow_run(pair[0], leaks=1)}
    assert found(*pair, read_from_rounded)[0].wanted == ("float64", "float64_shadow")


def test_python_numbers_read_from_rounded_tensors_are_held_against_float64():
    pair = ValueRecord("int", "1"), ValueRecord("int", "2")
    read = {"shadow": shadow_run(pair[0], leaks=1), "exact": absent()}
    same = {"float64": outcome(pair[0], pair[0]), "float64_shadow": shadow_run(pair[0])}
    assert not found(*pair, {**read, **same})
    other = {"float64": outcome(*pair), "float64_shadow": shadow_run(pair[0])}
    assert found(*pair, {**read, **other})[0].verdict is Verdict.Mismatch
    as_rounded = {"float64": outcome(*pair), "float64_shadow": shadow_run(pair[0], leaks=1)}
    assert found(*pair, {**read, **as_rounded})[0].verdict is Verdict.Inconclusive


def test_strings_that_differ_are_a_mismatch():
    assert found(ValueRecord("str", "'a'"), ValueRecord("str", "'b'"))[0].verdict is Verdict.Mismatch


def test_a_call_number_says_where():
    sides = (call(tensor([1.0])), call(tensor([1.0]))), (call(tensor([1.0])), call(tensor([2.0])))
    judged = judge(case(exact=True), outcome(*sides))
    assert judged.where == "call 1, output 0"


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_one_inaccurate_element_excuses_no_other(dtype: str):
    eager = tensor(one_off(ONES, 0.25), dtype)
    target = one_off(ONES, 0.25)
    target.flat[0] = 1.125
    (only,) = found(eager, tensor(target, dtype), under(eager, 1e-3, ONES))
    assert only.verdict is Verdict.Mismatch
    assert "1 of 16 elements" in only.detail
