"""The engine on a fake system: what is counted, what becomes a finding, when it stops."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from assay.campaign.engine import Budget, Engine
from assay.campaign.filing import KNOWN_AFTER, Filing
from assay.campaign.findings import COUNTED, REDUCED, UNREDUCED, CaseResult, Finding, RunCase, Triaged
from assay.campaign.progress import Event, FiledFinding, FoundFinding, InvalidCase
from assay.campaign.store import create
from assay.ir.case import Case
from assay.oracles.verdict import FINDINGS, Judgement, Kind, Verdict
from assay.report.summary import summarise

from .fakes import META, PASS, WRONG, FakeWorker, case_at, fake_parts, reduced_to_one_operator, run_engine, verdict_at


def test_so_many_cases_run_as_were_asked_for_in_order_and_each_once(tmp_path: Path) -> None:
    workers: list[FakeWorker] = []
    with create(tmp_path, META) as store:
        run_engine(store, fake_parts(lambda index: PASS, workers=workers), cases=40, jobs=3)
        summary = summarise(store)
    assert summary["cases"] == 40 == sum(summary["cases_per_target"].values())
    assert sorted(index for worker in workers for index, _, _ in worker.runs) == list(range(40))
    assert summary["engaged_per_target"] == {"fake": 20}
    assert summary["cpu_seconds_sut"] > 0


def test_the_summary_does_not_depend_on_the_number_of_jobs(tmp_path: Path) -> None:
    summaries = []
    for jobs in (1, 4):
        with create(tmp_path / str(jobs), META) as store:
            run_engine(store, fake_parts(), cases=60, jobs=jobs)
            summaries.append(summarise(store))
    for summary in summaries:
        del summary["wall_seconds"], summary["cpu_seconds"], summary["cpu_seconds_sut"]
    assert summaries[0] == summaries[1]


def test_a_finding_is_run_once_more_alone_before_it_counts(tmp_path: Path) -> None:
    workers: list[FakeWorker] = []
    with create(tmp_path, META) as store:
        run_engine(
            store, fake_parts(lambda i: WRONG if i == 1 else PASS, triage=None, workers=workers), cases=3, jobs=1
        )
        assert [finding.index for finding in store.findings()] == [1]
    assert [run for run in workers[0].runs if run[0] == 1] == [(1, (), False), (1, (), True)]


def test_a_finding_that_does_not_come_back_is_flaky(tmp_path: Path) -> None:
    seen: Counter[int] = Counter()

    def wrong_once(index: int) -> Judgement:
        seen[index] += 1
        return WRONG if seen[index] == 1 else PASS

    with create(tmp_path, META) as store:
        run_engine(store, fake_parts(wrong_once), cases=3, jobs=1)
        assert summarise(store)["flaky"] == 3
        assert not store.findings()


def test_a_case_that_is_invalid_is_counted_shown_and_saved(tmp_path: Path) -> None:
    events: list[Event] = []
    invalid = Judgement(Verdict.Invalid, None, "", "eager raises", "invalid")
    with create(tmp_path, META) as store:
        run_engine(store, fake_parts(lambda index: invalid), cases=1, observe=events.append)
        assert summarise(store)["invalid"] == 1
        saved = store.judged("Invalid")[0]["saved"]
    assert [type(event) for event in events] == [InvalidCase]
    assert "# case 0" in (tmp_path / saved).read_text()


def test_where_the_reference_itself_is_wrong_that_is_the_finding(tmp_path: Path) -> None:
    def turned(case: Case) -> Case | None:
        return replace(case, options={"level": "disabled"}, recipe={"index": 3}, _id="") if not case.options else None

    def table(index: int) -> Judgement:
        return WRONG if index == 3 else Judgement(Verdict.Invalid, None, "", "the reference raises", "invalid")

    with create(tmp_path, META) as store:
        run_engine(store, replace(fake_parts(table), instead=turned), cases=2, jobs=1)
        assert summarise(store)["invalid"] == 0
        assert [finding.case.options for finding in store.findings()] == [{"level": "disabled"}] * 2


def test_a_case_whose_reference_is_right_stays_invalid(tmp_path: Path) -> None:
    invalid = Judgement(Verdict.Invalid, None, "", "the reference raises", "invalid")
    with create(tmp_path, META) as store:
        parts = replace(fake_parts(lambda index: invalid), instead=lambda case: replace(case, options={"a": 1}, _id=""))
        run_engine(store, parts, cases=1)
        assert summarise(store)["invalid"] == 1


def test_findings_are_acknowledged_before_they_are_filed_and_each_is_filed(tmp_path: Path) -> None:
    events: list[Event] = []
    with create(tmp_path, META) as store:
        run_engine(store, fake_parts(), cases=80, observe=events.append)
        guilty = [index for index in range(80) if verdict_at(index).verdict in FINDINGS]
        assert sum(bucket.cases for bucket in store.buckets()) == len(guilty)
    found = [event.finding.id for event in events if isinstance(event, FoundFinding)]
    filed = [event.finding.id for event in events if isinstance(event, FiledFinding)]
    assert len(found) == len(guilty)
    assert sorted(found) == sorted(filed)


def test_a_flood_of_one_finding_is_reduced_now_and_then_and_else_counted(tmp_path: Path) -> None:
    with create(tmp_path, META) as store:
        run_engine(store, fake_parts(lambda index: WRONG), cases=24, jobs=1)
        states = Counter(finding.status for finding in store.findings())
        assert [bucket.cases for bucket in store.buckets()] == [24]
    assert states == {REDUCED: 5, COUNTED: 19}


def test_a_flood_is_confirmed_only_where_it_is_reduced(tmp_path: Path) -> None:
    workers: list[FakeWorker] = []
    with create(tmp_path, META) as store:
        run_engine(store, fake_parts(lambda index: WRONG, workers=workers), cases=24, jobs=1)
    confirmed = [run for worker in workers for run in worker.runs if run[2]]
    # How many run before the first are filed is a matter of time.
    assert KNOWN_AFTER <= len(confirmed) < 24


def test_a_known_signature_on_other_operators_is_reduced(tmp_path: Path) -> None:
    def make(index: int) -> Case:
        return case_at(index, operators=("unary.neg",) if index < 6 else ("unary.abs",))

    with create(tmp_path, META) as store:
        run_engine(store, fake_parts(lambda index: WRONG, make=make), cases=7, jobs=1)
        other = [finding for finding in store.findings() if finding.case.operators == ("unary.abs",)]
        assert [finding.status for finding in other] == [REDUCED]


@pytest.mark.parametrize(
    ("kind", "signature"),
    [
        (
            Kind.exception,
            "exception|torch._dynamo.exc.TorchRuntimeError|torch/_dynamo/x.py:f|RuntimeError: Cannot call numel()",
        ),
        (Kind.type, "type|declined->computed|output"),
    ],
)
def test_a_signature_that_tells_its_cause_is_one_whatever_operator_or_target_showed_it(
    tmp_path: Path, kind: Kind, signature: str
) -> None:
    raised = Judgement(Verdict.Exception, kind, "call 0, forward", "it raised", signature)

    def make(index: int) -> Case:
        return case_at(index, operators=(f"unary.{index}",))

    with create(tmp_path, META) as store:
        run_engine(store, fake_parts(lambda index: raised, make=make), cases=12, jobs=1)
        states = Counter(finding.status for finding in store.findings())
        assert states == {REDUCED: 2, COUNTED: 10}  # the first, and one in ten of the others
    elsewhere = Finding(case_at(0, target="other"), raised, 0)
    assert elsewhere.coarse_key == Finding(case_at(0), raised, 0).coarse_key
    assert Finding(case_at(0, target="other"), WRONG, 0).coarse_key != Finding(case_at(0), WRONG, 0).coarse_key


def test_a_campaign_ends_when_its_time_is_up_and_files_what_it_found(tmp_path: Path) -> None:
    began = time.monotonic()
    with create(tmp_path, META) as store:
        run_engine(store, fake_parts(lambda index: WRONG, seconds=0.02), seconds=1.0)
        assert all(finding.bucket for finding in store.findings())
        assert summarise(store)["cases"] > 5
    assert 1.0 <= time.monotonic() - began < 5.0


def test_what_hangs_past_the_last_moment_is_given_up_and_runs_again_on_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.campaign.engine.LEAST_GRACE_SECONDS", 0.2)
    with create(tmp_path, META) as store:
        run_engine(store, fake_parts(lambda index: PASS, seconds=1.5), seconds=0.5, jobs=1)
        assert summarise(store)["cases"] == 0
        assert store.unfinished() == [(0, 1)]
        run_engine(store, fake_parts(lambda index: PASS), cases=5)
        assert summarise(store)["cases"] == 5


def test_stopping_finishes_what_is_in_progress_and_files_what_was_found(tmp_path: Path) -> None:
    with create(tmp_path, META) as store:
        parts = fake_parts(lambda index: WRONG, seconds=0.02)
        engine = Engine(store, parts, Budget(cases=10**6), jobs=2, observe=lambda event: None)
        threading.Timer(0.4, engine.stop).start()
        engine.run()
        assert not store.unfinished()
        assert all(finding.bucket for finding in store.findings())
        assert engine.snapshot().cases == summarise(store)["cases"] > 0


def test_findings_without_time_for_triage_go_to_one_bucket_for_each_coarse_key(tmp_path: Path) -> None:
    with create(tmp_path, META) as store:
        run_engine(store, fake_parts(lambda index: WRONG, triage=None), cases=6)
        assert {finding.status for finding in store.findings()} == {UNREDUCED, COUNTED}
        assert [bucket.cases for bucket in store.buckets()] == [6]
        assert (tmp_path / store.buckets()[0].script).is_file()


def test_what_was_filed_without_time_for_triage_is_reduced_when_the_campaign_goes_on(tmp_path: Path) -> None:
    with create(tmp_path, META) as store:
        run_engine(store, fake_parts(lambda index: WRONG, triage=None), cases=6)
        assert len(store.buckets()[0].operators) == 2
        run_engine(store, fake_parts(lambda index: WRONG), cases=6)
        assert {finding.status for finding in store.findings()} == {REDUCED, COUNTED}
        assert [(bucket.cases, len(bucket.operators)) for bucket in store.buckets()] == [(6, 1)]


def test_a_case_that_killed_assay_twice_is_marked_and_passed_over(tmp_path: Path) -> None:
    workers: list[FakeWorker] = []
    with create(tmp_path, META) as store:
        for _ in range(2):
            store.start_case(0, case_at(0))
        run_engine(store, fake_parts(lambda index: PASS, workers=workers), cases=3)
        summary = summarise(store)
    assert (summary["cases"], summary["invalid"]) == (3, 1)
    assert 0 not in [index for worker in workers for index, _, _ in worker.runs]


def test_a_defect_of_assay_stops_the_campaign_with_the_case_saved_and_is_passed_over_on_resume(tmp_path: Path) -> None:
    def make(index: int) -> Case:
        if index == 2:
            raise ZeroDivisionError("a defect")
        return case_at(index)

    parts = fake_parts(lambda index: PASS, make=make)
    with create(tmp_path, META) as store:
        with pytest.raises(ZeroDivisionError):
            run_engine(store, parts, cases=5)
        assert "a defect" in store.judged("Invalid")[0]["detail"]
        run_engine(store, parts, cases=5)
        assert summarise(store)["cases"] == 5


def test_cases_that_were_made_but_not_begun_when_the_generator_failed_run_on_resume(tmp_path: Path) -> None:
    def make(index: int) -> Case:
        if index == 3:
            raise ZeroDivisionError("a defect")
        return case_at(index)

    with create(tmp_path, META) as store:
        with pytest.raises(ZeroDivisionError):
            # Both jobs are busy with their first cases when the fourth cannot be made.
            run_engine(store, fake_parts(lambda index: PASS, make=make, seconds=0.2), cases=4, jobs=2)
        run_engine(store, fake_parts(lambda index: PASS), cases=6, jobs=2)
        assert (summarise(store)["cases"], summarise(store)["invalid"]) == (6, 1)


def test_what_a_judge_raises_stops_the_campaign_too(tmp_path: Path) -> None:
    def judge(index: int) -> Judgement:
        raise KeyError(index)

    with create(tmp_path, META) as store, pytest.raises(KeyError):
        run_engine(store, fake_parts(judge), cases=5)


def test_findings_that_a_killed_campaign_left_raw_are_triaged_by_the_next(tmp_path: Path) -> None:
    def no_triage(*_: object, **__: object) -> None:
        raise SystemExit

    with create(tmp_path, META) as store:
        with pytest.raises(SystemExit):
            run_engine(store, fake_parts(lambda index: WRONG, triage=no_triage), cases=1)  # type: ignore[arg-type]
        assert [finding.status for finding in store.findings()] == ["raw"]
        run_engine(store, fake_parts(lambda index: WRONG, triage=reduced_to_one_operator), cases=1)
        assert [finding.status for finding in store.findings()] == [REDUCED]


def test_a_crash_and_a_wrong_value_are_two_buckets(tmp_path: Path) -> None:
    crash = Judgement(Verdict.Crash, Kind.crash, "", "", "crash|SIGSEGV")
    with create(tmp_path, META) as store:
        run_engine(store, fake_parts(lambda index: crash if index % 2 else WRONG), cases=4)
        assert sorted(bucket.kind for bucket in store.buckets()) == ["crash", "value"]


def _together(tmp_path: Path, seconds: float) -> int:
    """How many findings of different keys were triaged at one time, at most, by three jobs in so many seconds."""
    now, most, turn = 0, 0, threading.Lock()

    def slow(case: Case, judgement: Judgement, run_case: RunCase, *, out_of_time: Callable[[], bool]) -> Triaged:
        nonlocal now, most
        with turn:
            now += 1
            most = max(most, now)
        time.sleep(0.05)
        with turn:
            now -= 1
        return reduced_to_one_operator(case, judgement, run_case, out_of_time=out_of_time)

    def wrong(index: int) -> Judgement:
        return replace(WRONG, signature=f"value|{index % 7}")

    with create(tmp_path, META) as store:
        parts = fake_parts(wrong, seconds=0.01, triage=slow)
        budget = Budget(deadline=time.monotonic() + seconds, seconds=seconds)
        engine = Engine(store, parts, budget, jobs=3, observe=lambda event: None)
        threading.Timer(0.6, engine.stop).start()
        engine.run()
    return most


def test_findings_are_triaged_side_by_side_only_where_time_is_short(tmp_path: Path) -> None:
    assert _together(tmp_path / "short", 1.0) > 1
    assert _together(tmp_path / "long", 10_000.0) == 1


def test_of_one_key_no_two_findings_are_triaged_side_by_side(tmp_path: Path) -> None:
    with create(tmp_path, META) as store:
        for index in range(3):
            store.start_case(index, case_at(index))
            judgement = replace(WRONG, signature=f"value|{index // 2}")
            finding = Finding(case_at(index), judgement, index)
            store.finish_case(CaseResult(index, judgement, True), finding, None)
        filing = Filing(store, None)
        first = filing.take()
        assert first is not None
        assert [finding.index for finding in (first, filing.take([first])) if finding] == [0, 2]
        assert filing.take([first]) is None
