"""The judge on outcomes of a real worker, of programs that do something else when they are compiled."""

import textwrap
from dataclasses import replace

import pytest

from assay.ir.case import Case
from assay.oracles.judge import judge
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

    with Worker(targets=["aot_eager"]) as started:
        yield started


def a_case(body: str, training: bool = False) -> Case:
    text = TEXT.format(body=textwrap.indent(body, "    "), training=training)
    exact = {"outputs": [not training] * 4, "arguments": [True], "state": {}}
    return Case("graph", "aot_eager", {}, text, training, 1, {}, exact, ("binary.add",), 1)


def verdict_on(worker, case):
    """The verdict with all the evidence that is wanted; the case is its own float64 twin."""
    outcome = worker.run(case)
    first = judge(case, outcome)
    evidence = {
        name: worker.run(case, evidence=("eager_again", "values")) for name in first.wanted if name != "float64"
    }
    if "float64" in first.wanted:
        text = case.text.replace("arange(12.0)", "arange(12.0, dtype=torch.float64)")
        evidence["float64"] = worker.run(replace(case, text=text), evidence=("values",))
    return judge(case, outcome, evidence)


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
