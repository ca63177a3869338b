"""Commands that need no framework, and what they print."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.campaign.fakes import META, PASS, WRONG, case_at, fake_parts, run_engine

from assay import __version__
from assay.campaign.settings import CampaignSettings
from assay.campaign.store import create
from assay.cli import FOUND, FOUND_NOTHING, MISTAKE, main
from assay.cli.runs import newest_or
from assay.generate.graph import make_case
from assay.generate.settings import Settings
from assay.ops.catalogue import load


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run with one bucket."""
    with create(tmp_path / "run", META) as store:
        run_engine(store, fake_parts(lambda index: WRONG), cases=2)
    return tmp_path / "run"


def told(arguments: list[str], capsys: pytest.CaptureFixture[str], code: int = FOUND_NOTHING) -> object:
    """The JSON value that a command prints."""
    assert main([*arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_help_answers_at_once_and_imports_little() -> None:
    program = "import sys; from assay.cli import main\ntry: main(['--help'])\nfinally: print(sorted(sys.modules))"
    before = os.times()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    assert spent <= 0.3, "CPU time; wall time would also measure what else the machine does"
    loaded = done.stdout.splitlines()[-1]
    for module in ("'torch'", "'numpy'", "'rich'", "'sqlite3'", "'assay.ops'", "'importlib.metadata'"):
        assert module not in loaded


def test_the_catalogues_and_the_doctor_print_json(capsys: pytest.CaptureFixture[str]) -> None:
    operators = told(["ops", "reduce.*"], capsys)
    assert isinstance(operators, list)
    assert all(row["name"].startswith("reduce.") for row in operators)
    doctor = told(["doctor"], capsys)
    assert isinstance(doctor, dict)
    assert {"python", "torch", "compiler", "cores", "memory_gb", "advice"} <= set(doctor)


def test_findings_show_a_bucket_with_its_script(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = told(["findings", "--run", str(run)], capsys, FOUND)
    assert isinstance(rows, list)
    assert [row["cases"] for row in rows] == [2]
    assert (run / rows[0]["script"]).is_file()
    assert main(["findings", "--run", str(run)]) == FOUND
    assert rows[0]["id"] in capsys.readouterr().out


def test_show_fits_one_screen_and_says_how_to_run_it(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = told(["findings", "--run", str(run)], capsys, FOUND)
    assert isinstance(rows, list)
    assert main(["show", rows[0]["id"][:5], "--run", str(run)]) == FOUND_NOTHING
    screen = capsys.readouterr().out
    assert screen.count("\n") <= 50
    assert f"python {run / rows[0]['script']}" in screen
    assert "Mismatch (value) on fake" in screen


def test_show_knows_findings_and_cases_too(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = told(["show", case_at(1).id, "--run", str(run)], capsys)
    assert isinstance(shown, dict)
    assert shown["case"]["recipe"] == {"index": 1}
    assert told(["show", shown["id"], "--run", str(run)], capsys) == shown


def test_the_newest_run_is_the_one_that_was_worked_on_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("b", "a"):
        create(tmp_path / "runs" / name, META).close()
        time.sleep(0.02)
    assert newest_or(None) == Path("runs/a")


def test_coverage_says_what_a_run_exercised(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = CampaignSettings(seed=5, operators=tuple(load())[:30], nodes=4, targets=("aot_eager",), cases=6)
    generated = Settings(5, settings.operators, 4, settings.targets)
    folder = tmp_path / "run"
    with create(folder, {"version": __version__, "settings": settings.to_json()}) as store:
        run_engine(store, fake_parts(lambda index: PASS, make=lambda index: make_case(generated, index)), cases=6)
    by_place, by_option = told(["coverage", str(folder)], capsys), told(["coverage", "--run", str(folder)], capsys)
    assert isinstance(by_place, dict)
    assert by_place == by_option
    assert (by_place["cases"], by_place["cases_not_made_again"]) == (6, 0)
    operators = by_place["targets"]["aot_eager"]["measures"]["operators"]
    assert 0 < operators["engaged"] <= operators["exercised"] <= 30 < operators["of"]
    assert operators["never"][0]["why"] == "left out by --include or --exclude"
    sample = told(["coverage", str(folder), "--cases", "2"], capsys)
    assert isinstance(sample, dict)
    assert (sample["cases"], sample["cases_counted"]) == (6, 2)
    assert main(["coverage", str(folder), "--target", "aot_eager"]) == FOUND_NOTHING
    assert "operators x dtypes" in capsys.readouterr().out
    assert main(["coverage", str(folder), "--target", "inductor"]) == MISTAKE
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(("ending", "code"), [("1", 1), ("0", 0)])
def test_replaying_a_script_passes_on_what_it_says(
    ending: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "script.py"
    script.write_text(f"import sys; print('the last line'); sys.exit({ending})")
    assert main(["replay", str(script)]) == code
    assert capsys.readouterr().out == "the last line\n"


@pytest.mark.torch
def test_programs_over_python_are_written_as_scripts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    paths = told(["generate", "--source", "python", "--cases", "4", "--out", str(tmp_path)], capsys)
    assert len({Path(path).read_text() for path in paths}) == 4
    for path in paths:
        done = subprocess.run([sys.executable, path], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_generated_scripts_follow_from_the_seed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trees = []
    for turn in "ab":
        out = tmp_path / turn
        paths = told(["generate", "--cases", "3", "--seed", "5", "--nodes", "4", "--out", str(out)], capsys)
        assert isinstance(paths, list)
        trees.append([Path(path).read_text() for path in paths])
    assert trees[0] == trees[1]
    assert len(set(trees[0])) == 3
    for text in trees[0]:
        assert {"program", "inputs", "main"} <= set(compile(text, "case", "exec").co_names)
