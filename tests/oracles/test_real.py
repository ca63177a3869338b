"""The judge on outcomes of a real worker, of programs that do something else when they are compiled."""

import textwrap
from dataclasses import replace

import pytest

from assay.ir.case import Case
from assay.oracles.judge import judge
from assay.oracles.outcome import ABSENT, Outcome
from assay.oracles.verdict import Kind, Verdict

pytestmark = pytest.mark.torch

TEXT = """
import torch

CALLS, TRAINING = 1, {training}

def inputs(call=0):
    return (torch.arange(12.0).reshape(3, 4).requires_grad_({training}),)

def program(x):
    compiled = torch.compiler.is_compiling()
{body}
"""
# what each program does, in eager mode and compiled, and the kind of finding that it must be
WRONG = {
    "value": ("return x + (1 if compiled else 2)", Kind.value),
    "dtype": ("return (x * 1).double() if compiled else x * 1", Kind.dtype),
    "shape": ("return (x * 1).sum(0, keepdim=compiled)", Kind.shape),
    "type": ("y = x * 1\nreturn (y, y) if compiled else [y, y]", Kind.type),
    "stride": ("y = x * 1\nreturn y.t().contiguous().t() if compiled else y", Kind.stride),
    "alias": ("return (x * 1).view(12) if compiled else x.view(12)", Kind.alias),
    "mutation": ("if not compiled: x.add_(1)\nreturn x.sum()*0", Kind.mutation),
}
RIGHT = (
    "return x + 1, x.view(-1), x",
    "x.mul_(2)\nreturn x[0], {'sum': x.sum(), 'size': x.shape[0], 'none': None}",
    "y = x.sin()\nreturn y.t(), y, y.expand(2, 3, 4)",
)


@pytest.fixture(scope="module")
def worker():
    pytest.importorskip("torch")
    from assay.execution.client import Worker

    with Worker(targets=["aot_eager", "eager"]) as started:
        yield started


def a_case(body: str, training: bool = False, rounded: bool = False) -> Case:
    text = TEXT.format(body=textwrap.indent(body, "    "), training=training)
    exact = {"outputs": [not training and not rounded] * 4, "arguments": [True], "state": {}}
    return Case("graph", "aot_eager", {}, text, training, 1, {}, exact, ("binary.add",), 1)


def verdict_on(worker, case):
    """The verdict with all the evidence that is wanted; without a program, a case has no twins."""
    outcome, evidence = worker.run(case), {}
    judged = judge(case, outcome)
    while judged.wanted:
        for name in judged.wanted:
            if name == "shadow":
                evidence[name] = worker.run(replace(case, target="eager"), evidence=("shadow",))
            elif name in ("eager_again", "values"):
                evidence[name] = worker.run(case, evidence=(name,))
            else:
                evidence[name] = Outcome(case.id, ABSENT)
        judged = judge(case, outcome, evidence)
    return judged


@pytest.mark.parametrize("name", WRONG)
def test_what_compilation_changes_is_found_and_filed_under_its_kind(worker, name):
    body, kind = WRONG[name]
    judged = verdict_on(worker, a_case(body))
    assert (judged.verdict, judged.kind) == (Verdict.Mismatch, kind), judged


def test_a_gradient_of_the_wrong_sign_is_found(worker):
    judged = verdict_on(worker, a_case("y = x * 3\nreturn (2 * y.detach() - y) if compiled else y", training=True))
    assert (judged.verdict, judged.kind) == (Verdict.Mismatch, Kind.gradient), judged


def test_a_lost_requires_grad_is_found(worker):
    judged = verdict_on(worker, a_case("return (x * 3).detach() if compiled else x * 3", training=True))
    assert (judged.verdict, judged.kind) == (Verdict.Mismatch, Kind.gradient), judged


def test_an_exception_of_the_target_is_found_unless_it_is_a_declared_gap(worker):
    case = replace(a_case("torch._dynamo.graph_break()\nreturn x"), options={"fullgraph": True})
    outcome = worker.run(case)
    judged = judge(case, outcome)
    assert (judged.verdict, judged.kind) == (Verdict.Exception, Kind.exception), judged
    assert "torch/_dynamo/" in judged.signature
    assert judge(case, outcome, unsupported=("Unsupported",)).verdict is Verdict.Unsupported


def test_a_rounded_value_is_held_against_its_bound(worker):
    # Ten thousand roundoffs off, of a sum that no order of its terms brings so far.
    wrong = "y = (x.sin() / 3).sum(-1)\nreturn y * (1 + 2**-10) if compiled else y"
    judged = verdict_on(worker, a_case(wrong, rounded=True))
    assert (judged.verdict, judged.kind) == (Verdict.Mismatch, Kind.value), judged
    assert "than its bound allows" in judged.detail
    order = "y = x.sin() / 3\nreturn y.flip(-1).cumsum(-1)[..., -1] if compiled else y.cumsum(-1)[..., -1]"
    assert verdict_on(worker, a_case(order, rounded=True)).verdict is Verdict.Pass


def test_a_cancellation_is_no_finding(worker):
    # Nine digits are lost, so that what is left of both is noise; in exact arithmetic it is x.
    body = "y = x.sin()\nreturn y + 1e9 - 1e9 if compiled else y - 1e9 + 1e9"
    assert verdict_on(worker, a_case(body, rounded=True)).verdict is not Verdict.Mismatch


def test_numbers_that_eager_does_not_repeat_are_no_finding(worker):
    judged = verdict_on(worker, a_case("import time\nreturn x + time.perf_counter()"))
    assert judged.verdict is Verdict.Inconclusive, judged


@pytest.mark.parametrize("body", RIGHT)
@pytest.mark.parametrize("training", [False, True])
def test_programs_that_are_compiled_rightly_pass(worker, body, training):
    if training and "mul_" in body:
        body = "x = x * 1\n" + body
    judged = verdict_on(worker, a_case(body, training))
    assert judged.verdict is Verdict.Pass, judged
