"""Programs as ONNX models: names, sizes and constants in the text, and what the checker says of generated ones."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from tests.triage.build import Builder

from assay.emit.onnx import IR_VERSIONS, OPSETS, render, translate
from assay.generate.dialect import Dialect
from assay.generate.graph import make_program
from assay.generate.settings import Settings
from assay.ir.program import SPECIAL, Data, Literal, Program
from assay.ops.catalogue import load
from assay.ops.facts import Unsatisfied

onnx = pytest.importorskip("onnx")
np = pytest.importorskip("numpy")
ml_dtypes = pytest.importorskip("ml_dtypes")


def module(program: Program, opset: int = 21, **how: Any) -> SimpleNamespace:
    space: dict[str, Any] = {"__name__": "case"}
    exec(compile(render(program, opset, **how), "case.py", "exec"), space)
    return SimpleNamespace(**space)


def chain() -> Program:
    builder = Builder()
    builder.input("x", shape=(2, 3), data=Data(-1, 0.5, 6))
    builder.input("w", shape=(3,), role="buffer", data=Data(1, 1, 3))
    builder.op("v1", "binary.mul", "x", "w")
    builder.op("v2", "binary.add", "v1", Literal(2), alpha=1)
    return builder.made(("tuple", ("v2", "v2", "x"), ()))


def test_values_keep_their_names_and_state_becomes_initializers() -> None:
    made = module(chain()).model()
    assert [each.name for each in made.graph.input] == ["x"]
    assert "w" in [each.name for each in made.graph.initializer]
    assert [node.op_type for node in made.graph.node][:2] == ["Mul", "Add"]
    assert made.graph.node[0].output == ["v1"]


def test_every_output_has_a_node_of_its_own() -> None:
    names = [each.name for each in module(chain()).model().graph.output]
    assert len(set(names)) == 3
    assert names[0] == "v2"


def test_inputs_are_the_same_numbers_written_out_or_by_formula() -> None:
    program = chain()
    short, long = module(program, literals=True).inputs(), module(program).inputs()
    assert short["x"].tolist() == long["x"].tolist() == [[-1, -0.5, 0], [0.5, 1, 1.5]]
    assert "fill" not in render(program, literals=True).partition("def inputs")[2]


def test_what_onnx_cannot_say_is_refused() -> None:
    builder = Builder()
    builder.input("x", shape=(2, 3))
    builder.op("v1", "unary.neg", "x", form="inplace")
    with pytest.raises(Unsatisfied, match="in place"):
        translate(builder.made(("tuple", ("v1",), ())))


def test_an_opset_and_its_ir_version_belong_together() -> None:
    table = {opset: version for _, version, opset, *_ in onnx.helper.VERSION_TABLE}
    assert {opset: table[opset] for opset in OPSETS} == IR_VERSIONS


@pytest.mark.parametrize("opset", [17, 18, 21, 24])
def test_generated_models_pass_the_checker(opset: int) -> None:
    settings = Settings(seed=5, operators=tuple(load()), nodes=8, targets=("onnxruntime",))
    for index in range(25):
        program, _ = make_program(settings, index, dialect=Dialect(opset))
        onnx.checker.check_model(module(program, opset).model(), full_check=True)


def test_sizes_that_change_are_named_dimensions() -> None:
    settings = Settings(seed=6, operators=tuple(load()), nodes=8, targets=("onnxruntime",))
    named = 0
    for index in range(60):
        program, _ = make_program(settings, index, dialect=Dialect(21))
        if program.sizes:
            made = module(program).model()
            dims = {dim.dim_param for each in made.graph.input for dim in each.type.tensor_type.shape.dim}
            named += bool(dims - {""})
    assert named > 3


def test_special_values_are_the_same_written_out_or_by_formula() -> None:
    builder = Builder()
    builder.program = replace(builder.program, values=SPECIAL)
    builder.input("x", shape=(2, 3), data=Data(-1, 0.5, 6, special=(float("nan"), float("-inf"), -0.0)))
    builder.op("v1", "unary.neg", "x")
    program = builder.made(("tuple", ("v1",), ()))
    short, long = module(program, literals=True).inputs()["x"], module(program).inputs()["x"]
    assert short.tobytes() == long.tobytes()
    assert np.isnan(long[0, 0])
    assert np.signbit(long[0, 2])
