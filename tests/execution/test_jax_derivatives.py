"""A program of JAX differentiated in a worker: every way gives the number that it has, and what stands for none says
why."""

import pytest

from assay.apis import source
from assay.campaign.assemble import judge, witnesses
from assay.campaign.examine import examine
from assay.execution import Worker
from assay.ir.case import DERIVATIVES, Case
from assay.oracles.verdict import Kind, Verdict

pytestmark = pytest.mark.jax

WAYS = {
    "value": {"direct", "jitted", "primal", "primal_reverse", "vmapped"},
    "first": {
        "reverse", "forward", "linearize", "transposed", "checkpointed", "reverse_batched", "grad_vmapped",
        "jvp_vmapped",
    },
    "second": {
        "reverse_reverse", "forward_reverse", "reverse_forward", "forward_forward", "hessian_product", "symmetric",
        "linearize_reverse", "checkpointed_reverse", "batched_reverse_reverse",
    },
    "third": {
        "reverse_reverse_reverse", "forward_reverse_reverse", "forward_forward_reverse", "forward_forward_forward",
    },
}  # fmt: skip
TRACED = (*source.TRACED["jax"], *source.WITH_TRACED["jax"])


@pytest.fixture(scope="module")
def worker():
    with Worker(targets=["jax"]) as started:
        yield started


def case(body, inputs, definitions="", **asked):
    names = ", ".join(f"x{number}" for number in range(len(inputs)))
    text = f"import jax\nimport jax.numpy as jnp\n\n{definitions}\n\ndef program({names}):\n    return {body}\n\n"
    text += f"def inputs(call=0):\n    return {', '.join(inputs)},\n"
    return Case("api", "jax", {DERIVATIVES: {"order": 2, **asked}}, text, False, 1, {}, {}, ("custom",), 1)


def judged(worker, made):
    def run(case, evidence=(), *, alone=False, code="merged", patience=1.0):
        return worker.run(case, evidence, alone=alone, code=code)

    return examine(made, run, judge, witnesses).judgement


def numbers(found, name):
    (quantity,) = (each for each in found["quantities"] if each["name"] == name)
    return quantity["values"]


X = 'jnp.array([0.5, -1.5, 2.0], dtype="float64")'
Z = 'jnp.array([0.5 + 1j, -1.5j], dtype="complex128")'
M = 'jnp.array([[2.0, 0.5], [-1.0, 3.0]], dtype="float64")'


@pytest.mark.parametrize(
    ("body", "inputs"),
    [
        ("jnp.sin(x0) * x1", [X, X]),
        ("x0 * x0.conj() * x0", [Z]),
        ("jnp.linalg.inv(x0) @ x0.T", [M]),
        ("{'a': [jnp.exp(x0)], 'b': x0.sum(), 'n': 3, 'k': jnp.arange(3)}", [X]),
    ],
)
def test_all_ways_agree_with_one_another_and_with_the_function(worker, body, inputs):
    made = case(body, inputs, order=3, traced=list(TRACED))
    assert judged(worker, made).verdict is Verdict.Pass
    found = worker.run(made).derivatives
    for name, ways in WAYS.items():
        values = numbers(found, name)
        assert set(values) == ways | set(TRACED if name == "first" else ())
        absent = {way for way, value in values.items() if isinstance(value, dict)}
        left = {"jacobian_forward"} if inputs == [Z] else set()
        left |= {"grad_by_input", "jvp_by_input"} if len(inputs) == 1 else set()
        left |= set() if body.startswith("{") else {"reverse_by_output"}
        assert absent - {"without_rules"} == (left if name == "first" else set())
        told = [value for way, value in values.items() if way not in absent]
        assert max(told) == pytest.approx(min(told), rel=1e-10, abs=1e-12)


def test_a_function_with_a_rule_of_its_own_is_differentiated_without_it(worker):
    found = worker.run(case("jax.nn.silu(x0) * jax.nn.relu(x0)", [X], traced=["without_rules"])).derivatives
    values = numbers(found, "first")
    assert values["without_rules"] == pytest.approx(values["reverse"])


def test_the_numbers_are_those_of_calculus(worker):
    """Directions depend on shapes and sizes alone, so that they cancel in quotients."""
    point = ['jnp.array(2.0, dtype="float64")']
    line, square, cube, fourth = (
        worker.run(case(body, point, order=3)).derivatives for body in ("x0 * 1", "x0 ** 2", "x0 ** 3", "x0 ** 4")
    )
    assert (cube["shapes"], cube["dtypes"], cube["rules"]) == ([[]], ["float64"], ["integer_pow"])
    for one, other, name, way, quotient in [
        (cube, line, "value", "vmapped", 4),
        (cube, line, "first", "reverse", 12),
        (cube, square, "second", "forward_reverse", 6),
        (fourth, cube, "third", "forward_forward_forward", 8),
    ]:
        assert numbers(one, name)[way] == pytest.approx(quotient * numbers(other, name)[way])


RULE = """
@jax.custom_jvp
def rule(x):
    return x * x

@rule.defjvp
def rule_jvp(primals, tangents):
    (x,), (t,) = primals, tangents
    return rule(x), {}
"""


@pytest.mark.parametrize(
    ("rule", "verdict", "quantity"),
    [
        ("t * 2 * x", Verdict.Pass, ""),
        ("-t * 2 * x", Verdict.Mismatch, "first"),
        ("t * 1.999 * x", Verdict.Mismatch, "first"),
        ("t * 2 * jax.lax.stop_gradient(x)", Verdict.Mismatch, "second"),
        ("t * 3 * x if x.dtype == 'float32' else t * 2 * x", Verdict.Pass, ""),
    ],
)
def test_a_rule_of_somebodys_own_is_judged_by_what_it_gives(worker, rule, verdict, quantity):
    found = judged(worker, case("rule(x0)", [X], RULE.format(rule)))
    assert found.verdict is verdict
    assert found.where.startswith(quantity)


def test_fewer_bits_are_held_against_float64_on_the_same_inputs(worker):
    narrow = 'jnp.array([0.3, -1.7, 2.2], dtype="{}")'
    for dtype in ("float32", "bfloat16"):
        assert judged(worker, case("jnp.exp(jnp.sin(x0))", [narrow.format(dtype)])).verdict is Verdict.Pass
    rule = RULE.format("t * 2 * x * (1.5 if x.dtype == 'float32' else 1)")
    wrong = judged(worker, case("rule(x0)", [narrow.format("float32")], rule))
    assert wrong.verdict is Verdict.Mismatch
    assert wrong.signature.startswith("gradient|first|narrow|all ways")


@pytest.mark.parametrize("body", ["jax.nn.relu(x0)", "abs(x0)", "jnp.clip(x0, 0, 1)", "jnp.sort(x0)", "x0.max()"])
def test_a_subgradient_at_a_kink_is_no_finding(worker, body):
    ties = 'jnp.array([0.0, 1.0, 0.0, 1.0], dtype="float64")'
    assert judged(worker, case(body, [ties])).verdict is Verdict.Pass


def test_what_is_refused_random_or_without_a_derivative_says_so(worker):
    for body, told in [
        ("x0 @ x0[:2]", "refused"),
        ("x0 > 0", "no output is a real or complex array"),
        ("x0 / 0", "an output is not finite"),
        ("x0 * __import__('os').urandom(1)[0]", "random"),
    ]:
        found = judged(worker, case(body, [X]))
        assert found.verdict is Verdict.Unsupported
        assert told in found.detail
    assert judged(worker, case("x0 * 2", ["jnp.arange(3)"])).verdict is Verdict.Unsupported


def test_a_program_that_cannot_be_traced_is_differentiated_as_it_stands(worker):
    body = "x0 * x0 if x0.sum() > 0 else x0"
    assert judged(worker, case(body, [X])).verdict is Verdict.Pass
    values = numbers(worker.run(case(body, [X])).derivatives, "first")
    assert isinstance(values["reverse"], float)
    assert isinstance(values["grad_vmapped"], dict)


def test_only_forward_mode_goes_through_a_loop_of_unknown_length(worker):
    body = "jax.lax.while_loop(lambda s: s.sum() < 9, lambda s: s * s + 1, x0)"
    assert judged(worker, case(body, [X])).verdict is Verdict.Pass
    values = numbers(worker.run(case(body, [X])).derivatives, "second")
    assert isinstance(values["forward_forward"], float)
    assert isinstance(values["reverse_reverse"], dict)


def test_a_death_is_a_crash_and_says_what_ran(worker):
    body = "(x0 * 2, __import__('os').abort() if isinstance(x0, jax.core.Tracer) else 0)[0]"
    outcome = worker.run(case(body, [X]))
    assert (outcome.ended, outcome.note) == ("died", "traced")
    assert judged(worker, case(body, [X])).verdict is Verdict.Crash
    assert judged(worker, case("x0 * 2", [X])).verdict is Verdict.Pass


def test_another_dtype_under_a_trace_is_a_finding(worker):
    body = "x0 * 2 if isinstance(x0, jax.core.Tracer) else (x0 * 2).astype('float32')"
    found = judged(worker, case(body, [X]))
    assert (found.verdict, found.kind) == (Verdict.Mismatch, Kind.dtype)
