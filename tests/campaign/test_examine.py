"""From outcome to settled judgement: evidence that oracles ask for, and the second run of a finding."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from assay.campaign.examine import case_runner, examine
from assay.ir.case import Case
from assay.oracles.outcome import Code, Outcome
from assay.oracles.verdict import Judgement, Kind, Verdict

from .fakes import PASS, WRONG, case_at


class Runs:
    """Notes how cases are run; the outcome's stderr numbers it. With ``merges`` the target cuts its compilation short
    unless asked not to."""

    def __init__(self, merges: bool = False) -> None:
        self.seen: list[tuple[str, tuple[str, ...], bool]] = []
        self.codes: list[Code] = []
        self.merges = merges

    def __call__(
        self,
        case: Case,
        evidence: tuple[str, ...] = (),
        *,
        alone: bool = False,
        code: Code = "merged",
        patience: float = 1.0,
    ) -> Outcome:
        self.seen.append((case.target, evidence, alone))
        self.codes.append(code)
        engagement = {"merged": self.merges and code != "plain"}
        return Outcome(case.id, "completed", stderr=str(len(self.seen)), engagement=engagement, cpu={"sut": 1.0})


def asking(*names: str, then: Judgement = WRONG) -> object:
    """A judge that wants these names of evidence before it decides."""

    def judge(case: Case, outcome: Outcome, evidence: Mapping[str, Outcome]) -> Judgement:
        wanted = tuple(name for name in names if name not in evidence)
        return Judgement(Verdict.Inconclusive, Kind.value, wanted=wanted) if wanted else then

    return judge


CASE = case_at(0)
TWIN = case_at(1, target="twin")


def test_a_case_that_passes_runs_once() -> None:
    runs = Runs()
    assert examine(CASE, runs, lambda *_: PASS, lambda case: ()).judgement == PASS
    assert runs.seen == [("fake", (), False)]


def test_evidence_of_a_rerun_serves_as_the_second_run_as_well() -> None:
    runs = Runs()
    examination = examine(CASE, runs, asking("values", "eager_again"), lambda case: ())  # type: ignore[arg-type]
    assert examination.judgement == WRONG
    assert runs.seen == [("fake", (), False), ("fake", ("values", "eager_again"), True)]


def test_a_finding_is_confirmed_by_a_compilation_in_full() -> None:
    runs = Runs(merges=True)
    assert examine(CASE, runs, asking("values"), lambda case: ()).judgement == WRONG  # type: ignore[arg-type]
    assert runs.codes == ["merged", "merged", "plain", "plain"]
    assert runs.seen[2:] == [("fake", (), True), ("fake", ("values",), True)]


def test_what_evidence_excuses_is_compiled_in_full_by_nobody() -> None:
    runs = Runs(merges=True)
    examine(CASE, runs, asking("values", then=PASS), lambda case: ())  # type: ignore[arg-type]
    assert runs.codes == ["merged", "merged"]


def test_evidence_in_float64_is_a_run_of_the_twin_with_values() -> None:
    runs = Runs()
    examination = examine(CASE, runs, asking("float64", then=PASS), lambda case: (TWIN,))  # type: ignore[arg-type]
    assert examination.judgement == PASS
    assert runs.seen == [("fake", (), False), ("twin", ("values",), False)]


@pytest.mark.parametrize("settles", [True, False])
def test_the_twin_that_costs_more_runs_only_where_the_cheap_one_does_not_settle_it(settles: bool) -> None:
    runs, shown = Runs(), []

    def judge(case: Case, outcome: Outcome, evidence: Mapping[str, Outcome]) -> Judgement:
        if (run := evidence.get("float64")) is not None:
            shown.append(run)
            if settles or len(shown) > 1:
                return PASS
        return Judgement(Verdict.Inconclusive, Kind.value, wanted=() if run else ("float64",))

    cheap = case_at(2, target="eager")
    examine(CASE, runs, judge, lambda case: (cheap, case_at(1)))
    assert [target for target, _, _ in runs.seen] == ["fake", "eager"] + ([] if settles else ["fake"])
    # What another target made of the twin is not what this one would.
    assert shown[0].target is None


def test_a_case_without_the_evidence_that_is_wanted_stays_inconclusive() -> None:
    runs = Runs()
    examination = examine(CASE, runs, asking("float64"), lambda case: ())  # type: ignore[arg-type]
    assert examination.judgement.verdict is Verdict.Inconclusive
    assert len(runs.seen) == 1


def test_only_the_first_run_counts_as_time_of_the_system_under_test() -> None:
    assert examine(CASE, Runs(), lambda *_: WRONG, lambda case: ()).sut_seconds == 1.0


def test_another_kind_the_second_time_is_flaky() -> None:
    other = Judgement(Verdict.Mismatch, Kind.dtype, "", "", "dtype")

    def judge(case: Case, outcome: Outcome, evidence: Mapping[str, Outcome]) -> Judgement:
        return WRONG if outcome.stderr == "1" else other

    examination = examine(CASE, Runs(), judge, lambda case: ())
    assert examination.judgement.verdict is Verdict.Flaky
    assert "dtype" in examination.judgement.detail


def test_a_second_run_that_cannot_decide_leaves_the_case_inconclusive() -> None:
    unsure = Judgement(Verdict.Inconclusive, Kind.nondeterminism)

    def judge(case: Case, outcome: Outcome, evidence: Mapping[str, Outcome]) -> Judgement:
        return WRONG if outcome.stderr == "1" else unsure

    assert examine(CASE, Runs(), judge, lambda case: ()).judgement == unsure


def test_triage_may_ask_for_a_single_run_or_for_a_confirmed_one() -> None:
    runs = Runs()
    run_case = case_runner(runs, lambda *_: WRONG, lambda case: ())
    run_case(CASE)
    assert len(runs.seen) == 1
    run_case(CASE, confirm=True)
    assert len(runs.seen) == 3
