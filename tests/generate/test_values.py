"""Programs whose inputs are to be found, and programs that compute with special values."""

from __future__ import annotations

import json
from typing import Any

import pytest

from assay.emit.torch import render
from assay.generate.graph import as_special, make_case, make_program
from assay.generate.settings import Settings
from assay.ir.program import FOUND, KEPT, SPECIAL, Program, operations
from assay.ir.serialize import program_from_json, program_to_json
from assay.ir.verify import verify
from assay.ops.catalogue import load
from assay.ops.interpret import interpret

SETTINGS = Settings(7, tuple(load()), 10, ("aot_eager",))


def programs(values: str, number: int = 25) -> list[Program]:
    return [make_program(SETTINGS, index, {"values": values})[0] for index in range(number)]


@pytest.mark.parametrize("values", [FOUND, SPECIAL])
def test_a_program_meets_its_specifications_and_is_written_and_read(values: str) -> None:
    for program in programs(values):
        verify(program)
        interpret(program, load())
        # NaN is not itself.
        assert repr(program_from_json(json.loads(json.dumps(program_to_json(program))))) == repr(program)


@pytest.mark.torch
@pytest.mark.parametrize("values", [FOUND, SPECIAL])
def test_a_program_runs_whatever_its_floats_are(values: str) -> None:
    torch = pytest.importorskip("torch")
    for program in programs(values):
        module: dict[str, Any] = {}
        exec(render(program), module)
        first = (module["state"](),) if "state" in module else ()
        for call in range(module["CALLS"]):
            with torch.set_grad_enabled(module["TRAINING"]):
                module["program"](*first, *module["inputs"](call))


def test_special_values_reach_programs_that_ask_for_them_alone() -> None:
    def special(program: Program) -> set[str]:
        data = [argument.data for call in program.calls for _, argument in call.arguments]
        return {repr(value) for each in data if each is not None for value in each.special}

    assert {"nan", "inf", "-inf", "-0.0"} <= set().union(*map(special, programs(SPECIAL)))
    assert not set().union(*map(special, programs(KEPT) + programs(FOUND)))


def test_what_was_found_is_in_the_case_and_what_was_not_computes_with_special_values() -> None:
    settings = Settings(7, SETTINGS.operators, 10, ("aot_eager",), values=FOUND)
    asked: list[str] = []

    def find(program: Program, seed: str) -> Program | None:
        asked.append(seed)
        return program if len(asked) % 2 else None

    cases = [make_case(settings, index, find) for index in range(12)]
    values = [program_from_json(case.recipe["program"]).values for case in cases]
    assert asked == [f"7/{index}" for index in range(12)]
    assert set(values[::2]) == {FOUND}
    assert set(values[1::2]) <= {SPECIAL, KEPT}
    drawn = [make_program(settings, index, {"values": FOUND})[0] for index in range(1, 12, 2)]
    for case, program in zip(cases[1::2], drawn, strict=True):
        if as_special(program) is not None:
            assert case.recipe["program"]["values"] == SPECIAL
            assert set(case.operators) == {operation.operator for operation in operations(program)}
