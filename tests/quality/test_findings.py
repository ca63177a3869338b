"""From a wrong backend to the script that shows it: two operations at most, 1 with the fault and 0 without it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.backends import find_backend
from assay.campaign.assemble import witnesses
from assay.campaign.examine import case_runner
from assay.campaign.findings import RunCase, Triaged
from assay.emit.cases import build_case
from assay.execution import Worker
from assay.ir.case import Case
from assay.ir.program import Program, operations
from assay.oracles.judge import judge
from assay.oracles.outcome import Code, Outcome
from assay.oracles.verdict import Judgement, Verdict
from assay.triage import triage_finding
from assay.triage.replay import replay
from triage.build import Builder, case_of, program_of, random_program

pytestmark = [pytest.mark.torch, pytest.mark.slow]
FAULTS = ("doubles", "drops_last_of_sums", "raises_on_tanh", "dies_on_floor", "forgets_mutation")


def target(fault: str) -> str:
    """The backend with a fault, as a target."""
    return f"torch:wrong_backends.{fault}"


@pytest.fixture(scope="module")
def run_case() -> Iterator[RunCase]:
    """Runs cases as a campaign does, on the wrong backends and on the bottom of the ladder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))
        with Worker(targets=["eager", "torch:eager", *(target(fault) for fault in FAULTS)]) as worker:

            def run(
                case: Case,
                evidence: tuple[str, ...] = (),
                *,
                alone: bool = False,
                code: Code = "merged",
                patience: float = 1.0,
            ) -> Outcome:
                return worker.run(case, evidence, alone=alone, code=code)

            def judged(case: Case, outcome: Outcome, evidence: dict[str, Outcome]) -> Judgement:
                return judge(case, outcome, evidence, unsupported=find_backend(case.target).unsupported)

            yield case_runner(run, judged, witnesses)


def on(program: Program, name: str) -> Case:
    """The case of a program on a target."""
    return case_of(program, name)


def writing_program() -> Program:
    """Operations around a write into an argument."""
    builder = Builder()
    x, y = builder.input("x", shape=(4, 3)), builder.input("y", shape=(3,))
    builder.op("a", "binary.mul", builder.op("b", "unary.neg", y), y)
    builder.op("c", "binary.add", x, "a", form="inplace", alpha=2)
    builder.op("d", "reduce.sum", builder.op("e", "unary.relu", "b"), dim=None, keepdim=False)
    return builder.made("d", "a")


def summing_program(rows: int, columns: int, keepdim: bool) -> Program:
    """Operations around a sum of rows."""
    builder = Builder()
    x, y = builder.input("x", shape=(rows, columns)), builder.input("y", shape=(columns,))
    builder.op("b", "unary.abs", builder.op("a", "binary.mul", x, y))
    builder.op("d", "unary.neg", builder.op("c", "reduce.sum", "b", dim=(-1,), keepdim=keepdim))
    builder.op("e", "smooth.tanh", "a")
    return builder.made("d", "e")


def program_with(operator: str) -> Program:
    """The first random program that has an operator, among others."""
    return next(
        program
        for program in map(random_program, range(100))
        if operator in {each.operator for each in operations(program)}
    )


@pytest.mark.parametrize(
    ("fault", "program", "kind", "operator"),
    [
        ("doubles", random_program(0), "value", None),
        ("drops_last_of_sums", summing_program(3, 5, True), "value", "reduce.sum"),
        ("raises_on_tanh", program_with("smooth.tanh"), "exception", "smooth.tanh"),
        ("dies_on_floor", program_with("unary.floor"), "crash", "unary.floor"),
        ("forgets_mutation", writing_program(), "mutation", "binary.add"),
    ],
    ids=FAULTS,
)
def test_a_fault_becomes_a_script_that_shows_it(
    fault: str,
    program: Program,
    kind: str,
    operator: str | None,
    run_case: RunCase,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = on(program, target(fault))
    judgement = run_case(case)
    assert judgement.verdict in (Verdict.Mismatch, Verdict.Exception, Verdict.Crash), judgement.detail
    triaged: Triaged = triage_finding(case, judgement, run_case)
    assert str(triaged.judgement.kind) == kind
    assert triaged.case.operations <= 2
    assert operator is None or operator in triaged.operators
    assert triaged.layer == target(fault), "dynamo alone is right"
    assert triaged.notes == ""
    assert len(triaged.script.splitlines()) <= 75
    monkeypatch.setenv("ASSAY_TEST_FAULT", "off")
    without = replay(triaged.script)
    assert (without.status, without.last_line) == (0, "OK"), without.output


def test_one_fault_met_in_two_programs_is_one_bucket(run_case: RunCase) -> None:
    buckets = set()
    for program in (summing_program(4, 5, False), summing_program(2, 9, True)):
        case = on(program, target("drops_last_of_sums"))
        judgement = run_case(case)
        assert judgement.verdict is Verdict.Mismatch
        buckets.add(triage_finding(case, judgement, run_case).bucket_id)
    assert len(buckets) == 1


def test_a_script_says_when_it_cannot_run(run_case: RunCase, monkeypatch: pytest.MonkeyPatch) -> None:
    case = on(summing_program(2, 3, False), target("drops_last_of_sums"))
    triaged = triage_finding(case, run_case(case), run_case)
    monkeypatch.delenv("PYTHONPATH")
    seen = replay(triaged.script)
    assert seen.status == 2
    assert seen.last_line == "CANNOT RUN: No module named 'wrong_backends'"


def test_a_case_can_be_rebuilt_from_its_recipe() -> None:
    case = on(random_program(4), "inductor")
    again = build_case(program_of(case), source=case.source, target=case.target, options=case.options)
    assert again.id == case.id
