"""The store: what it refuses, what it commits together, what it counts."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from assay.campaign.findings import REDUCED, CaseResult, Finding, Triaged
from assay.campaign.lock import locked
from assay.campaign.mistake import UserMistake
from assay.campaign.store import FILE, VERSION, Store, create, open_run

from .fakes import META, PASS, WRONG, case_at


def found(store: Store, index: int) -> Finding:
    """A finding that was committed."""
    finding = Finding(case_at(index), WRONG, index)
    store.start_case(index, finding.case)
    store.finish_case(CaseResult(index, WRONG, True), finding)
    return finding


def triaged(operations: int, script: str = "") -> Triaged:
    """A reduced finding of so many operations."""
    case = case_at(0, operators=("a.b",) * operations)
    return Triaged(case, WRONG, "signature", ("a.b",), (), script, "fake")


def test_a_run_is_kept_in_write_ahead_mode_in_one_file(tmp_path: Path) -> None:
    create(tmp_path, META).close()
    database = sqlite3.connect(tmp_path / FILE)
    assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert database.execute("PRAGMA user_version").fetchone() == (VERSION,)


def test_a_run_is_not_begun_in_the_folder_of_another(tmp_path: Path) -> None:
    create(tmp_path, META).close()
    with pytest.raises(UserMistake, match="assay resume"):
        create(tmp_path, META)


def test_a_run_of_a_newer_assay_is_refused(tmp_path: Path) -> None:
    create(tmp_path, META).close()
    with sqlite3.connect(tmp_path / FILE) as database:
        database.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(UserMistake, match="newer Assay"):
        open_run(tmp_path)


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserMistake, match="not a run of Assay"):
        open_run(tmp_path)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("this is not a database, and long enough to be looked at " * 20)
    with pytest.raises(UserMistake, match="cannot read"):
        open_run(tmp_path)


def test_the_database_of_another_program_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / FILE) as database:
        database.execute("CREATE TABLE something (x)")
    with pytest.raises(UserMistake, match="not a run of Assay"):
        open_run(tmp_path)


def test_two_campaigns_do_not_share_a_run(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(UserMistake, match="in use by process"), locked(tmp_path):
        pass


def test_a_case_is_counted_once_even_if_it_is_finished_twice(tmp_path: Path) -> None:
    with create(tmp_path, META) as store:
        store.start_case(0, case_at(0))
        assert store.finish_case(CaseResult(0, PASS, True))
        assert not store.finish_case(CaseResult(0, WRONG, True), Finding(case_at(0), WRONG, 0))
        assert store.counts() == [("fake", "Pass", True, 1, 0.0)]
        assert not store.findings()


def test_cases_that_were_begun_and_not_finished_are_known(tmp_path: Path) -> None:
    with create(tmp_path, META) as store:
        for index in (0, 1, 1, 2):
            store.start_case(index, case_at(index))
        store.finish_case(CaseResult(0, PASS, True))
        assert store.unfinished() == [(1, 2), (2, 1)]
        assert store.next_index() == 3


def test_the_id_of_a_finding_follows_from_its_content() -> None:
    assert Finding(case_at(1), WRONG, 1).id == Finding(case_at(1), WRONG, 99).id != Finding(case_at(2), WRONG, 1).id


def test_a_bucket_keeps_the_script_of_its_smallest_case(tmp_path: Path) -> None:
    with create(tmp_path, META) as store:
        for index, (operations, script) in enumerate([(3, "three"), (1, "one"), (2, "two")]):
            bucket, new = store.file(found(store, index), triaged(operations, script), REDUCED)
            assert new == (index == 0)
        assert (tmp_path / bucket.script).read_text() == "one"
        assert store.bucket_case(bucket.id).case.operations == 1
        assert bucket.cases == 3


def test_a_script_that_was_seen_to_fail_is_kept_before_a_smaller_one_that_was_not(tmp_path: Path) -> None:
    silent = "unscripted: the script, run fresh, ended with 0"
    filed = [(1, silent, "first"), (3, "", "second"), (2, silent, "third"), (3, "", "again")]
    with create(tmp_path, META) as store:
        for index, (operations, notes, script) in enumerate(filed):
            bucket, _ = store.file(found(store, index), replace(triaged(operations, script), notes=notes), REDUCED)
            assert (tmp_path / bucket.script).read_text() == ("second" if script == "third" else script)


def test_a_finding_that_is_filed_elsewhere_leaves_no_empty_bucket(tmp_path: Path) -> None:
    with create(tmp_path, META) as store:
        finding = found(store, 0)
        store.file(finding, triaged(2), REDUCED)
        other = Triaged(case_at(0), WRONG, "another signature", ("a.b",), (), "", "fake")
        bucket, _ = store.file(finding, other, REDUCED)
        assert [each.id for each in store.buckets()] == [bucket.id]


def test_time_of_all_sittings_adds_up(tmp_path: Path) -> None:
    with create(tmp_path, META) as store:
        for wall in (2.0, 3.0):
            store.spend(store.begin_session(), wall, 2 * wall)
        assert store.spent() == (5.0, 10.0)
