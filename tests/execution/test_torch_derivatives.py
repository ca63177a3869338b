"""A program differentiated in a worker: every way gives the number that it has, and what stands for none says why."""

import math

import pytest

from assay.apis import source
from assay.campaign.assemble import WARM, judge, witnesses
from assay.campaign.examine import examine
from assay.execution import Worker
from assay.ir.case import DERIVATIVES, Case
from assay.oracles.verdict import Kind, Verdict

pytestmark = pytest.mark.torch

WAYS = {
    "value": {"direct", "recorded", "primal", "vmapped"},
    "first": {
        "reverse", "forward", "reverse_again", "reverse_by_output", "reverse_by_input", "reverse_batched", "func_grad",
        "func_jvp", "grad_vmapped", "jvp_vmapped", "functionalized", "checkpointed", "checkpointed_reentrant",
    },
    "second": {
        "reverse_reverse", "forward_reverse", "reverse_forward", "forward_forward", "func_reverse_reverse",
        "func_forward_reverse", "func_reverse_forward", "symmetric", "batched_reverse_reverse",
    },
    "third": {"reverse_reverse_reverse", "forward_reverse_reverse", "forward_forward_forward"},
}  # fmt: skip
TRACED = {*source.TRACED["torch"], *source.WITH_TRACED["torch"]}


@pytest.fixture(scope="module")
def worker():
    with Worker(targets=["eager"], environment=WARM) as started:
        yield started


def case(body, inputs, definitions="", **asked):
    names = ", ".join(f"x{number}" for number in range(len(inputs)))
    text = f"import torch\n\n{definitions}\n\ndef program({names}):\n    return {body}\n\n"
    text += f"def inputs(call=0):\n    return {', '.join(inputs)},\n"
    return Case("api", "eager", {DERIVATIVES: {"order": 2, **asked}}, text, False, 1, {}, {}, ("custom",), 1)


def judged(worker, made):
    def run(case, evidence=(), *, alone=False, code="merged", patience=1.0):
        return worker.run(case, evidence, alone=alone, code=code)

    return examine(made, run, judge, witnesses).judgement


X = "torch.tensor([0.5, -1.5, 2.0], dtype=torch.float64)"
Z = "torch.tensor([0.5 + 1j, -1.5j], dtype=torch.complex128)"
M = "torch.tensor([[2.0, 0.5], [-1.0, 3.0]], dtype=torch.float64)"


@pytest.mark.parametrize(
    ("body", "inputs"),
    [
        ("x0.sin() * x1", [X, X]),
        ("x0 * x0.conj() * x0", [Z]),
        ("torch.linalg.inv(x0) @ x0.T", [M]),
        ("{'a': [x0.exp()], 'b': x0.sum(), 'n': 3}", [X]),
        ("torch.nn.functional.dropout(x0, 0.5, training=True) ** 3", [X]),
    ],
)
def test_all_ways_agree_with_one_another_and_with_the_function(worker, body, inputs):
    made = case(body, inputs, order=3, traced=sorted(TRACED))
    assert judged(worker, made).verdict is Verdict.Pass
    found = worker.run(made).derivatives
    for name, ways in WAYS.items():
        if name == "first" and "dropout" not in body:
            ways = ways | TRACED
        (quantity,) = (each for each in found["quantities"] if each["name"] == name)
        assert set(quantity["values"]) == ways
        numbers = {way: value for way, value in quantity["values"].items() if not isinstance(value, dict)}
        if "dropout" not in body:
            absent = {"jacobian_reverse", "jacobian_in_chunks", "jacobian_forward"} if inputs == [Z] else set()
            absent |= {"reverse_by_input"} if len(inputs) == 1 else set()
            absent |= {"reverse_by_output"} if not body.startswith("{") else set()
            assert ways - set(numbers) == (absent if name == "first" else set())
        assert max(numbers.values()) == pytest.approx(min(numbers.values()), rel=1e-10, abs=1e-12)


def test_the_numbers_are_those_of_calculus(worker):
    found = worker.run(case("x0 ** 3", ["torch.tensor(2.0, dtype=torch.float64)"], order=3)).derivatives
    value = {each["name"]: each["values"] for each in found["quantities"]}
    u = value["value"]["direct"] / 8
    v = value["first"]["reverse"] / 12 / u
    w = value["second"]["reverse_reverse"] / 12 / u / v
    z = value["third"]["reverse_reverse_reverse"] / 6 / u / v / w
    assert all(math.isfinite(each) and each for each in (u, v, w, z))
    # The curve is differentiated along w, and the sum has 1 for u.
    assert value["curve"]["curve"] == pytest.approx(12 * u * w)
    assert value["sum"]["reverse_dense"] == pytest.approx(12 * v)


ALONE = """
class Two(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        ctx.set_materialize_grads(False)
        return x * y, x + y

    @staticmethod
    def backward(ctx, g, h):
        x, y = ctx.saved_tensors
        if {lost}:
            return None, None
        g, h = (0.0 if each is None else each for each in (g, h))
        return g * y + h, g * x + h
"""


@pytest.mark.parametrize(
    ("lost", "way"),
    [("g is None", "reverse_by_output"), ("not all(ctx.needs_input_grad)", "reverse_by_input"), ("False", None)],
)
def test_what_a_rule_does_with_one_output_or_one_input_alone_is_asked(worker, lost, way):
    found = judged(worker, case("Two.apply(x0, x1)", [X, X], ALONE.format(lost=lost)))
    assert found.verdict is (Verdict.Mismatch if way else Verdict.Pass)
    assert not way or found.where.startswith(f"first {way} against ")


RULE = """
class Rule(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x):
        return x * x

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(inputs[0])

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return {}
"""


@pytest.mark.parametrize(
    ("rule", "verdict", "quantity"),
    [
        ("g * 2 * x", Verdict.Pass, ""),
        ("-g * 2 * x", Verdict.Mismatch, "first"),
        ("g * 1.999 * x", Verdict.Mismatch, "first"),
        ("g * 2 * x.detach()", Verdict.Mismatch, "second"),
    ],
)
def test_a_rule_of_somebodys_own_is_judged_by_what_it_gives(worker, rule, verdict, quantity):
    found = judged(worker, case("Rule.apply(x0)", [X], RULE.format(rule)))
    assert found.verdict is verdict
    assert found.where.startswith(quantity)


@pytest.mark.parametrize("body", ["x0.relu()", "x0.abs()", "x0.clamp(0, 1)", "torch.maximum(x0, -x0)", "x0.sort()[0]"])
def test_a_subgradient_at_a_kink_is_no_finding(worker, body):
    ties = "torch.tensor([0.0, 1.0, 0.0, 1.0], dtype=torch.float64)"
    assert judged(worker, case(body, [ties])).verdict is Verdict.Pass


@pytest.mark.parametrize("body", ["x0.sqrt()", "x0.log()", "torch.linalg.svd(torch.diag(x0))[0]", "x0.floor()"])
def test_where_there_is_no_derivative_nothing_is_reported(worker, body):
    zeros = "torch.zeros(3, dtype=torch.float64)"
    assert judged(worker, case(body, [zeros])).verdict in (Verdict.Pass, Verdict.Unsupported, Verdict.Inconclusive)


def test_a_cast_to_fewer_bits_is_no_staircase(worker):
    assert judged(worker, case("x0.bfloat16()", [X])).verdict is Verdict.Pass


def test_what_is_refused_random_or_without_a_gradient_says_so(worker):
    for body, told in [
        ("x0 @ x0[:2]", "refused"),
        ("x0 > 0", "no output has a gradient"),
        ("x0 / 0", "an output is not finite"),
        ("x0 * __import__('os').urandom(1)[0]", "random"),
    ]:
        found = judged(worker, case(body, [X]))
        assert found.verdict is Verdict.Unsupported
        assert told in found.detail


def test_an_input_that_is_changed_is_a_finding(worker):
    found = judged(worker, case("(x0.add_(1), x1 * 2)[1]", ["torch.arange(3)", X]))
    assert (found.verdict, found.kind) == (Verdict.Mismatch, Kind.mutation)


def test_a_gradient_of_another_layout_is_a_finding(worker):
    found = judged(worker, case("Rule.apply(x0)", [X], RULE.format("(g * 2 * x).to_sparse()")))
    assert (found.verdict, found.kind) == (Verdict.Mismatch, Kind.shape)
    assert "layout" in found.detail


def test_a_death_is_a_crash_and_says_what_ran(worker):
    body = "(x0 * 2, __import__('os').abort() if torch.autograd.forward_ad._current_level >= 0 else 0)[0]"
    made = case(body, [X])
    outcome = worker.run(made)
    assert (outcome.ended, outcome.note) == ("died", "value primal")
    assert judged(worker, made).verdict is Verdict.Crash
    assert judged(worker, case("x0 * 2", [X])).verdict is Verdict.Pass


NARROW_RULE = RULE.replace("return {}", "return g * 2 * x * (1 if x.dtype == torch.float64 else {})")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_fewer_bits_are_held_against_float64_on_the_same_inputs(worker, dtype):
    narrow = f"torch.tensor([0.3, -1.7, 2.2], dtype=torch.{dtype})"
    for body in ("x0.sin().exp()", "(x0 * x0).sum()", "(x0 - x0.mean()) / x0.square().mean().sqrt()"):
        assert judged(worker, case(body, [narrow])).verdict is Verdict.Pass
    wrong = judged(worker, case("Rule.apply(x0)", [narrow], NARROW_RULE.format("1.5 if True else 1")))
    assert wrong.verdict is Verdict.Mismatch
    assert wrong.signature.startswith("gradient|first|narrow|all ways")
    assert judged(worker, case("Rule.apply(x0)", [narrow], NARROW_RULE.format(1))).verdict is Verdict.Pass


def test_what_writes_is_not_differentiated_by_its_parts(worker):
    found = worker.run(case("torch.Tensor.xlogy_(x0.clone(), x0.exp())", [X], traced=["decomposed"])).derivatives
    (first,) = (each["values"] for each in found["quantities"] if each["name"] == "first")
    assert first["decomposed"]["raised"]["type"] == "NotImplementedError"
    found = worker.run(case("torch.xlogy(x0, x0.exp())", [X], traced=["decomposed"])).derivatives
    (first,) = (each["values"] for each in found["quantities"] if each["name"] == "first")
    assert first["decomposed"] == pytest.approx(first["reverse"])
