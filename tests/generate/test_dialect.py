"""What a framework can say decides what is generated for it."""

from __future__ import annotations

import random
from types import SimpleNamespace

import pytest

from assay.backends import find_backend
from assay.emit.onnx import translate
from assay.emit.onnx_regions import KINDS
from assay.execution.worker import onnx_reference
from assay.generate.dialect import Dialect, Kernels, dialect_of
from assay.generate.graph import make_case, make_program
from assay.generate.settings import Settings
from assay.ir.program import Operation, PythonOperation, Region, walk
from assay.ir.types import TensorType
from assay.ops.catalogue import load
from assay.ops.facts import Facts, Unsatisfied
from assay.ops.onnx_forms import Graph, Node
from assay.ops.protocol import bind

SETTINGS = Settings(seed=9, operators=tuple(load()), nodes=8, targets=("onnxruntime",))
ROWS = [
    ["Relu", 14, 1 << 31, [["float32", "int8"]], [["float32", "int8"]]],
    ["Where", 16, 20, [["bool"], ["float32"], ["float32"]], [None]],
    ["Concat", 13, 1 << 31, [["float32"]], None],
]


def has(op: str, *dtypes: str, opset: int = 18) -> bool:
    graph = Graph(opset)
    names = tuple(f"x{number}" for number in range(len(dtypes)))
    graph.dtypes.update(zip(names, dtypes, strict=True))
    return Kernels(ROWS).have(Node(op, names, ()), graph)


def test_a_kernel_fits_by_opset_and_the_dtype_of_every_input() -> None:
    assert has("Relu", "int8")
    assert not has("Relu", "int16")
    assert not has("Where", "bool", "float32", "float64")
    assert has("Where", "bool", "float32", "float32")
    assert not has("Where", "bool", "float32", "float32", opset=21)
    assert not has("Abs", "float32")


def test_the_last_input_stands_for_all_that_follow() -> None:
    assert has("Concat", "float32", "float32", "float32")
    assert not has("Concat", "float32", "float32", "int64")


def test_float16_may_be_computed_in_float32_and_bfloat16_may_not() -> None:
    kernel = SimpleNamespace(type_constraints={"T": ["tensor(float)", "tensor(int8)"]})
    assert onnx_reference._dtypes("T", kernel) == ["float32", "int8", "float16"]
    assert onnx_reference._dtypes("U", kernel) is None
    assert not has("Relu", "float16")


def test_a_program_for_onnx_is_a_graph_of_operations_that_have_a_form() -> None:
    operators = load()
    for index in range(40):
        program, policy = make_program(SETTINGS, index, dialect=Dialect(21))
        assert not policy.training
        for statement in walk(program.body):
            match statement:
                case Operation():
                    assert operators[statement.operator].onnx
                case Region():
                    assert statement.kind in KINDS
                case _:
                    assert isinstance(statement, PythonOperation)
                    assert statement.kind == "test"
        assert all(entry.base is None for entry in program.inputs)
        translate(program, 21)


def test_what_the_runtime_has_no_kernel_for_is_not_generated() -> None:
    every = [[name, 1, 1 << 31, [["float32", "int64", "bool"]], None] for name in _names() if name != "Cast"]
    kernels = Kernels([*every, ["Cast", 1, 1 << 31, None, None]])
    for index in range(30):
        program, _ = make_program(SETTINGS, index, dialect=Dialect(21, kernels))
        model = translate(program, 21)
        assert "Tanh" not in {node.op for node in model.nodes}


def test_the_case_at_an_index_has_its_opset_in_the_recipe_and_the_text() -> None:
    opsets = set()
    for index in range(30):
        case = make_case(SETTINGS, index)
        assert f'helper.make_opsetid("", {case.recipe["opset"]})' in case.text
        assert case.to_json() == make_case(SETTINGS, index).to_json()
        opsets.add(case.recipe["opset"])
    assert len(opsets) > 3
    assert 21 in opsets


def _names() -> set[str]:
    names = set()
    for index in range(60):
        program, _ = make_program(SETTINGS, index, dialect=Dialect(21))
        names |= {node.op for node in translate(program, 21).nodes}
    return names - {"Tanh"}


def test_a_graph_of_values_for_torch_writes_nothing() -> None:
    known = load()
    named = Dialect(graph_only=True).operators(tuple(known))
    assert "write.copy_" in known
    assert {"unary.relu", "matmul.mm"} <= set(named)
    assert not any(known[name].writes or known[name].inplace_only for name in named)
    assert "write.copy_" in Dialect().operators(tuple(known))


def test_the_constants_of_a_form_fit_into_the_type_that_holds_them() -> None:
    cummin = load()["scan.cummin"]
    for dtype, refused in (("int64", True), ("int32", False)):
        x = TensorType(dtype, (4,))
        given = (cummin, bind(cummin, [x], {"dim": 0}), [x], [x, TensorType("int64", (4,))])
        Dialect(21).check(*given)
        if refused:
            with pytest.raises(Unsatisfied, match="does not hold"):
                Dialect(21, held_in={"int64": "int32"}).check(*given)
        else:
            Dialect(21, held_in={"int64": "int32"}).check(*given)


def test_large_integers_are_not_compared_where_the_reference_compares_them_wrong() -> None:
    clamp = load()["unary.clamp"]
    x = TensorType("int64", (4,))
    held = dialect_of(find_backend("tvm"), random.Random(0))
    nodes = held.check(clamp, bind(clamp, [x], {"min": 0, "max": 5}), [x], [x])
    assert "Clip" in nodes
    wide, small = Facts(0.0, 2.0**31, 0), Facts(0.0, 2.0**31 - 1, 0)
    with pytest.raises(Unsatisfied, match="does not hold"):
        held.hold("int64", wide, nodes)
    held.hold("int64", small, nodes)
    held.hold("int64", wide, frozenset({"Add"}))
    held.hold("uint32", wide, nodes)
    dialect_of(find_backend("onnxruntime"), random.Random(0)).hold("int64", wide, nodes)
