"""What is collected of a library is asked once per release, and again when the release changes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.collected import CannotTell, collect, is_kept


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    """Asks a library of one module, with a cache folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    program = tmp_path / "probe.py"
    program.write_text(
        "import json, pathlib\n"
        "here = pathlib.Path(__file__).parent\n"
        "with open(here / 'log', 'a') as log: log.write('asked\\n')\n"
        "print(json.dumps((here / 'answer').read_text()))\n"
    )
    (tmp_path / "answer").write_text("one")
    return lambda: collect(sys.executable, program, "json", ("decoder.py",), 60.0)


def times(folder: Path) -> int:
    return len((folder / "log").read_text().splitlines())


def test_a_library_is_asked_once(asked: Callable[[], Any], tmp_path: Path) -> None:
    assert asked() == "one"
    (tmp_path / "answer").write_text("two")
    assert asked() == "one"
    assert times(tmp_path) == 1


def test_whether_something_is_kept_can_be_told(asked: Callable[[], Any], tmp_path: Path) -> None:
    def kept() -> bool | None:
        return is_kept(sys.executable, tmp_path / "probe.py", "json", ("decoder.py",))

    assert kept() is False
    asked()
    assert kept() is True
    (tmp_path / "probe.py").write_text((tmp_path / "probe.py").read_text() + "\n")
    assert kept() is None


def test_another_program_or_another_release_is_asked_again(
    asked: Callable[[], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked()
    (tmp_path / "answer").write_text("two")
    (tmp_path / "probe.py").write_text((tmp_path / "probe.py").read_text() + "\n")
    assert asked() == "two"
    (tmp_path / "answer").write_text("three")
    monkeypatch.setattr("assay.collected.LOCATE", "print('[\"another\", null]')")
    assert asked() == "three"


def test_another_file_beside_that_the_program_imports_is_asked_again(asked: Callable[[], Any], tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("VALUE = 1\n")
    program = tmp_path / "probe.py"
    program.write_text("from beside import VALUE\n" + program.read_text())
    asked()
    (tmp_path / "answer").write_text("two")
    assert asked() == "one"
    (tmp_path / "beside.py").write_text("VALUE = 2\n")
    assert asked() == "two"


def test_what_is_kept_is_read_again_only_while_it_is_whole(asked: Callable[[], Any], tmp_path: Path) -> None:
    asked()
    (kept,) = (tmp_path / "cache" / "assay").iterdir()
    kept.write_text(json.dumps("one")[:2])
    assert asked() == "one"
    assert times(tmp_path) == 2


def test_without_a_place_to_keep_it_the_library_is_asked_each_time(
    asked: Callable[[], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert asked() == asked() == "one"
    assert times(tmp_path) == 2


def test_an_interpreter_that_does_not_answer_is_told_in_a_few_words(tmp_path: Path) -> None:
    program = tmp_path / "probe.py"
    program.write_text("raise SystemExit('no such release')")
    with pytest.raises(CannotTell, match="no such release"):
        collect(sys.executable, program, "json", (), 60.0)
    with pytest.raises(CannotTell):
        collect(str(tmp_path / "python"), program, "json", (), 60.0)
