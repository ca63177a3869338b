"""The oracle of derivatives: what it passes, what it asks about, and what it reports with which ways as wrong."""

import math
from dataclasses import replace

import pytest

from assay.ir.case import DERIVATIVES, Case
from assay.oracles.derivatives import evidence_name
from assay.oracles.judge import judge
from assay.oracles.outcome import Outcome
from assay.oracles.verdict import Kind, Verdict

ALL = [2.0**-power for power in range(3, 25)]
FEW = [2.0**-power for power in (6, 7, 8)]
CASE = Case("api", "eager", {DERIVATIVES: {"order": 1}}, "", False, 1, {}, {}, ("torch.sin",), 1)


def line(function, steps):
    return {
        "steps": steps,
        "centre": function(0.0),
        "left": [function(-t) for t in steps],
        "right": [function(t) for t in steps],
    }


def quantity(values, function, steps=FEW, name="first", direction=0, **more):
    return {
        "name": name,
        "direction": direction,
        "values": values,
        "line": line(function, steps),
        "weight": 1.0,
        **more,
    }


def outcome(*quantities, **more):
    facts = {"dtypes": ["float64"], "rules": ["SinBackward0"], "wrong": [], "quantities": list(quantities), **more}
    return Outcome("c0", "completed", "target", derivatives=facts)


def judged(values, function, beside=(), box=None, **more):
    """The judgement with the evidence, which shows the same along two directions."""
    full = outcome(
        *(quantity(values, function, ALL, direction=number, beside=list(beside), box=box) for number in (0, 1)), **more
    )
    return judge(CASE, outcome(quantity(values, function), **more), {evidence_name(1, 2): full})


def test_ways_that_agree_with_each_other_and_the_function_pass():
    values = {"reverse": math.cos(1), "forward": math.cos(1) * (1 + 2**-50)}
    assert judge(CASE, outcome(quantity(values, lambda t: math.sin(1 + t)))).verdict is Verdict.Pass


@pytest.mark.parametrize(
    "values",
    [
        {"reverse": 0.5403, "forward": math.cos(1)},
        {"reverse": 0.54, "forward": 0.54},
        {"reverse": "nan", "forward": math.cos(1)},
    ],
)
def test_what_differs_is_asked_about_before_anything_is_said(values):
    found = judge(CASE, outcome(quantity(values, lambda t: math.sin(1 + t))))
    assert (found.verdict, found.wanted) == (Verdict.Inconclusive, (evidence_name(1, 2),))


def test_the_way_that_the_function_contradicts_is_the_wrong_one():
    found = judged({"reverse": -math.cos(1), "forward": math.cos(1)}, lambda t: math.sin(1 + t))
    assert (found.verdict, found.kind) == (Verdict.Mismatch, Kind.gradient)
    assert found.signature == "gradient|first|value|reverse|SinBackward0"
    assert found.where == "first reverse against forward, direction 0"


def test_a_formula_that_all_ways_share_is_wrong_too():
    found = judged({"reverse": 0.54, "forward": 0.54}, lambda t: math.sin(1 + t))
    assert (found.verdict, found.signature) == (Verdict.Mismatch, "gradient|first|value|all ways|SinBackward0")


@pytest.mark.parametrize(
    ("ruled", "plain", "told"), [(math.cos(1), 0.6, None), (0.6, math.cos(1), "first reverse against without_rules")]
)
def test_a_formula_without_its_rule_bears_witness_and_is_not_accused(ruled, plain, told):
    found = judged({"reverse": ruled, "without_rules": plain}, lambda t: math.sin(1 + t))
    assert found.verdict is (Verdict.Mismatch if told else Verdict.Pass)
    assert not told or found.where.startswith(told)


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({"direct": 1.0, "recorded": 2.0}, "recorded"),
        ({"direct": 1.0, "recorded": 2.0, "primal": 2.0}, "direct"),
        ({"direct": 1.0, "recorded": 2.0, "primal": 2.0, "vmapped": 1.0}, "primal"),
    ],
)
def test_values_are_held_against_those_of_most_ways_or_the_plainest(values, wrong):
    found = [{"name": "value", "direction": each, "values": values} for each in range(2)]
    told = judge(CASE, outcome(*found), {evidence_name(1, 2): outcome(*found)})
    assert told.kind is Kind.value
    assert told.where.startswith(f"value {wrong} against ")


def test_nan_where_the_function_has_a_slope_is_wrong():
    found = judged({"reverse": "nan", "forward": math.cos(1)}, lambda t: math.sin(1 + t))
    assert (found.verdict, found.signature) == (Verdict.Mismatch, "gradient|first|NaN|reverse|SinBackward0")


@pytest.mark.parametrize("value", [-1.0, 0.0, 0.3, 1.0])
def test_any_subgradient_is_right_at_a_kink(value):
    assert judged({"reverse": value, "forward": 0.0}, abs, box=[-1.0, 1.0]).verdict is Verdict.Pass


def test_kinks_of_several_elements_may_add_up_to_more_than_the_slopes_of_the_sum():
    def function(t):
        return max(t, 0.0) - 0.9 * max(t, 0.0)

    assert judged({"reverse": 0.9, "forward": 0.9}, function, box=[-0.9, 1.0]).verdict is Verdict.Pass
    assert judged({"reverse": 1.2, "forward": 1.2}, function, box=[-0.9, 1.0]).verdict is Verdict.Mismatch
    # Where there are too many to tell, nothing is said.
    assert judged({"reverse": 1.2, "forward": 1.2}, function).verdict is Verdict.Pass


def test_what_no_subgradient_explains_is_wrong_at_a_kink():
    found = judged({"reverse": 1.5, "forward": 0.0}, abs, box=[-1.0, 1.0])
    assert found.signature == "gradient|first|value|reverse|SinBackward0"


def test_a_difference_that_a_few_units_in_the_last_place_make_is_rounding():
    values, beside = {"reverse": 1.0, "forward": 1.001}, [{"reverse": 1.002, "forward": 0.999}]
    assert judged(values, lambda t: 1.0005 * t, beside).verdict is Verdict.Pass


def test_what_is_left_where_terms_as_large_as_the_value_cancel_is_rounding():
    values, value = {"reverse": 0.0, "forward": -1.3e-15}, {"direct": 1.0}
    known = {"name": "value", "direction": 0, "values": value}
    full = [quantity(values, lambda t: 0.0, ALL, direction=k, beside=[], box=None, weight=0.0) for k in (0, 1)]
    first = outcome(known, quantity(values, lambda t: 0.0, weight=0.0))
    assert judge(CASE, first, {evidence_name(1, 2): outcome(known, *full)}).verdict is Verdict.Pass
    assert judge(CASE, first, {evidence_name(1, 2): outcome(*full)}).verdict is Verdict.Mismatch


def test_a_pole_nearer_than_the_smallest_step_decides_nothing():
    steep = {"reverse": 1e28, "forward": 1e28}
    assert judged(steep, lambda t: 400.0 * t).verdict is Verdict.Inconclusive
    assert judged({"reverse": 1e28, "forward": 400.0}, lambda t: 400.0 * t).verdict is Verdict.Mismatch


def test_steps_that_are_fine_enough_see_what_is_not_smooth_from_afar():
    def many(t):
        return 3.0 * t + sum(min(0.0, 1e-4 * (k + 1) - t) for k in range(40)) / 40

    assert judged({"reverse": 3.0, "forward": 3.0}, many).verdict is Verdict.Pass


def test_evidence_that_did_not_come_decides_nothing():
    values = {"reverse": -math.cos(1), "forward": math.cos(1)}
    lost = Outcome("c0", "timeout", "target")
    found = judge(CASE, outcome(quantity(values, lambda t: math.sin(1 + t))), {evidence_name(1, 2): lost})
    assert (found.verdict, found.wanted) == (Verdict.Inconclusive, ())


def test_one_direction_of_several_accuses_nobody():
    values = {"reverse": -math.cos(1), "forward": math.cos(1)}
    right = {"reverse": math.cos(1), "forward": math.cos(1)}

    def function(t):
        return math.sin(1 + t)

    full = outcome(*(quantity(values if k == 0 else right, function, ALL, direction=k) for k in range(3)))
    found = judge(CASE, outcome(quantity(values, function)), {evidence_name(1, 2): full})
    assert found.verdict is Verdict.Inconclusive


def test_a_gap_that_the_library_tells_of_is_no_finding_and_an_assertion_is():
    def raised(text, kind="RuntimeError"):
        record = {"type": kind, "bases": [], "message": text, "frames": [], "chain": []}
        values = {"reverse": math.cos(1), "forward": {"raised": record}}
        return judge(CASE, outcome(quantity(values, lambda t: math.sin(1 + t)))).verdict

    assert raised("forward mode AD of foo is not implemented") is Verdict.Pass
    assert raised("no", "NotImplementedError") is Verdict.Pass
    assert raised("x INTERNAL ASSERT FAILED, not supported") is Verdict.Exception
    assert raised("index 7 is out of range") is Verdict.Exception


def test_ways_that_differ_only_in_who_keeps_the_levels_are_named_once():
    def signature(**values):
        full = {"reverse_reverse": 1.0, "forward_reverse": 1.0, "symmetric": 1.0, **values}
        found = [quantity(full, lambda t: t, ALL, "second", number, beside=[]) for number in (0, 1)]
        return judge(CASE, outcome(*found), {evidence_name(2, 2): outcome(*found)}).signature

    assert signature(reverse_forward=3.0, func_reverse_forward=3.0) == signature(reverse_forward=3.0)
    assert "func_reverse_forward" in signature(reverse_forward=1.0, func_reverse_forward=3.0)


def test_what_all_plain_ways_get_wrong_is_named_so_whatever_else_was_asked():
    told = judged({"reverse": 3.0, "forward": 3.0, "functionalized": 1.0, "compiled": 1.0}, lambda t: t)
    assert told.signature == judged({"reverse": 3.0, "forward": 3.0}, lambda t: t).signature
    assert "all ways" in told.signature
    assert "all ways" not in judged({"reverse": 3.0, "forward": 1.0, "compiled": 3.0}, lambda t: t).signature


def test_what_raises_is_named_by_what_is_at_fault():
    def signature(text, kind="RuntimeError", operator="torch.sin", rules=("SinBackward0",), frames=()):
        record = {"type": kind, "bases": [], "message": text, "frames": list(frames), "chain": []}
        values = {"reverse": math.cos(1), "forward": {"raised": record}}
        case = replace(CASE, operators=(operator,), _id="")
        return judge(case, outcome(quantity(values, lambda t: math.sin(1 + t)), rules=list(rules))).signature

    saved = (
        "has been modified by an inplace operation: [torch.DoubleTensor [3]], which is output 0 of Exp, is at version 1"
    )
    assert signature(saved, rules=("AddBackward0",)) == signature(saved.replace("Double", "Float"))
    assert signature(saved) != signature(saved.replace("Exp", "Sgn"))
    inner = signature("no attribute", "AttributeError", frames=("case:program", "lib/grad.py:f"))
    assert inner.endswith("lib/grad.py:f")
    one = signature("index 7", operator="torch.nn.InstanceNorm2d", rules=("ViewBackward0",))
    assert one == signature("index 7", operator="torch.nn.functional.instance_norm", rules=("SqueezeBackward1",))
    assert one.endswith("instancenorm")
    assert signature("index 7").endswith("SinBackward0")


def test_a_call_that_is_refused_is_no_finding_unless_by_an_assertion():
    def refused(text):
        record = {"type": "RuntimeError", "bases": [], "message": text, "frames": [], "chain": []}
        return judge(CASE, replace(outcome(), derivatives={"refused": record})).verdict

    assert refused("size mismatch") is Verdict.Unsupported
    assert refused("t INTERNAL ASSERT FAILED at x.cpp:3, please report a bug") is Verdict.Exception


def test_what_is_no_number_is_said_as_it_is():
    function, value = (lambda t: math.sin(1 + t)), {"reverse": math.cos(1)}
    for text, kind in [
        ("an input is changed", Kind.mutation),
        ("the gradient of input 0, float64[2], is float64[3]", Kind.shape),
        ("output 0 is float32[2] where gradients are recorded, float64[2] else", Kind.dtype),
    ]:
        assert judge(CASE, outcome(quantity(value, function), wrong=[text])).kind is kind


def test_a_crash_is_a_crash_of_what_ran():
    died = Outcome("c0", "died", "target", signal=11, stderr="", note="second reverse_reverse")
    found = judge(CASE, died)
    assert (found.verdict, found.kind) == (Verdict.Crash, Kind.crash)
