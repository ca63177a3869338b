"""Rewrites that read what changes between the calls: the same, changed, back."""

from __future__ import annotations

import pytest

from assay.emit.cases import build_case
from assay.emit.torch import between_lines, render
from assay.oracles.verdict import Judgement, Kind, Verdict
from assay.transforms.check import Twin, twins
from assay.transforms.check_torch import executed
from assay.transforms.registry import Transform, transforms
from assay.triage.scripts import render_script

BETWEEN = [each for each in transforms().values() if each.between]
pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def of_three_calls(transform: Transform) -> Twin:
    return next(twin for twin in twins(transform, 20) if len(twin.rewritten.calls) >= 3)


@pytest.mark.parametrize("each", [each for each in BETWEEN if each.extras], ids=lambda each: each.name)
def test_what_is_read_is_one_thing_then_another_then_the_first_again(each: Transform) -> None:
    twin = of_three_calls(each)
    assert len(twin.original.calls) == len(twin.rewritten.calls)
    first, second, third, *_ = (call["outputs"] for call in executed(render(twin.rewritten)))
    told = [[leaf for leaf in outputs if isinstance(leaf, str)] for outputs in (first, second, third)]
    assert told[0] == told[2] != told[1]


def test_a_second_run_in_one_process_begins_as_the_first_did() -> None:
    """What an odd call has changed is put back ahead of the first call of the next."""
    text = render(of_three_calls(transforms()["between.global_number"]).rewritten)
    module: dict[str, object] = {}
    exec(compile(text, "case.py", "exec"), module)
    (name,) = [name for name in module if name.startswith("NUMBER")]
    module["between"](1)  # type: ignore[operator]
    assert module[name] == 4
    module["between"](0)  # type: ignore[operator]
    assert module[name] == 3


def test_scripts_change_what_the_case_changes() -> None:
    program = of_three_calls(transforms()["between.class_attribute"]).rewritten
    case = build_case(program, source="graph", target="torch:eager", options={})
    wrong = Judgement(Verdict.Mismatch, Kind.type, "call 1, output", "differs", "type|output")
    script = render_script(case, program, wrong, "")
    assert "\n".join(between_lines(program)) in script
    assert "between(call)" in script
    assert script.index("class Settings") < script.index("Settings.scale = 2")


def test_a_program_without_such_rewrites_has_no_between() -> None:
    assert "def between" not in render(next(twins(transforms()["control.for_break"], 1)).rewritten)
