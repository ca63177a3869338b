"""A rewritten program and its original are the same program to eager mode, and one is led back to the other."""

from __future__ import annotations

import pytest
from benchmarks.twins import check, traced

from assay.emit.cases import build_case
from assay.emit.torch import render
from assay.ir.program import Region, output_names, walk
from assay.ir.serialize import program_from_json, program_to_json
from assay.ir.verify import verify
from assay.ops.catalogue import load
from assay.ops.interpret import interpret
from assay.transforms.check import Twin, twins
from assay.transforms.check import check as checked
from assay.transforms.registry import Transform, transforms
from assay.triage.registry import reducers
from assay.triage.subject import subject_of
from assay.triage.typing_anew import typed

ALL = list(transforms().values())
pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def first(transform: Transform, count: int = 1) -> list[Twin]:
    return list(twins(transform, count))


@pytest.mark.parametrize("each", ALL, ids=lambda each: each.name)
def test_a_transform_finds_sites_in_generated_programs_and_changes_nothing_in_eager_mode(each: Transform) -> None:
    (twin,) = first(each)
    assert check(twin) is None


@pytest.mark.parametrize("each", ALL, ids=lambda each: each.name)
def test_a_rewrite_is_data_of_the_program(each: Transform) -> None:
    """It is verified, typed, written as JSON and read, typed anew as reducers do, and named by the case."""
    (twin,) = first(each)
    program = twin.rewritten
    verify(program)
    assert interpret(program, load())[0] == program
    again = program_from_json(program_to_json(program))
    assert again == program
    assert render(again) == render(program)
    mended = typed(program)
    assert mended is not None
    assert render(mended) == render(program)
    case = build_case(program, source="graph", target="torch:eager", options={})
    assert case.transforms == (each.name,)
    assert case.recipe["transforms"] == [each.name]
    (region,) = [one for one in walk(program.body) if isinstance(one, Region) and one.kind == "rewrite"]
    assert len(region.results) == len(region.blocks[0].results) + len(each.extras)
    assert len(output_names(program.outputs)) == len(output_names(twin.original.outputs)) + len(each.extras)


@pytest.mark.parametrize("each", ALL, ids=lambda each: each.name)
def test_reducers_undo_a_rewrite(each: Transform) -> None:
    """What is left is the original, to the letter but for the names of outputs."""
    (twin,) = first(each)
    subject = subject_of(build_case(twin.rewritten, source="graph", target="torch:eager", options={}))
    assert subject is not None
    (reducer,) = [one for one in reducers() if one.name == "fewer-transforms"]
    undone = next(iter(reducer.candidates(subject))).program
    assert undone.body == twin.original.body
    assert output_names(undone.outputs) == output_names(twin.original.outputs)


def test_a_difference_is_found_out() -> None:
    (twin,) = first(transforms()["control.for_break"])
    other = twins(transforms()["control.for_break"], 2)
    next(other)
    wrong = Twin(twin.transform, twin.index, next(other).original, twin.rewritten)
    assert check(wrong) is not None


@pytest.mark.parametrize("name", ["closures.call", "generators.next_"])
def test_dynamo_traces_what_is_not_meant_to_break(name: str) -> None:
    found = [traced(twin) for twin in first(transforms()[name], 2)]
    assert "" in found
    assert set(found) <= {"", None}


def test_the_check_of_the_command_line_runs_elsewhere_and_tells_what_differs() -> None:
    each = transforms()["functions.keywords"]
    (result,) = checked([each], 3)
    assert (result.transform, result.sites, result.failures) == ("functions.keywords", 3, ())
