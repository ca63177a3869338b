"""Where eager and a target part, seen on backends that are wrong about one known statement."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.campaign.assemble import judge, witnesses
from assay.campaign.examine import Run
from assay.execution import Worker
from assay.ir.case import Case
from assay.ir.program import Data, Program
from assay.oracles.numerics.rounding import Ruling
from assay.oracles.outcome import Code, Outcome
from assay.oracles.verdict import Kind, Verdict
from assay.report.explanation import explanation_screen, marked_program
from assay.triage.explain import Explanation, explain_finding
from assay.triage.parting import Way, returning_all
from triage.build import Builder, case_of

BACKENDS = (
    "negates_tanh",
    "negates_tanh_alone",
    "negates_tanh_of_two",
    "doubles_gradient_of_tanh",
    "writes_one_more",
)


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """Runs cases on the wrong backends and on eager."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))
        with Worker(targets=["eager", *(target(name) for name in BACKENDS)]) as worker:

            def one(
                case: Case,
                evidence: tuple[str, ...] = (),
                *,
                alone: bool = False,
                code: Code = "merged",
                patience: float = 1.0,
            ) -> Outcome:
                return worker.run(case, evidence, alone=alone, code=code)

            yield one


def target(name: str) -> str:
    """A backend as a target."""
    return f"torch:parting_backends.{name}"


def explained(program: Program, name: str, run: Run) -> Explanation:
    """What is said of a program on a backend."""
    return explain_finding(case_of(program, target(name)), run, judge, witnesses)


def chain(training: bool = False) -> Builder:
    """v0 = neg(x); v1 = tanh(v0); v2 = v1 + x; v3 = exp(v2): the second is wrong."""
    builder = Builder(training)
    x = builder.input("x", requires_grad=training)
    builder.op("v1", "smooth.tanh", builder.op("v0", "unary.neg", x))
    builder.op("v3", "smooth.exp", builder.op("v2", "binary.add", "v1", x, alpha=1))
    return builder


@pytest.mark.torch
def test_what_shows_with_everything_returned_is_named_with_its_operand(run: Run) -> None:
    explanation = explained(chain().made("v3"), "negates_tanh", run)
    element, parting = explanation.element, explanation.parting
    assert element is not None
    assert parting is not None
    assert (parting.way, parting.statement, parting.result) == (Way.returned, 1, "v1")
    assert parting.element is not None
    assert (parting.element.call, parting.element.dtype, parting.element.ruling) == (0, "float32", Ruling.wrong)
    assert parting.element.target == -parting.element.eager
    (operand,) = parting.operands
    assert (operand.name, operand.index) == ("v0", parting.element.index)
    assert math.tanh(operand.eager[0]) == pytest.approx(parting.element.eager)
    # What is wrong is far outside the bound of what exact arithmetic gives, eager is within it.
    assert element.value is not None
    assert element.eager_off <= element.bound < 4 * element.bound < element.target_off
    lines, marked = marked_program(explanation.case, parting.statement)
    assert [lines[number].strip() for number in marked] == ["v1 = torch.tanh(v0)"]


@pytest.mark.torch
def test_what_returning_everything_hides_is_found_by_cutting(run: Run) -> None:
    parting = explained(chain().made("v3"), "negates_tanh_alone", run).parting
    assert parting is not None
    assert (parting.way, parting.statement, parting.result) == (Way.cut, 1, "v1")


@pytest.mark.torch
def test_what_no_statement_shows_alone_is_told_as_such(run: Run) -> None:
    explanation = explained(chain().made("v3", "v1"), "negates_tanh_of_two", run)
    parting = explanation.parting
    assert parting is not None
    assert (parting.way, parting.statement) == (Way.together, None)
    assert parting.operators == ("unary.neg", "smooth.tanh", "binary.add", "smooth.exp")
    assert "only when compiled together" in " ".join(explanation_screen("b1", "", (), explanation).split())


@pytest.mark.torch
def test_a_gradient_parts_after_the_statement_whose_backward_is_wrong(run: Run) -> None:
    explanation = explained(chain(training=True).made("v3"), "doubles_gradient_of_tanh", run)
    parting = explanation.parting
    assert explanation.judgement.kind is Kind.gradient
    assert parting is not None
    assert (parting.way, parting.statement) == (Way.cut, 1)
    assert parting.element is not None
    assert parting.element.path == "gradient of argument 0"


@pytest.mark.torch
def test_what_is_written_later_is_seen_as_it_was_when_defined(run: Run) -> None:
    builder = Builder()
    x = builder.input("x")
    builder.op("v0", "unary.abs", x)
    builder.op("v1", "unary.neg", "v0")
    builder.op("v2", "binary.add", "v0", x, form="inplace", alpha=2)
    explanation = explained(builder.made("v2", "v1"), "writes_one_more", run)
    parting = explanation.parting
    assert parting is not None
    assert (parting.way, parting.statement, parting.result) == (Way.returned, 2, "v2")
    assert explanation.element is not None
    assert explanation.element.exact
    # The operand that was written into is not told as it is afterwards.
    assert {each.name: bool(each.eager) for each in parting.operands} == {"v0": True, "x": True}


@pytest.mark.torch
def test_a_wrong_argument_is_explained_like_an_output(run: Run) -> None:
    builder = Builder()
    x, y = builder.input("x"), builder.input("y")
    builder.op("v1", "binary.add", x, builder.op("v0", "unary.neg", y), form="inplace", alpha=1)
    explanation = explained(builder.made("v0"), "writes_one_more", run)
    assert explanation.judgement.kind is Kind.mutation
    assert explanation.element is not None
    assert explanation.element.path == "argument 0"
    parting = explanation.parting
    assert parting is not None
    assert parting.statement == 1
    seen = {each.name: each for each in parting.operands}
    assert not seen["x"].eager, "an argument that is written into is seen only as it is left"


@pytest.mark.torch
def test_what_rounding_may_explain_is_shown_in_float64(run: Run) -> None:
    """tanh(x) - x is a tenth of a roundoff of bfloat16 at so small an x: only float64 tells it from nothing."""
    builder = Builder()
    x = builder.input("x", "bfloat16", data=Data(0.0625, 0.0, 1))
    builder.op("v1", "binary.sub", builder.op("v0", "smooth.tanh", x), x, alpha=1)
    explanation = explained(builder.made("v1"), "negates_tanh", run)
    element, parting = explanation.element, explanation.parting
    assert explanation.shown_in == "float64"
    assert element is not None
    assert (element.dtype, element.against_eager) == ("float64", True)
    assert element.apart > 8 * element.bound > 0
    assert parting is not None
    assert parting.statement == 0


@pytest.mark.torch
def test_what_is_right_has_no_element(run: Run) -> None:
    builder = Builder()
    program = builder.made(builder.op("v0", "unary.neg", builder.input("x")))
    explanation = explained(program, "negates_tanh", run)
    assert (explanation.judgement.verdict, explanation.element) == (Verdict.Pass, None)
    assert explanation_screen("b1", "", (), explanation) == f"b1 no longer differs on {target('negates_tanh')}"


def test_all_returned_is_a_program_with_copies_of_what_is_written_later() -> None:
    builder = Builder()
    x = builder.input("x")
    builder.op("v0", "unary.abs", x)
    builder.op("v1", "binary.add", "v0", x, form="inplace", alpha=1)
    builder.op("v2", "unary.neg", "v1")
    probe = returning_all(builder.made("v2"))
    text = case_of(probe.program).text
    assert "return (v2, v0_then, v0, v1, v2)" in text
    assert text.index("v0_then = ") < text.index("v1 = ")
    assert list(probe.places.values()) == [(0, "v0"), (1, "v0"), (1, "v1"), (2, "v2")]
