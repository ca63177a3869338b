"""The mutation benchmark: the hook, the mutation operators, the catalogue, the verdict on what a campaign reports."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.mutants import campaign, catalogue, confirm, layers, mutation, report  # noqa: E402
from benchmarks.mutants.__main__ import main, source_of  # noqa: E402

VICTIM = """\
def size(n):
    total = 1
    for i in range(n):
        total = total + i
    return total


def other(n):
    return n + 1
"""


def a_mutant(folder: Path, **changes):
    """A catalogue with one mutant of a module `victim`, and the variables that switch it on."""
    (folder / "victim.py").write_text(VICTIM, encoding="utf-8")
    (site,) = [each for each in mutation.sites(VICTIM.encode()) if each.kind == "operator" and each.line == 4]
    digest = hashlib.sha256(VICTIM.encode()).hexdigest()
    entry = {
        "module": "victim",
        "path": "victim.py",
        "layer": "dynamo",
        "sha256": digest,
        "probe": True,
        **asdict(site),
        **changes,
    }
    entry = {"id": catalogue.identity(entry), **entry}
    path = folder / "catalogue.json"
    path.write_text(json.dumps({"torch": "0", "mutants": [entry]}), encoding="utf-8")
    variables = confirm.environment(entry, path, folder)
    return entry, variables | {"PYTHONPATH": os.pathsep.join([variables["PYTHONPATH"], str(folder)])}


def python(text: str, variables) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", text], env=variables, capture_output=True, text=True, timeout=60)


def test_the_hook_applies_one_fault_and_leaves_the_rest_alone(tmp_path):
    _, variables = a_mutant(tmp_path)
    done = python("import victim; print(victim.size(3), victim.other(3))", variables)
    assert done.stdout.split() == ["-2", "4"], done.stderr
    assert len((tmp_path / "applied").read_text().split()) == 1
    assert (tmp_path / "reached").read_bytes() == b"\1"


def test_the_hook_says_when_the_fault_was_not_reached(tmp_path):
    _, variables = a_mutant(tmp_path)
    python("import victim; victim.other(3)", variables)
    assert (tmp_path / "reached").read_bytes() == b"\0"


def test_the_hook_works_in_a_process_that_a_process_starts(tmp_path):
    _, variables = a_mutant(tmp_path)
    inner = "import victim; print(victim.size(3))"
    done = python(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])", variables)
    assert done.stdout.strip() == "-2"


def test_the_hook_does_nothing_without_its_variable(tmp_path):
    _, variables = a_mutant(tmp_path)
    del variables["TORCH_MUTANT"]
    done = python("import sys, victim; print(victim.size(3), 'json' in sys.modules, len(sys.meta_path))", variables)
    plain = python("import sys; print(len(sys.meta_path))", {})
    assert done.stdout.split() == ["4", "False", plain.stdout.strip()]


def test_the_hook_runs_the_sitecustomize_that_it_hides(tmp_path):
    _, variables = a_mutant(tmp_path)
    (tmp_path / "sitecustomize.py").write_text("print('mine')\n", encoding="utf-8")
    assert python("import victim; print(victim.size(3))", variables).stdout.split() == ["mine", "-2"]


def test_the_hook_refuses_a_file_that_the_fault_was_not_drawn_from(tmp_path):
    _, variables = a_mutant(tmp_path, sha256="0" * 64)
    done = python("import victim", variables)
    assert done.returncode == 2
    assert "drawn from torch 0" in done.stderr


def test_a_fault_keeps_the_number_of_lines():
    text = b"def f(a, b):\n    if (\n        a\n        < b\n    ):\n        a.b = [\n            1,\n        ]\n"
    text += b"    return not (\n        a and b)\n"
    found = mutation.sites(text)
    assert {"comparison", "condition", "statement", "boolean", "constant"} <= {site.kind for site in found}
    for site in found:
        mutated = catalogue.hook().splice(text, {"id": "m", "module": "f", **asdict(site)})
        compile(mutated, "f", "exec")
        assert mutated != text
        assert mutated.count(b"\n") == text.count(b"\n")


def test_what_only_reports_or_runs_at_import_is_not_mutated():
    text = (
        b"X = 1 + 2\n\n\ndef f(a: int = 3 + 4):\n    log.debug(a + 1)\n    assert a > 0\n    raise ValueError(a - 1)\n"
    )
    assert mutation.sites(text) == []


ENTRIES = catalogue.load()["mutants"]


def test_the_catalogue_holds_its_quotas():
    counts = Counter(entry["layer"] for entry in ENTRIES)
    assert len(ENTRIES) >= 300
    assert {layer: counts[layer] for layer, quota in layers.QUOTAS.items() if counts[layer] < quota} == {}


def test_mutants_are_distinct_and_in_torch_alone():
    assert len({entry["id"] for entry in ENTRIES}) == len(ENTRIES)
    for entry in ENTRIES:
        assert entry["id"] == catalogue.identity(entry)
        assert entry["module"].startswith("torch.")
        assert layers.layer_of(entry["path"]) == entry["layer"]
        assert entry["witness"]["differences"]


def test_a_draw_depends_on_the_seed_alone_and_takes_every_layer():
    drawn = catalogue.draw(ENTRIES, 20, 1)
    assert drawn == catalogue.draw(list(reversed(ENTRIES)), 20, 1)
    assert drawn != catalogue.draw(ENTRIES, 20, 2)
    assert len(drawn) == len({entry["id"] for entry in drawn}) == 20
    assert {entry["layer"] for entry in drawn} == set(layers.QUOTAS)


@pytest.mark.torch
def test_every_mutant_fits_the_torch_that_it_was_drawn_from():
    place = Path(find_spec("torch").origin).parent.parent
    digests: dict[str, str] = {}
    checked = 0
    for entry in ENTRIES:
        data = (place / entry["path"]).read_bytes() if (place / entry["path"]).exists() else b""
        digest = digests.setdefault(entry["path"], hashlib.sha256(data).hexdigest())
        if digest == entry["sha256"]:
            mutated = catalogue.hook().splice(data, {"torch": "", **entry})
            assert mutated != data
            assert mutated.count(b"\n") == data.count(b"\n")
            checked += 1
    if not checked:
        pytest.skip("the catalogue belongs to another torch")
    assert checked == len(ENTRIES)


@pytest.mark.torch
def test_the_witness_of_a_mutant_differs_with_it_and_not_without():
    entry = next(entry for entry in ENTRIES if entry["witness"]["target"] == "eager" and entry["probe"])
    try:
        source_of(entry)
    except ValueError as error:
        pytest.skip(str(error))
    name, target = entry["witness"]["name"], entry["witness"]["target"]
    assert confirm.witness_run(name, target, confirm.environment(entry, catalogue.PATH))
    assert not confirm.witness_run(name, target, confirm.environment(None, catalogue.PATH))


FUZZER = """\
import json, pathlib, sys, torch, victim
run = pathlib.Path(sys.argv[sys.argv.index("--run") + 1])
run.mkdir(parents=True)
report = "import sys\\nbad = {}\\nprint('BUG: wrong' if bad else 'OK')\\nsys.exit(1 if bad else 0)\\n"
texts = {
    "real": "import victim\\n\\ndef program(x):\\n    return victim.size(x + 1)\\n" + report.format("program(2) != 4"),
    "unrelated": report.format(True),
    "gone": report.format(False),
}
for name, text in texts.items():
    (run / f"{name}.py").write_text(text)
buckets = [{"id": n, "kind": "value", "target": "eager", "signature": n, "script": f"{n}.py"} for n in texts]
victim.size(2)
print(json.dumps({"cases": 3, "buckets": buckets if victim.size(3) != 4 else []}))
sys.exit(1)
"""


@pytest.fixture
def stub(tmp_path, monkeypatch):
    """A campaign that reports three buckets under the mutant of `victim`, one of them its doing."""
    entry, _ = a_mutant(tmp_path)
    (tmp_path / "torch.py").write_text("", encoding="utf-8")
    (tmp_path / "fuzzer.py").write_text(FUZZER, encoding="utf-8")
    monkeypatch.setattr(catalogue, "PATH", tmp_path / "catalogue.json")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return entry, campaign.Plan((sys.executable, str(tmp_path / "fuzzer.py")), 1.0, 1, 0)


def test_only_a_script_that_fails_with_and_passes_without_detects(stub, tmp_path):
    entry, plan = stub
    result = campaign.run(entry, plan, tmp_path / "out")
    assert result.status == "detected", result
    assert [row["bucket"] for row in result.detections] == ["real"]
    assert [row["bucket"] for row in result.unrelated] == ["unrelated"]
    assert [row["bucket"] for row in result.unreproduced] == ["gone"]
    assert result.first["operations"] == 2
    assert result.first["found_after"] is not None
    assert result.reached is True


def test_a_campaign_without_the_hook_is_an_error_and_no_miss(stub, tmp_path):
    entry, _ = stub
    quiet = tmp_path / "quiet.py"
    quiet.write_text('print(\'{"cases": 0, "buckets": []}\')', encoding="utf-8")
    result = campaign.run(entry, campaign.Plan((sys.executable, str(quiet)), 1.0, 1, 0), tmp_path / "out")
    assert result.status == "error"
    assert "imported torch under the hook" in result.error


def test_a_miss_is_reported_with_its_reason(tmp_path):
    entry = {
        "id": "m1",
        "layer": "dynamo",
        "module": "torch.x",
        "line": 3,
        "kind": "constant",
        "witness": {"name": "w", "differences": ["d"]},
    }
    row = asdict(campaign.Result("m1", "dynamo", "missed", 3.0, 1, False, 10))
    (tmp_path / "results.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    assert report.write(tmp_path, {"m1": entry})["misses_by_reason"] == {"unexplained": 1}
    (tmp_path / "misses.json").write_text('{"m1": {"reason": "scenario", "text": "Needs autocast."}}', encoding="utf-8")
    assert report.write(tmp_path, {"m1": entry})["misses_by_reason"] == {"scenario": 1}
    assert "scenario: Needs autocast." in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_an_unknown_mutant_is_the_users_mistake(capsys):
    assert main(["show", "nothing"]) == 2
    assert "list" in capsys.readouterr().err
