"""What users get wrong: one line that says what to do, and exit code 2."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from tests.campaign.fakes import META

from assay.campaign.store import FILE, VERSION, create
from assay.cli import DEFECT, MISTAKE, main
from assay.cli.arguments import duration


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "assay --help"),
        (["no-such-command"], "assay --help"),
        (["fuzz", "--no-such-option"], "--help"),
        (["fuzz", "--cases", "0"], "above zero"),
        (["fuzz", "--cases", "1", "--time", "1m"], "not allowed with"),
        (["fuzz", "--time", "soon"], "10m"),
        (["fuzz", "--target", "no-such-target", "--cases", "1"], "choose among"),
        (["fuzz", "--source", "api", "--library", "no-such-library"], "--library"),
        (["fuzz", "--source", "nowhere"], "choose among graph"),
        (["fuzz", "--include", "no.such_operator"], "assay ops"),
        (["fuzz", "--exclude", "*"], "leaves no operator"),
        (["ops", "no.such_operator"], "assay ops"),
        (["ops", "--samples", "3"], "assay ops check"),
        (["show", "f123"], "assay fuzz"),
        (["findings", "--run", "nowhere"], "not a run of Assay"),
        (["resume", "nowhere"], "not a run of Assay"),
        (["coverage", "nowhere"], "not a run of Assay"),
        (["coverage", "one", "--run", "two"], "not allowed with"),
        (["coverage", "--cases", "0"], "above zero"),
        (["replay", "nowhere.py"], "no file"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    arguments: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == MISTAKE
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert told in err
    assert not list(tmp_path.iterdir())


def test_an_id_that_is_not_there_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    create(tmp_path, META).close()
    for command in ("show", "explain", "replay", "reduce"):
        assert main([command, "no-such-id", "--run", str(tmp_path)]) == MISTAKE
        assert capsys.readouterr().err.count("\n") == 1


def test_a_run_of_a_newer_assay_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    create(tmp_path, META).close()
    with sqlite3.connect(tmp_path / FILE) as database:
        database.execute(f"PRAGMA user_version = {VERSION + 1}")
    assert main(["findings", "--run", str(tmp_path)]) == MISTAKE
    assert "newer Assay" in capsys.readouterr().err


def test_a_case_that_cannot_be_read_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for content in ("{", "[]", '{"text": "x"}'):
        path = tmp_path / "case.json"
        path.write_text(content)
        assert main(["replay", str(path)]) == MISTAKE
        assert capsys.readouterr().err.count("\n") == 1


def test_an_error_that_nobody_foresaw_is_a_defect(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr("assay.cli.doctor.doctor", broken)
    assert main(["doctor"]) == DEFECT
    assert "a defect of Assay" in capsys.readouterr().err


def test_a_full_disk_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def full(*_: object) -> int:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("assay.cli.doctor.doctor", full)
    assert main(["doctor"]) == MISTAKE
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("text", ["", "m", "-5", "10 minutes", "0", "0s"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(Exception, match=r".+"):
        duration(text)
