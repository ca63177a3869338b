"""`assay apis`, and campaigns that differentiate: what they ask for, refuse and leave behind."""

import json

import pytest
from tests.apis.test_calls import DATA

from assay.apis import seeds
from assay.campaign.modes import said_modes
from assay.cli import main

PROBED: list[str] = []


@pytest.fixture(autouse=True)
def probed(monkeypatch, tmp_path):
    """The probe gives the calls of a test, and runs go to a folder of their own."""

    def collect(python, program, library, watched, seconds):
        PROBED.append(library)
        if library != "torch":
            raise seeds.CannotTell(f"ModuleNotFoundError: No module named '{library}'")
        return DATA

    monkeypatch.setattr(seeds, "collect", collect)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    seeds.seeds_of.cache_clear()
    yield
    seeds.seeds_of.cache_clear()


def test_functions_are_listed_with_what_is_not_reached(capsys):
    assert main(["apis"]) == 0
    told = capsys.readouterr().out
    assert "torch.addmm" in told
    assert "1 not reached: needs a GPU" in told
    assert told.splitlines()[-1] == "4 functions of torch 2.13.0, 5 seeds"


def test_it_says_that_it_collects_and_why_and_only_then(capsys, tmp_path, monkeypatch):
    assert main(["apis"]) == 0
    assert "(once per release)" in capsys.readouterr().err
    seeds.seeds_of.cache_clear()
    folder = tmp_path / "cache" / "assay"
    folder.mkdir(parents=True)
    (folder / "probe_torch-0123.json").write_text("{}")
    assert main(["apis"]) == 0
    assert "(what is kept is of another release)" in capsys.readouterr().err
    monkeypatch.setattr(seeds, "is_kept", lambda *_: True)
    assert main(["apis"]) == 0
    assert capsys.readouterr().err == ""


def test_as_json_it_is_one_value(capsys):
    assert main(["apis", "torch.nn.*", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["apis"] == [{"name": "torch.nn.Linear", "origin": "modules", "seeds": 1, "modes": None}]
    assert told["version"] == "2.13.0"


@pytest.mark.torch
def test_modes_are_tried_once_and_listed_from_then_on(capsys, monkeypatch):
    assert main(["apis", "torch.nn.*", "--modes"]) == 0
    assert "1 of 1 functions differentiated" in capsys.readouterr().err
    monkeypatch.setattr("assay.campaign.modes.Worker", None)
    for arguments in (["apis", "torch.nn.*"], ["apis", "torch.nn.*", "--modes"]):
        assert main(arguments) == 0
        assert "1 seed    first; second\n" in capsys.readouterr().out
    assert main(["apis", "torch.nn.*", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["apis"]
    assert {"first reverse", "first func_jvp", "second forward_reverse"} <= {*told["modes"]}


def test_what_is_not_supported_is_said():
    whole = {"value direct", *(f"first {way}" for way in "abcd"), "second a"}
    for ways, told in [
        ([*whole], "first; second"),
        (["first a", "first b", "first c", "second a"], "first but d; second"),
        (["first a"], "first by a; no second"),
        (["value direct"], "no first; no second"),
    ]:
        assert said_modes({"ways": ways}, whole) == told
    assert said_modes({"ways": [], "why": "no output has a gradient"}, whole) == "none: no output has a gradient"
    assert said_modes(None, whole) == ""


def test_conventions_have_a_reason_and_a_source(capsys):
    assert main(["apis", "--conventions", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) >= 5
    assert all(row["reason"] and row["source"] for row in rows)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["apis", "torch.addm"], "no function of torch is called 'torch.addm'; did you mean torch.addmm?"),
        (["apis", "--library", "jax"], "has no jax that can be asked for its functions (ModuleNotFoundError"),
        (["fuzz", "--library", "tensorflow"], "has no tensorflow that can be asked"),
        (["fuzz", "--source", "api", "--include", "torch.zzz"], "no function of torch is called 'torch.zzz'"),
        (["fuzz", "--source", "api", "--exclude", "*"], "--exclude leaves no function"),
        (["fuzz", "--source", "api", "--target", "inductor"], "has one target, eager"),
        (["fuzz", "--source", "python", "--library", "torch"], "makes nothing that torch differentiates"),
        (["fuzz", "--sweep"], "--sweep goes with --source api"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(arguments, told, capsys, tmp_path):
    assert main(arguments) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if "asking" not in line]
    assert len(lines) == 1
    assert told in lines[0]
    assert not list(tmp_path.iterdir())


@pytest.mark.torch
def test_a_sweep_is_every_seed_once_and_ends_with_a_summary(capsys):
    code = main(["fuzz", "--source", "api", "--sweep", "--jobs", "1", "--seed", "5", "--json"])
    summary = json.loads(capsys.readouterr().out)
    assert (code, summary["cases"], summary["invalid"]) == (0, 5, 0)
    assert summary["cases_per_target"] == {"eager": 5}
    # What has no elements, or gives what is not finite, is not engaged.
    assert summary["engaged_per_target"]["eager"] == 3


@pytest.mark.torch
def test_generated_programs_are_differentiated_as_well(capsys):
    main(["fuzz", "--source", "graph", "--library", "torch", "--cases", "6", "--jobs", "1", "--seed", "5", "--json"])
    summary = json.loads(capsys.readouterr().out)
    assert (summary["cases"], summary["invalid"]) == (6, 0)
    assert summary["engaged_per_target"]["eager"] >= 3
