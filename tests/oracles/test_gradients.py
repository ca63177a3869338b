"""Gradients: their numbers, and whether there are any."""

from dataclasses import replace

import numpy as np

from assay.oracles.gradients import gradients
from assay.oracles.registry import Question
from assay.oracles.verdict import Kind, Verdict

from .build import call, case, outcome, tensor

SLOPE = np.linspace(1, 2, 32)


def found(eager, target, evidence=None):
    return list(gradients.check(Question(case(True), outcome(given(eager), given(target)), evidence or {})))


def given(gradient):
    return call(gradients={"argument 0": gradient})


def test_a_gradient_of_the_wrong_sign_is_wrong_once_float64_has_it_too():
    eager, target = tensor(SLOPE), tensor(-SLOPE)
    (only,) = found(eager, target)
    assert only.wanted == ("float64",)
    twin = outcome(given(tensor(SLOPE, "float64")), given(tensor(-SLOPE, "float64")))
    (only,) = found(eager, target, {"float64": twin})
    assert (only.kind, only.verdict) == (Kind.gradient, Verdict.Mismatch)
    assert only.where == "call 0, gradient of argument 0"


def test_gradients_are_never_taken_for_exact():
    assert not found(tensor(SLOPE), tensor(SLOPE * (1 + 1e-7)))


def test_no_gradient_and_one_of_zeros_are_the_same():
    assert not found(None, tensor(SLOPE * 0))
    assert not found(tensor(SLOPE * 0), None)


def test_a_gradient_that_only_one_side_has_is_reported():
    assert found(None, tensor(SLOPE))[0].signature == "gradient|added"
    assert found(tensor(SLOPE), None)[0].signature == "gradient|lost"


def test_whether_a_gradient_is_zero_is_asked_where_its_bytes_were_not_sent():
    gradient = tensor(SLOPE)
    unsent = replace(gradient, data=None)
    assert found(unsent, None)[0].wanted == ("values",)
    (only,) = found(unsent, None, {"values": outcome(given(gradient), given(None))})
    assert only.verdict is Verdict.Mismatch


def test_two_sides_without_a_gradient_agree():
    assert not found(None, None)
