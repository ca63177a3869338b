"""From outcome to settled judgement: evidence that oracles ask for, and the second run of a finding."""

from __future__ import annotations

from collections.abc import Mapping

from assay.campaign.examine import ROUNDS, Witness, case_runner, examine
from assay.ir.case import Case
from assay.oracles.outcome import ABSENT, Code, Outcome
from assay.oracles.verdict import Judgement, Kind, Verdict

from .fakes import PASS, WRONG, case_at, no_witness


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
WRONG_UNDECIDED = Judgement(Verdict.Inconclusive, Kind.value)


def test_a_case_that_passes_runs_once() -> None:
    runs = Runs()
    assert examine(CASE, runs, lambda *_: PASS, no_witness).judgement == PASS
    assert runs.seen == [("fake", (), False)]


def test_evidence_of_a_rerun_serves_as_the_second_run_as_well() -> None:
    runs = Runs()
    examination = examine(CASE, runs, asking("values", "eager_again"), no_witness)  # type: ignore[arg-type]
    assert examination.judgement == WRONG
    assert runs.seen == [("fake", (), False), ("fake", ("values", "eager_again"), True)]


def test_a_finding_is_confirmed_by_a_compilation_in_full() -> None:
    runs = Runs(merges=True)
    assert examine(CASE, runs, asking("values"), no_witness).judgement == WRONG  # type: ignore[arg-type]
    assert runs.codes == ["merged", "merged", "plain", "plain"]
    assert runs.seen[2:] == [("fake", (), True), ("fake", ("values",), True)]


def test_a_finding_that_would_only_be_counted_is_not_confirmed() -> None:
    runs = Runs()
    accusing = asking(then=WRONG)
    assert examine(CASE, runs, accusing, no_witness, lambda *_: True).judgement == WRONG  # type: ignore[arg-type]
    assert runs.seen == [("fake", (), False)]
    examine(CASE, runs, accusing, no_witness, lambda *_: False)  # type: ignore[arg-type]
    assert [alone for *_, alone in runs.seen] == [False, False, True]


def test_what_evidence_excuses_is_compiled_in_full_by_nobody() -> None:
    runs = Runs(merges=True)
    examine(CASE, runs, asking("values", then=PASS), no_witness)  # type: ignore[arg-type]
    assert runs.codes == ["merged", "merged"]


class Noting:
    """A judge that wants one piece of evidence after the other, and notes what it was given."""

    def __init__(self, *names: str, then: Judgement = PASS) -> None:
        self.names, self.then = names, then
        self.given: Mapping[str, Outcome] = {}

    def __call__(self, case: Case, outcome: Outcome, evidence: Mapping[str, Outcome]) -> Judgement:
        self.given = dict(evidence)
        wanted = next(((name,) for name in self.names if name not in evidence), ())
        return Judgement(Verdict.Inconclusive, Kind.value, wanted=wanted) if wanted else self.then


WITNESSES = {
    "shadow": Witness(case_at(1, target="eager"), ("shadow",)),
    "float64": Witness(case_at(2, target="wide"), ("values",)),
    "exact": Witness(case_at(3, target="drawn"), ("values",), ("output 0", "output 2")),
}


def witness_of(case: Case, evidence: str) -> Witness | None:
    return WITNESSES.get(evidence)


def test_evidence_by_another_case_is_a_run_of_its_witness_with_what_that_asks_for() -> None:
    runs, judge = Runs(), Noting("shadow", "float64")
    assert examine(CASE, runs, judge, witness_of).judgement == PASS
    assert runs.seen == [("fake", (), False), ("eager", ("shadow",), False), ("wide", ("values",), False)]
    assert {name: run.case_id for name, run in judge.given.items()} == {
        name: WITNESSES[name].case.id for name in ("shadow", "float64")
    }


def test_a_witness_runs_only_where_the_cheaper_ones_before_it_decide_nothing() -> None:
    runs = Runs()
    examine(CASE, runs, Noting("shadow"), witness_of)
    assert [target for target, _, _ in runs.seen] == ["fake", "eager"]


def test_evidence_that_is_not_to_be_had_is_absent_and_not_asked_for_again() -> None:
    runs, judge = Runs(), Noting("float64_shadow", then=WRONG_UNDECIDED)
    examination = examine(CASE, runs, judge, witness_of)
    assert examination.judgement.verdict is Verdict.Inconclusive
    assert judge.given["float64_shadow"].ended == ABSENT
    assert runs.seen == [("fake", (), False)]


def test_the_outputs_that_are_exact_in_a_witness_travel_with_its_run() -> None:
    judge = Noting("shadow", "exact")
    examine(CASE, Runs(merges=True), judge, witness_of)
    assert judge.given["exact"].engagement == {"merged": True, "exact": ("output 0", "output 2")}
    assert "exact" not in judge.given["shadow"].engagement


def test_what_a_finding_is_confirmed_by_is_obtained_afresh() -> None:
    runs = Runs()
    assert examine(CASE, runs, Noting("shadow", then=WRONG), witness_of).judgement == WRONG
    first, again = ((("fake", (), alone), ("eager", ("shadow",), alone)) for alone in (False, True))
    assert runs.seen == [*first, *again]


def test_a_judge_that_never_has_enough_is_left_undecided() -> None:
    runs = Runs()
    names = tuple(f"more {number}" for number in range(ROUNDS + 3))
    assert examine(CASE, runs, Noting(*names), no_witness).judgement.verdict is Verdict.Inconclusive
    assert len(runs.seen) == 1


def test_only_the_first_run_counts_as_time_of_the_system_under_test() -> None:
    assert examine(CASE, Runs(), lambda *_: WRONG, no_witness).sut_seconds == 1.0


def test_another_kind_the_second_time_is_flaky() -> None:
    other = Judgement(Verdict.Mismatch, Kind.dtype, "", "", "dtype")

    def judge(case: Case, outcome: Outcome, evidence: Mapping[str, Outcome]) -> Judgement:
        return WRONG if outcome.stderr == "1" else other

    examination = examine(CASE, Runs(), judge, no_witness)
    assert examination.judgement.verdict is Verdict.Flaky
    assert "dtype" in examination.judgement.detail


def test_a_second_run_that_cannot_decide_leaves_the_case_inconclusive() -> None:
    unsure = Judgement(Verdict.Inconclusive, Kind.nondeterminism)

    def judge(case: Case, outcome: Outcome, evidence: Mapping[str, Outcome]) -> Judgement:
        return WRONG if outcome.stderr == "1" else unsure

    assert examine(CASE, Runs(), judge, no_witness).judgement == unsure


def test_triage_may_ask_for_a_single_run_or_for_a_confirmed_one() -> None:
    runs = Runs()
    run_case = case_runner(runs, lambda *_: WRONG, no_witness)
    run_case(CASE)
    assert len(runs.seen) == 1
    run_case(CASE, confirm=True)
    assert len(runs.seen) == 3
