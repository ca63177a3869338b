"""Gradients: their numbers, and whether there are any."""

from dataclasses import replace

import numpy as np

from assay.oracles.gradients import gradients
from assay.oracles.registry import Question
from assay.oracles.verdict import Kind, Verdict

from .build import absent, call, case, outcome, shadow_run, shadowed, tensor

SLOPE = np.linspace(1, 2, 32)


def found(eager, target, evidence=None, exact=True):
    return list(gradients.check(Question(case(exact), outcome(given(eager), given(target)), evidence or {})))


def given(gradient):
    return call(gradients={"argument 0": gradient})


def under(gradient, bound=None):
    """Evidence of a shadow run in which the gradient has this bound, or none."""
    return {"shadow": shadow_run(given(gradient if bound is None else shadowed(gradient, bound)))}


def test_a_gradient_of_the_wrong_sign_is_wrong_once_its_bound_is_known():
    eager, target = tensor(SLOPE), tensor(-SLOPE)
    (only,) = found(eager, target)
    assert only.wanted == ("shadow",)
    (only,) = found(eager, target, under(eager, 1e-5))
    assert (only.kind, only.verdict) == (Kind.gradient, Verdict.Mismatch)
    assert only.where == "call 0, gradient of argument 0"


def test_a_gradient_within_its_bound_passes():
    eager = tensor(SLOPE)
    assert not found(eager, tensor(SLOPE * 1.001), under(eager, 1e-3))


def test_a_gradient_that_is_undecided_is_asked_of_float64_and_never_of_exact_inputs():
    # The facts of a program say which of its outputs are exact, nothing of its gradients.
    eager, target = tensor(SLOPE), tensor(-SLOPE)
    assert found(eager, target, under(eager, np.inf))[0].wanted == ("float64", "float64_shadow")
    wide = outcome(given(tensor(SLOPE, "float64")), given(tensor(-SLOPE, "float64")))
    wide_shadow = shadow_run(given(shadowed(tensor(SLOPE, "float64"), np.inf)))
    (only,) = found(eager, target, {**under(eager, np.inf), "float64": wide, "float64_shadow": wide_shadow})
    assert (only.verdict, only.wanted) == (Verdict.Inconclusive, ())


def test_the_last_bit_of_a_gradient_counts_where_the_shadow_run_rounds_nothing():
    eager, target = tensor(SLOPE), tensor(SLOPE * (1 + 2.0**-22))
    assert found(eager, target)[0].wanted == ("shadow",)
    assert found(eager, target, under(eager))[0].verdict is Verdict.Mismatch


def test_a_rounded_gradient_within_the_tolerance_passes_however_narrow_its_bound():
    eager, target = tensor(SLOPE), tensor(SLOPE * (1 + 2.0**-22))
    assert not found(eager, target, under(eager, 1e-12))
    assert not found(eager, target, {"shadow": absent()})


def test_of_a_gradient_in_a_rounded_program_the_tolerance_is_enough():
    assert not found(tensor(SLOPE), tensor(SLOPE * (1 + 1e-7)), exact=False)


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
