"""`assay check` on files of users, as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.torch

ROOT = Path(__file__).resolve().parents[2]
SUBJECTS = ROOT / "tests" / "checking" / "subjects"
WRONG = "torch:tests.checking.backends.wrong_silu"


def assay(*arguments: str, out: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The command line, with the repository to import from."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    command = [sys.executable, "-m", "assay", "check", *arguments, *(["--out", str(out)] if out else [])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_an_operator_that_a_backend_miscompiles_is_named_with_its_line_and_a_script(tmp_path: Path) -> None:
    file = SUBJECTS / "network.py"
    done = assay(f"{file}:network", "--target", WRONG, "--no-sizes", "--no-training", "--json", out=tmp_path / "out")
    assert done.returncode == 1, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    (difference,) = report["differences"]
    assert difference["operators"] == ["activation.silu (torch.nn.functional.silu)"]
    assert "F.silu(self.gate(x))" in difference["text"]
    assert not difference["note"]
    script = Path(difference["file"]).read_text()
    assert "network" not in script.partition("import")[2]
    assert len(list((tmp_path / "out").iterdir())) == 1


@pytest.mark.parametrize(
    ("subject", "inputs", "said"),
    [
        ("broken.py:f", ("float32[2]",), "No module named 'no_such_module_at_all'"),
        ("awkward.py:absent", ("float32[2]",), "there is no absent in it"),
        ("awkward.py:plain", ("float32[2,3]", "float32[4,5]"), "the inputs do not fit: eager raises RuntimeError"),
        ("awkward.py:drawn", ("float32[2]",), "not deterministic: two eager runs differ in output"),
        ("awkward.py:nothing", ("float32[2]",), "in which no tensor was found"),
        ("awkward.py:plain", (), "give --input"),
        ("awkward.py:Needy", ("float32[2]",), "cannot be made without arguments"),
        ("awkward.py:number", ("float32[2]",), "cannot be called"),
        ("awkward.py:ends", ("float32[2]",), "its process ended with status 7"),
    ],
)
def test_what_cannot_be_compared_is_told_in_one_line(
    tmp_path: Path, subject: str, inputs: tuple[str, ...], said: str
) -> None:
    given = [part for each in inputs for part in ("--input", each)]
    done = assay(str(SUBJECTS / subject), *given, "--target", "torch:eager", out=tmp_path / "out")
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("no_such_file.py:f",), "there is no file"),
        ((str(SUBJECTS / "awkward.py"),), "where NAME is plain, drawn"),
        ((f"{SUBJECTS / 'awkward.py'}:plain", "--target", "onnxruntime"), "takes models"),
        ((f"{SUBJECTS / 'awkward.py'}:plain", "--target", "nonsense"), "unknown target"),
        ((f"{SUBJECTS / 'awkward.py'}:plain", "--input", "float33[1]"), "is no dtype"),
    ],
)
def test_a_mistake_in_the_command_starts_nothing(arguments: tuple[str, ...], said: str) -> None:
    done = assay(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_file_that_is_no_python_is_told_before_anything_is_started(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text("import torch\n\ndef f(x)\n    return x\n")
    done = assay(f"{file}:f", "--input", "float32[2]")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.strip() == "assay: net.py: SyntaxError: expected ':' (line 3)"


def test_what_torch_cannot_export_is_named_and_wrapped_as_it_is() -> None:
    done = assay(
        f"{SUBJECTS / 'awkward.py'}:branching",
        *(
            "--input",
            "float32[3]",
            "--target",
            "torch:eager",
            "--transforms",
            "4",
            "--no-sizes",
            "--no-training",
            "--json",
        ),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["lifted"].startswith("not lifted, wrapped as it is: ")
    (part,) = [each for each in report["parts"] if each["name"] == "transforms"]
    assert part["same"]
    assert part["cases"] >= 2


def test_the_subject_s_own_script_holds_its_file(tmp_path: Path) -> None:
    """What torch cannot export has no other script than the file itself."""
    done = assay(
        f"{SUBJECTS / 'awkward.py'}:branching",
        *("--input", "float32[3]:1..2", "--target", "torch:tests.checking.backends.negates_tanh"),
        *("--transforms", "0", "--no-sizes", "--no-training", "--json"),
        out=tmp_path,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    (difference,) = json.loads(done.stdout)["differences"]
    assert not difference["note"]
    assert "A branch on data" in Path(difference["file"]).read_text()
