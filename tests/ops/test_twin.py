"""The float64 twin: what it has to leave nothing narrow in, operator by operator."""

from __future__ import annotations

import pytest

from assay.generate.graph import make_program
from assay.generate.settings import Settings
from assay.ir.program import Operation, Program, walk
from assay.ir.types import TensorType, is_float
from assay.ops.catalogue import load
from assay.ops.facts import Unsatisfied
from assay.ops.twin import in_float64


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
