"""What a campaign runs for each piece of evidence that its oracles ask for by name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assay.campaign.assemble import against_its_reference, witnesses
from assay.generate.graph import make_case
from assay.generate.settings import Settings
from assay.ir.case import Case
from assay.ir.serialize import program_from_json
from assay.ir.types import TensorType

SETTINGS = Settings(2, ("binary.add", "binary.mul", "reduce.sum", "smooth.tanh"), 5, ("inductor",))


@pytest.fixture(scope="module")
def case() -> Case:
    return replace(make_case(SETTINGS, 3), options={"dynamic": True})


def dtypes(case: Case) -> set[str]:
    """Those of the inputs."""
    inputs = program_from_json(case.recipe["program"]).inputs
    return {entry.value.type.dtype for entry in inputs if isinstance(entry.value.type, TensorType)}


def test_the_shadow_run_is_of_the_same_text_eagerly(case: Case) -> None:
    witness = witnesses(case, "shadow")
    assert witness is not None
    assert (witness.case.text, witness.case.calls, witness.case.training) == (case.text, case.calls, case.training)
    assert (witness.case.target, witness.case.options, witness.evidence) == ("eager", {}, ("shadow",))


def test_the_run_in_float64_is_on_the_target_as_the_case_is(case: Case) -> None:
    witness = witnesses(case, "float64")
    assert witness is not None
    assert (witness.case.target, witness.case.options, witness.evidence) == ("inductor", {"dynamic": True}, ("values",))
    assert {dtype for dtype in dtypes(witness.case) if "float" in dtype} <= {"float64"}


def test_the_shadow_run_of_the_twin_in_float64_is_of_its_text_eagerly(case: Case) -> None:
    wide, shadowed = witnesses(case, "float64"), witnesses(case, "float64_shadow")
    assert wide is not None
    assert shadowed is not None
    assert (shadowed.case.text, shadowed.case.target, shadowed.evidence) == (wide.case.text, "eager", ("shadow",))


def test_the_exact_run_is_of_the_same_program_with_other_inputs() -> None:
    drawn = [(case, witnesses(case, "exact")) for case in (make_case(SETTINGS, index) for index in range(12))]
    assert any(witness is not None for _, witness in drawn)
    for case, witness in drawn:
        if witness is not None:
            one, other = (program_from_json(each.recipe["program"]) for each in (case, witness.case))
            assert one.body == other.body
            assert witness.exact
            assert (witness.case.target, witness.evidence) == (case.target, ("values",))


def test_a_case_without_a_program_has_a_shadow_run_and_no_twins(case: Case) -> None:
    bare = replace(case, recipe={})
    assert witnesses(bare, "shadow") is not None
    assert [witnesses(bare, name) for name in ("float64", "float64_shadow", "exact")] == [None] * 3


def test_what_an_onnx_runtime_case_is_held_against_can_be_judged_itself() -> None:
    made = Case("graph", "onnxruntime", {"level": "all"}, "# text", False, 1, {}, {}, (), 1)
    accused = against_its_reference(made)
    assert accused is not None
    assert accused.options == {"level": "disabled"}
    assert against_its_reference(accused) is None
    assert against_its_reference(replace(made, target="aot_eager", options={}, _id="")) is None
