"""The measurement of lines and branches: what it counts, of which files, at which points."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

pytest.importorskip("coverage")

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.line_coverage import Measurement, ended, table  # noqa: E402

USED = "def sign(x):\n    if x > 0:\n        return 1\n    return -1\n"


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """A package with a module of four statements and two branches, and one with a module that nobody imports."""
    if sys.gettrace() is not None:
        pytest.skip("something else traces this process")
    for name, module in (("measured_one", "used"), ("measured_two", "unused")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
        (tmp_path / name / f"{module}.py").write_text(USED)
    monkeypatch.syspath_prepend(str(tmp_path))
    return {name: tmp_path / name for name in ("measured_one", "measured_two")}


def test_a_point_counts_what_was_covered_until_then(packages: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    measurement = Measurement(packages, tmp_path / "data")
    used = importlib.import_module("measured_one.used")
    measurement.keep("relu")
    used.sign(1)
    measurement.keep("1")
    used.sign(-1)
    measurement.keep("2")
    points = measurement.figures()
    covered = {point: figures["measured_one"] for point, figures in points.items()}
    assert covered == {
        "relu": {"lines": 1, "branches": 0},
        "1": {"lines": 3, "branches": 1},
        "2": {"lines": 4, "branches": 2},
        "all": {"lines": 4, "branches": 2},
    }
    assert points["all"]["measured_two"] == {"lines": 4, "branches": 2}, "what is never imported counts in the total"
    assert points["2"]["measured_two"] == {"lines": 0, "branches": 0}
    assert "+3 / +2" in table(points).splitlines()[3]


def test_how_a_case_ended_is_told_by_the_first_exception() -> None:
    fine = [{"exception": None}]
    assert ended({"reference": fine, "target": fine, "engagement": {"engaged": True}}) == "engaged"
    assert ended({"reference": fine, "target": fine, "engagement": {}}) == "not engaged"
    raised = [{"exception": {"type": "builtins.ValueError"}}]
    assert ended({"reference": fine, "target": raised, "engagement": {}}) == "target raised builtins.ValueError"
    assert ended({"reference": raised, "target": None, "engagement": {}}) == "reference raised builtins.ValueError"
