"""A program of TensorFlow differentiated in a worker: every way gives the number that it has, and what stands for none
says why."""

import pytest

from assay.apis import source
from assay.campaign.assemble import judge, witnesses
from assay.campaign.examine import examine
from assay.execution import Worker
from assay.ir.case import DERIVATIVES, Case
from assay.oracles.verdict import Verdict

pytestmark = pytest.mark.tensorflow

TRACED = (*source.TRACED["tensorflow"], *source.WITH_TRACED["tensorflow"])
WAYS = {
    "value": {"direct", "recorded"},
    "first": {"reverse", "transposed", "forward"},
    "second": {"reverse_reverse", "transposed_reverse"},
    "third": {"reverse_reverse_reverse", "transposed_reverse_reverse"},
}
BESIDE = {
    "value": {
        "primal", "value_in_function", "value_compiled", "value_of_unknown_dimensions", "value_of_unknown_rank",
        "value_vectorized", "value_in_loop", "value_in_branch",
    },
    "first": {"reverse_again", "checkpointed", *TRACED},
    "second": {
        "symmetric", "reverse_transposed", "forward_reverse", "reverse_forward", "forward_forward",
        "reverse_reverse_in_function", "reverse_reverse_of_function", "reverse_reverse_compiled",
        "reverse_reverse_of_unknown_dimensions", "reverse_reverse_vectorized",
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def worker(tensorflow_target):
    with Worker(targets=[tensorflow_target]) as started:
        started.target = tensorflow_target
        yield started


def case(worker, body, inputs, definitions="", **asked):
    names = ", ".join(f"x{number}" for number in range(len(inputs)))
    text = f"import tensorflow as tf\n\n{definitions}\n\ndef program({names}):\n    return {body}\n\n"
    text += f"def inputs(call=0):\n    return {', '.join(inputs)},\n"
    return Case("api", worker.target, {DERIVATIVES: {"order": 2, **asked}}, text, False, 1, {}, {}, ("custom",), 1)


def judged(worker, made):
    def run(case, evidence=(), *, alone=False, code="merged", patience=1.0):
        return worker.run(case, evidence, alone=alone, code=code)

    return examine(made, run, judge, witnesses).judgement


def numbers(found, name):
    (quantity,) = (each for each in found["quantities"] if each["name"] == name)
    return quantity["values"]


X = 'tf.constant([0.5, -1.5, 2.0], dtype="float64")'
Z = 'tf.constant([0.5 + 1j, -1.5j], dtype="complex128")'
M = 'tf.constant([[2.0, 0.5], [-1.0, 3.0]], dtype="float64")'


@pytest.mark.parametrize(
    ("body", "inputs"),
    [
        ("tf.sin(x0) * x1", [X, X]),
        ("x0 * tf.math.conj(x0) * x0", [Z]),
        ("tf.linalg.inv(x0) @ tf.transpose(x0)", [M]),
        ("{'a': [tf.exp(x0)], 'b': tf.reduce_sum(x0), 'n': 3, 'k': tf.range(3)}", [X]),
        ("tf.gather(x0, [0, 2, 2]) ** 2", [X]),
    ],
)
def test_all_ways_agree_with_one_another_and_with_the_function(worker, body, inputs):
    made = case(worker, body, inputs, order=3)
    assert judged(worker, made).verdict is Verdict.Pass
    found = worker.run(made).derivatives
    for name, ways in WAYS.items():
        values = numbers(found, name)
        assert set(values) == ways
        assert not any(isinstance(value, dict) for value in values.values())
        assert max(values.values()) == pytest.approx(min(values.values()), rel=1e-10, abs=1e-12)


def test_so_do_those_that_trace_or_compile(worker):
    made = case(worker, "(tf.sin(x0) * x1, x0 - x1 * x1)", [X, X], traced=list(TRACED))
    assert judged(worker, made).verdict is Verdict.Pass
    found = worker.run(made).derivatives
    for name, ways in BESIDE.items():
        values = numbers(found, name)
        assert set(values) == WAYS[name] | ways
        assert not any(isinstance(value, dict) for value in values.values())
        assert max(values.values()) == pytest.approx(min(values.values()), rel=1e-10, abs=1e-12)


def test_the_numbers_are_those_of_calculus(worker):
    """Directions depend on shapes and sizes alone, so that they cancel in quotients."""
    point = ['tf.constant(2.0, dtype="float64")']
    line, square, cube, fourth = (
        worker.run(case(worker, body, point, order=3)).derivatives
        for body in ("x0 * 1", "x0 * x0", "x0 * x0 * x0", "x0 * x0 * x0 * x0")
    )
    assert (cube["shapes"], cube["dtypes"], cube["rules"]) == ([[]], ["float64"], ["Mul"])
    for one, other, name, way, quotient in [
        (cube, line, "value", "recorded", 4),
        (cube, line, "first", "reverse", 12),
        (cube, line, "first", "forward", 12),
        (cube, square, "second", "transposed_reverse", 6),
        (fourth, cube, "third", "reverse_reverse_reverse", 8),
    ]:
        assert numbers(one, name)[way] == pytest.approx(quotient * numbers(other, name)[way])


RULE = """
@tf.custom_gradient
def rule(x):
    return x * x, lambda g: {}
"""


@pytest.mark.parametrize(
    ("rule", "verdict", "quantity"),
    [
        ("g * 2 * x", Verdict.Pass, ""),
        ("-g * 2 * x", Verdict.Mismatch, "first"),
        ("g * 1.999 * x", Verdict.Mismatch, "first"),
        ("g * 2 * tf.stop_gradient(x)", Verdict.Mismatch, "second"),
        ("g * 3 * x if x.dtype == tf.float32 else g * 2 * x", Verdict.Pass, ""),
    ],
)
def test_a_rule_of_somebodys_own_is_judged_by_what_it_gives(worker, rule, verdict, quantity):
    found = judged(worker, case(worker, "rule(x0)", [X], RULE.format(rule)))
    assert found.verdict is verdict
    assert found.where.startswith(quantity)


def test_fewer_bits_are_held_against_float64_on_the_same_inputs(worker):
    narrow = 'tf.constant([0.3, -1.7, 2.2], dtype="{}")'
    for dtype in ("float32", "bfloat16"):
        made = case(worker, "tf.exp(tf.sin(x0))", [narrow.format(dtype)])
        assert judged(worker, made).verdict is Verdict.Pass
    rule = RULE.format("g * 2 * x * (1.5 if x.dtype == tf.float32 else 1)")
    wrong = judged(worker, case(worker, "rule(x0)", [narrow.format("float32")], rule))
    assert wrong.verdict is Verdict.Mismatch
    # Forward mode goes through what the rule computes.
    assert wrong.signature.startswith("gradient|first|narrow|reverse,transposed")


@pytest.mark.parametrize(
    "body", ["tf.nn.relu(x0)", "abs(x0)", "tf.clip_by_value(x0, 0, 1)", "tf.sort(x0)", "tf.reduce_max(x0)"]
)
def test_a_subgradient_at_a_kink_is_no_finding(worker, body):
    ties = 'tf.constant([0.0, 1.0, 0.0, 1.0], dtype="float64")'
    assert judged(worker, case(worker, body, [ties])).verdict is Verdict.Pass


def test_what_is_refused_random_or_without_a_derivative_says_so(worker):
    for body, told in [
        ("x0 @ x0[:2]", "refused"),
        ("x0 > 0", "no output is a real or complex tensor"),
        ("x0 / 0", "an output is not finite"),
        ("x0 * tf.random.uniform([3], dtype='float64')", "random"),
        ("tf.stop_gradient(x0)", "no output has a gradient"),
    ]:
        found = judged(worker, case(worker, body, [X]))
        assert found.verdict is Verdict.Unsupported
        assert told in found.detail
    assert judged(worker, case(worker, "x0 * 2", ["tf.range(3)"])).verdict is Verdict.Unsupported


def test_an_input_that_tensorflow_has_no_gradient_for_stays_where_it_is(worker):
    found = worker.run(
        case(worker, "tf.math.betainc(x0, x0, x1)", ['tf.constant(0.5, dtype="float64")'] * 2)
    ).derivatives
    assert found["shapes"] == [[]]


def test_what_does_not_run_without_a_shape_is_no_finding(worker):
    body = "x0 * (x0.shape.rank + 1)"
    made = case(worker, body, [X], traced=["reverse_of_unknown_rank"])
    assert judged(worker, made).verdict is Verdict.Pass
    found = worker.run(made).derivatives
    assert isinstance(numbers(found, "first")["reverse"], float)
    assert isinstance(numbers(found, "first")["reverse_of_unknown_rank"], dict)


def test_a_death_is_a_crash_and_says_what_ran(worker):
    body = "(x0 * 2, None if tf.executing_eagerly() else __import__('os').abort())[0]"
    made = case(worker, body, [X], traced=["reverse_in_function"])
    outcome = worker.run(made)
    assert (outcome.ended, outcome.note) == ("died", "value value_in_function")
    assert judged(worker, made).verdict is Verdict.Crash
    assert judged(worker, case(worker, "x0 * 2", [X])).verdict is Verdict.Pass


def test_a_gradient_of_another_shape_is_a_finding(worker):
    found = judged(worker, case(worker, "rule(x0)", [X], RULE.format("tf.reduce_sum(g * 2 * x)")))
    assert found.verdict is Verdict.Exception
    assert "shape in the gradient of input 0" in found.detail
