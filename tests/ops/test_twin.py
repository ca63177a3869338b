"""The twins of a program: in float64 nothing narrow is left, operator by operator; drawn exactly nothing is rounded."""

from __future__ import annotations

from typing import Any

import pytest

from assay.emit.torch import render
from assay.generate.graph import make_program
from assay.generate.settings import Settings
from assay.ir.program import Operation, Program, walk
from assay.ir.types import TensorType, is_float, is_integral
from assay.ops.catalogue import load
from assay.ops.facts import Unsatisfied
from assay.ops.twin import drawn_exactly, in_float64


def narrow(program: Program, forbidden: str = "float32") -> set[str]:
    """The operators with a floating result in half precision or in ``forbidden``."""
    return {
        statement.operator
        for statement in walk(program.body)
        if isinstance(statement, Operation)
        for value in statement.results
        if isinstance(value.type, TensorType) and value.type.dtype in ("float16", "bfloat16", forbidden)
    }


def integers(program: Program) -> bool:
    """Whether some value of the program is no floating one, or a tensor is made from Python numbers."""
    values = [entry.value for entry in program.inputs]
    values += [value for statement in walk(program.body) for value in statement.results]
    made = {statement.operator for statement in walk(program.body) if isinstance(statement, Operation)}
    return any(isinstance(v.type, TensorType) and not is_float(v.type.dtype) for v in values) or any(
        name.startswith("create.") for name in made
    )


@pytest.mark.parametrize("family", sorted({operator.family for operator in load().values()}))
def test_no_operator_narrows_in_the_twin(family: str) -> None:
    for name in (name for name, operator in load().items() if operator.family == family):
        settings = Settings(5, (name,), 3, ("eager",))
        twins = 0
        for index in range(12):
            try:
                # Without writes: what is written into an integer or narrow tensor has no twin.
                program, _ = make_program(settings, index, {"mutation": 0.0})
                twin = in_float64(program)
            except Unsatisfied:
                continue
            twins += 1
            # Integers become float32 in the twin, too.
            assert not narrow(twin, "" if integers(twin) else "float32"), name
        assert twins, f"{name} has no twin"


def test_a_cast_named_after_a_narrow_type_becomes_the_wide_one() -> None:
    settings = Settings(5, ("cast.half", "cast.bfloat16", "cast.float"), 6, ("eager",))
    program, _ = make_program(settings, 0, {"mutation": 0.0})
    assert narrow(program)
    names = {statement.operator for statement in walk(in_float64(program).body) if isinstance(statement, Operation)}
    assert "cast.double" in names
    assert not names & {"cast.half", "cast.bfloat16", "cast.float"}


PLAIN = {"containers": 0.0, "mutation": 0.0, "transforms": 0}
"""Programs that return tensors in one tuple, and that have a float64 twin."""


def drawn_programs(count: int) -> list[tuple[int, Program, Program, tuple[str, ...]]]:
    """Generated programs that can be drawn exactly: their index, themselves, drawn again, and the exact outputs."""
    settings = Settings(11, tuple(load()), 8, ("eager",))
    found = []
    for index in range(count):
        program, _ = make_program(settings, index, PLAIN)
        drawn = drawn_exactly(program)
        if drawn is not None:
            found.append((index, program, *drawn))
    return found


def test_drawing_exactly_changes_nothing_but_what_floating_inputs_hold() -> None:
    found = drawn_programs(40)
    assert len(found) > 20
    for _, program, drawn, exact in found:
        assert (drawn.body, drawn.outputs, drawn.sizes) == (program.body, program.outputs, program.sizes)
        assert [entry.value.type for entry in drawn.inputs] == [entry.value.type for entry in program.inputs]
        assert exact
        for entry in program.inputs:
            if isinstance(entry.value.type, TensorType) and is_integral(entry.value.type.dtype):
                for call, again in zip(program.calls, drawn.calls, strict=True):
                    assert dict(call.arguments).get(entry.name) == dict(again.arguments).get(entry.name)


@pytest.mark.torch
def test_outputs_that_are_drawn_exactly_are_the_same_in_float64() -> None:
    torch = pytest.importorskip("torch")
    compared = 0
    for index, _, drawn, exact in drawn_programs(150):
        try:
            twin = in_float64(drawn)
        except Unsatisfied:
            continue
        for own, wide in zip(outputs_by_path(drawn), outputs_by_path(twin), strict=True):
            for path in exact:
                if isinstance(own[path], torch.Tensor) and own[path].is_floating_point():
                    compared += 1
                    assert torch.equal(own[path].double(), wide[path].double()), f"program {index}, {path}"
    assert compared > 100


def outputs_by_path(program: Program) -> list[dict[str, Any]]:
    """Per call, what a program returns, by the paths that oracles give to the items of a tuple."""
    import torch

    module: dict[str, Any] = {"__name__": "case"}
    exec(compile(render(program), "case.py", "exec"), module)
    state = (module["state"](),) if "state" in module else ()
    found = []
    for call in range(module["CALLS"]):
        with torch.no_grad():
            returned = module["program"](*state, *module["inputs"](call))
        items = enumerate(returned) if isinstance(returned, tuple | list) else ()
        found.append({"output": returned, **{f"output {number}": item for number, item in items}})
    return found
