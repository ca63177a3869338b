"""A case on the ladder: cheap rungs first, the first that differs is accused, and no code where there is none to
make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from assay.campaign.climbing import FEWEST_OPERATORS, climb, rungs_to_climb
from assay.ir.case import Case
from assay.oracles.outcome import Code, Outcome
from assay.oracles.verdict import Judgement, Kind, Verdict

from .fakes import PASS, WRONG, case_at, fake_parts, no_witness, open_or_create, run_engine

FLAG = Judgement(Verdict.Inconclusive)
GAP = Judgement(Verdict.Unsupported)


class Ladder:
    """Runs cases, a second each, of which every rung captures so many operators; differs from a rung on."""

    def __init__(self, operators: int = 50, verdicts: Mapping[str, Judgement] | None = None) -> None:
        self.operators = operators
        self.verdicts = verdicts or {}
        self.seen: list[str] = []

    def run(
        self,
        case: Case,
        evidence: tuple[str, ...] = (),
        *,
        alone: bool = False,
        code: Code = "merged",
        patience: float = 1.0,
    ) -> Outcome:
        if not alone:
            self.seen.append(case.target)
        engagement = {"operators": self.operators, "engaged": True}
        return Outcome(case.id, "completed", engagement=engagement, cpu={"sut": 1.0})

    def judge(self, case: Case, outcome: Outcome, evidence: Mapping[str, Outcome]) -> Judgement:
        return self.verdicts.get(case.target, PASS)


def python_case(target: str = "inductor") -> Case:
    return replace(case_at(0, target=target), source="python", _id="")


def transformed() -> Case:
    return replace(case_at(0, target="inductor"), transforms=("control.for_break",), _id="")


def test_a_program_over_python_climbs_all_the_way_where_nothing_differs() -> None:
    ladder = Ladder()
    case, found = climb(python_case(), ladder.run, ladder.judge, no_witness)
    assert ladder.seen == ["torch:eager", "aot_eager", "inductor"]
    assert (case.target, found.judgement, found.engaged) == ("inductor", PASS, True)
    assert found.sut_seconds == 3.0


@pytest.mark.parametrize("wrong", ["torch:eager", "aot_eager", "inductor"])
def test_the_first_rung_that_differs_is_accused_and_none_above_it_runs(wrong: str) -> None:
    rungs = ["torch:eager", "aot_eager", "inductor"]
    ladder = Ladder(verdicts=dict.fromkeys(rungs[rungs.index(wrong) :], WRONG))
    case, found = climb(python_case(), ladder.run, ladder.judge, no_witness)
    assert ladder.seen == rungs[: rungs.index(wrong) + 1]
    assert (case.target, found.judgement) == (wrong, WRONG)


def test_what_a_rung_declares_as_a_gap_is_one_for_the_target_too() -> None:
    ladder = Ladder(verdicts={"torch:eager": GAP})
    _, found = climb(python_case(), ladder.run, ladder.judge, no_witness)
    assert (ladder.seen, found.judgement) == (["torch:eager"], GAP)


def test_what_a_rung_cannot_decide_goes_on() -> None:
    ladder = Ladder(verdicts={"torch:eager": FLAG, "inductor": WRONG})
    case, found = climb(python_case(), ladder.run, ladder.judge, no_witness)
    assert (case.target, found.judgement) == ("inductor", WRONG)


def test_no_code_is_generated_for_a_handful_of_operators_and_the_target_does_not_count_as_engaged() -> None:
    ladder = Ladder(operators=FEWEST_OPERATORS - 1)
    case, found = climb(python_case(), ladder.run, ladder.judge, no_witness)
    assert ladder.seen == ["torch:eager"]
    assert (case.target, found.judgement, found.engaged) == ("inductor", PASS, False)


@pytest.mark.parametrize(("operators", "runs"), [(0, ["torch:eager"]), (1, ["torch:eager", "inductor"])])
def test_a_rewritten_graph_runs_on_dynamo_first_and_needs_code_if_there_is_a_graph(
    operators: int, runs: list[str]
) -> None:
    ladder = Ladder(operators)
    climb(transformed(), ladder.run, ladder.judge, no_witness)
    assert ladder.seen == runs


def test_what_is_cheap_or_a_graph_alone_does_not_climb() -> None:
    assert rungs_to_climb(case_at(0, target="inductor")) == ()
    assert rungs_to_climb(python_case("aot_eager")) == ()
    assert rungs_to_climb(python_case("torch:mine.backend")) == ()
    assert rungs_to_climb(python_case("fake")) == ()
    assert rungs_to_climb(python_case("inductor@/opt/python")) == ("torch:eager", "aot_eager")


def test_a_campaign_files_the_finding_of_the_rung_and_counts_the_case_for_its_target(tmp_path: Path) -> None:
    def judge(case: Case, outcome: Outcome, evidence: Mapping[str, Outcome]) -> Judgement:
        return replace(WRONG, kind=Kind.type) if case.target == "torch:eager" else PASS

    parts = replace(fake_parts(make=lambda index: transformed()), judge=judge)
    with open_or_create(tmp_path) as store:
        run_engine(store, parts, cases=1)
        (finding,) = store.findings()
        (counted,) = store.counts()
    assert (finding.case.target, finding.judgement.kind) == ("torch:eager", Kind.type)
    assert counted[:2] == ("inductor", "Mismatch")
