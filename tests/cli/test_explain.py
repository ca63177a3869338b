"""`assay explain`: which findings it takes, and what it returns."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.campaign.fakes import META, WRONG, fake_parts, run_engine

from assay.campaign import assemble
from assay.campaign.store import create
from assay.cli import FOUND, FOUND_NOTHING, MISTAKE, main
from assay.ir.case import Case
from assay.oracles import judge as judging
from assay.oracles.outcome import CallRecord, Execution, Outcome, TensorRecord
from assay.oracles.verdict import Judgement, Kind, Verdict


def run_with(folder: Path, judgement: Judgement) -> str:
    """A run in which every case comes to this; the id of its bucket."""
    with create(folder, META) as store:
        run_engine(store, fake_parts(lambda index: judgement), cases=1)
        return store.buckets()[0].id


def tensor(*numbers: float) -> TensorRecord:
    """A float32 tensor."""
    data = np.array(numbers, np.float32).tobytes()
    return TensorRecord("float32", (len(numbers),), (1,), 0, 0, 0, False, data.hex(), data)


def execution(*numbers: float) -> Execution:
    """One call that returns a tensor."""
    return Execution((CallRecord("ok", None, tensor(*numbers), (), {}, {}, "forward"),))


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> list[Execution]:
    """Eager and a target that return what is put here; in the shadow run, nothing is rounded."""
    sides: list[Execution] = []

    class Bench:
        def run(self, case: Case, evidence: tuple[str, ...] = (), **_: object) -> Outcome:
            return Outcome(case.id, "completed", "", None, None, sides[0], sides[1], sides[0])

        def close(self) -> None:
            pass

    monkeypatch.setattr(assemble, "start_bench", lambda targets: Bench())
    monkeypatch.setattr(assemble, "judge", judging.judge)
    monkeypatch.setattr(assemble, "witnesses", lambda case, evidence: assemble.Witness(case, (evidence,)))
    return sides


def test_a_finding_without_numbers_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raised = Judgement(Verdict.Exception, Kind.exception, "call 0", "", "exception|E|f|m")
    bucket = run_with(tmp_path / "run", raised)
    assert main(["explain", bucket, "--run", str(tmp_path / "run")]) == MISTAKE
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert f"assay show {bucket}" in err


def test_a_finding_that_no_longer_differs_is_told_in_one_line(
    tmp_path: Path, system: list[Execution], capsys: pytest.CaptureFixture[str]
) -> None:
    bucket = run_with(tmp_path / "run", WRONG)
    system += [execution(1.0), execution(1.0)]
    assert main(["explain", bucket, "--run", str(tmp_path / "run")]) == FOUND_NOTHING
    assert capsys.readouterr().out == f"{bucket} no longer differs on fake\n"


def test_what_is_wrong_is_explained_for_people_and_as_data(
    tmp_path: Path, system: list[Execution], capsys: pytest.CaptureFixture[str]
) -> None:
    bucket = run_with(tmp_path / "run", WRONG)
    system += [execution(1.0, 2.0), execution(1.0, 2.5)]
    assert main(["explain", bucket[:6], "--run", str(tmp_path / "run")]) == FOUND
    screen = capsys.readouterr().out
    assert "Mismatch (value) on fake" in screen
    assert "nothing is rounded" in screen
    assert screen.endswith(f"scripts/{bucket}.py\n")
    assert main(["explain", bucket, "--run", str(tmp_path / "run"), "--json"]) == FOUND
    told = json.loads(capsys.readouterr().out)
    assert told["id"] == bucket
    assert (told["element"]["index"], told["element"]["target"], told["parting"]) == ([1], 2.5, None)
