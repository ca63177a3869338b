"""Values: exact cases bit by bit, the others by tolerance and then by evidence."""

from dataclasses import replace

import numpy as np
import pytest

from assay.oracles.judge import judge
from assay.oracles.outcome import Outcome, ValueRecord
from assay.oracles.registry import Question
from assay.oracles.values import values
from assay.oracles.verdict import Kind, Verdict

from .build import call, case, container, outcome, tensor

ONES = np.ones((4, 4))


def found(eager, target, evidence=None, **about):
    return list(values.check(Question(case(**about), outcome(eager, target), evidence or {})))


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


def test_beyond_the_tolerance_the_float64_run_is_asked_for():
    (only,) = found(tensor(ONES), tensor(one_off(ONES, 0.5)))
    assert only.verdict is Verdict.Inconclusive
    assert only.wanted == ("float64",)


def test_a_difference_that_lasts_in_float64_is_a_mismatch():
    twin = outcome(tensor(ONES, "float64"), tensor(one_off(ONES, 0.5), "float64"))
    (only,) = found(tensor(ONES), tensor(one_off(ONES, 0.5)), {"float64": twin})
    assert only.verdict is Verdict.Mismatch
    assert "in float64 as well" in only.detail


def test_a_difference_that_is_as_large_as_eagers_own_error_is_none():
    truth = tensor(ONES, "float64")
    assert not found(tensor(ONES * 1.001), tensor(ONES * 0.999), {"float64": outcome(truth, truth)})


def test_a_twin_that_still_computes_in_float32_decides_nothing():
    twin = outcome(tensor(ONES), tensor(one_off(ONES, 0.5)))
    (only,) = found(tensor(ONES), tensor(one_off(ONES, 0.5)), {"float64": twin})
    assert (only.verdict, only.wanted) == (Verdict.Inconclusive, ())


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
def test_python_numbers_that_differ_are_held_against_float64(kind, eager, target):
    pair = ValueRecord(kind, eager), ValueRecord(kind, target)
    assert found(*pair)[0].wanted == ("float64",)
    assert found(*pair, {"float64": outcome(*pair)})[0].verdict is Verdict.Mismatch
    assert found(*pair, {"float64": outcome(pair[0], pair[0])})[0].verdict is Verdict.Inconclusive or kind == "float"


def test_strings_that_differ_are_a_mismatch():
    assert found(ValueRecord("str", "'a'"), ValueRecord("str", "'b'"))[0].verdict is Verdict.Mismatch


def test_a_call_number_says_where():
    sides = (call(tensor([1.0])), call(tensor([1.0]))), (call(tensor([1.0])), call(tensor([2.0])))
    judged = judge(case(exact=True), outcome(*sides))
    assert judged.where == "call 1, output 0"


def of_eager_alone(truth: np.ndarray) -> Outcome:
    """The float64 run of eager, without the target."""
    return replace(outcome(tensor(truth, "float64"), tensor(truth, "float64")), target=None)


def test_an_element_to_which_the_target_is_as_close_as_eager_is_rounding_without_a_run_of_the_target():
    assert not found(tensor(ONES * 1.001), tensor(ONES * 0.999), {"float64": of_eager_alone(ONES)})


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_without_a_run_of_the_target_one_inaccurate_element_excuses_no_other(dtype: str):
    eager = one_off(ONES, 0.25)
    target = eager.copy()
    target.flat[0] = 1.125
    (only,) = found(tensor(eager, dtype), tensor(target, dtype), {"float64": of_eager_alone(ONES)})
    assert only.verdict is not Verdict.Pass
