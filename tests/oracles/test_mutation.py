"""Mutation: how arguments, parameters and buffers are left."""

import numpy as np
import pytest

from assay.oracles.mutation import mutation
from assay.oracles.outcome import ValueRecord
from assay.oracles.registry import Question
from assay.oracles.verdict import Kind, Verdict

from .build import call, case, container, outcome, shadow_run, shadowed, tensor


def found(eager, target, exact=True, evidence=None):
    return list(mutation.check(Question(case(exact), outcome(eager, target), evidence or {})))


def test_a_lost_write_to_an_argument_is_a_mutation():
    (only,) = found(call(arguments=(tensor([2.0]),)), call(arguments=(tensor([1.0]),)))
    assert (only.kind, only.where, only.verdict) == (Kind.mutation, "call 0, argument 0", Verdict.Mismatch)


def test_a_buffer_that_was_not_updated_is_state():
    (only,) = found(call(state={"running_mean": tensor([2.0])}), call(state={"running_mean": tensor([1.0])}))
    assert (only.kind, only.where) == (Kind.state, "call 0, state 'running_mean'")
    assert "running_mean" not in only.signature


def test_a_tensor_inside_a_container_is_an_argument_too_and_never_exact():
    sides = [call(arguments=(container(tensor([value]), type="list"),)) for value in (1.0, 2.0)]
    (only,) = found(*sides)
    assert only.where == "call 0, argument 0[0]"
    assert only.wanted == ("shadow",)


def test_what_is_left_in_an_argument_is_held_against_its_bound():
    eager, target = tensor([1.0, 1.0]), tensor([1.0, 1.5])
    sides = [call(arguments=(each,)) for each in (eager, target)]

    def under(bound):
        return {"shadow": shadow_run(call(arguments=(shadowed(eager, bound),)))}

    (only,) = found(*sides, exact=False, evidence=under(1e-3))
    assert (only.kind, only.verdict) == (Kind.mutation, Verdict.Mismatch)
    assert not found(call(arguments=(eager,)), call(arguments=(tensor([1.0, 1.3]),)), exact=False, evidence=under(0.09))
    (only,) = found(*sides, exact=False, evidence=under(np.inf))
    assert only.wanted == ("float64", "float64_shadow")


def test_a_python_value_that_was_left_different_is_a_side_effect():
    sides = [call(arguments=(container(ValueRecord("str", value), type="list"),)) for value in ("'a'", "'b'")]
    assert found(*sides)[0].kind is Kind.side_effect


@pytest.mark.parametrize("left", [[1.0], [-0.0]])
def test_arguments_that_are_left_alike_are_not_mentioned(left):
    assert not found(call(arguments=(tensor(left),)), call(arguments=(tensor([abs(left[0])]),)))
