"""Branches, loops and conditions in ONNX: they do what the same Python does."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import pytest
from tests.triage.build import Builder

from assay.emit import onnx as onnx_text
from assay.emit import torch as torch_text
from assay.emit.onnx_conditions import condition
from assay.generate.dialect import Dialect
from assay.generate.graph import make_program
from assay.generate.settings import Settings
from assay.ir.program import Block, Data, Literal, Program, Region, Value, walk
from assay.ir.types import ScalarType, TensorType
from assay.ops.catalogue import load
from assay.ops.facts import Unsatisfied
from assay.ops.onnx_forms import Arg, Graph
from assay.ops.python_forms import TESTS

np = pytest.importorskip("numpy")
onnx = pytest.importorskip("onnx")
torch = pytest.importorskip("torch")
reference = pytest.importorskip("onnx.reference")


def said(form: str, shape: tuple[int, ...], opset: int = 21) -> bool:
    try:
        condition(Graph(opset), form, Arg("n", ScalarType("int")), Arg("x", TensorType("float32", shape)))
    except Unsatisfied:
        return False
    return True


def test_most_conditions_can_be_said() -> None:
    assert sum(said(form, (3, 4)) for form in TESTS) >= 25
    assert not said("{0} & 1", (3,), opset=17)


@pytest.mark.parametrize("form", [form for form in TESTS if said(form, (3, 4))])
def test_a_condition_is_true_where_python_has_it_true(form: str) -> None:
    for shape in ((), (1,), (4,), (3, 4), (2, 3, 4)):
        builder = Builder()
        builder.number("n", 2)
        builder.input("x", shape=shape)
        builder.python("v1", "test", "n", "x", form=form)
        program = builder.made(("tuple", ("v1",), ()))
        model = SimpleNamespace(**_executed(onnx_text.render(program))).model()
        model.graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.BOOL
        evaluator = reference.ReferenceEvaluator(model)
        tensor = torch.zeros(shape)
        for number in range(-1, 7):
            wanted = bool(eval(form.format("number", "tensor"), {"number": number, "tensor": tensor, "torch": torch}))
            feeds = {"n": np.array(number), "x": tensor.numpy()}
            found = evaluator.run(None, {name: feeds[name] for name in evaluator.input_names})
            assert bool(found[0]) == wanted, (form, shape, number)


def _executed(text: str) -> dict[str, Any]:
    space: dict[str, Any] = {"__name__": "case"}
    exec(compile(text, "case.py", "exec"), space)
    return space


def looped(kind: str, trips: int) -> Program:
    """x + 1 + 2 + ... + trips - 1, doubled in each step."""
    builder = Builder()
    builder.input("x", shape=(2,), data=Data(-1, 3, 2))
    type_ = TensorType("float32", (2,))
    inner = Builder()
    inner.op("v1", "binary.add", "c1", "i1", alpha=1)
    inner.op("v2", "binary.mul", "v1", Literal(2))
    block = Block(tuple(inner.program.body), ("v2",), (Value("i1", ScalarType("int")), Value("c1", type_)))
    builder.add(Region(kind, ("x",), (("trips", trips),), (block,), (Value("v3", type_, "v3"),)))
    return builder.made(("tuple", ("v3",), ()))


@pytest.mark.parametrize(("kind", "trips"), list(itertools.product(("for", "while"), (0, 1, 3))))
def test_loops_run_as_often_as_in_python(kind: str, trips: int) -> None:
    program = looped(kind, trips)
    space = SimpleNamespace(**_executed(onnx_text.render(program)))
    onnx.checker.check_model(space.model(), full_check=True)
    x = space.inputs()["x"]
    wanted = x
    for step in range(trips):
        wanted = (wanted + step) * 2
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(space.model().SerializeToString(), providers=["CPUExecutionProvider"])
    assert session.run(None, {"x": x})[0].tolist() == wanted.tolist()


@pytest.mark.slow
def test_generated_regions_compute_what_torch_computes() -> None:
    runtime = pytest.importorskip("onnxruntime")
    names = tuple(
        name for name in load() if name.partition(".")[0] in ("binary", "unary", "view", "compare", "reduce", "move")
    )
    settings = Settings(seed=8, operators=names, nodes=8, targets=("onnxruntime",))
    kinds: set[str] = set()
    compared = 0
    for index in range(150):
        program, policy = make_program(settings, index, dialect=Dialect(21))
        found = {statement.kind for statement in walk(program.body) if isinstance(statement, Region)}
        if not found or not policy.exact or policy.dtypes[0] not in ("float32", "float64"):
            continue
        if "BFLOAT16" in (text := onnx_text.render(program)):
            # Which numpy does not pass on.
            continue
        model = SimpleNamespace(**_executed(text))
        options = runtime.SessionOptions()
        options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = 4
        try:
            session = runtime.InferenceSession(model.model().SerializeToString(), options)
        except runtime.capi.onnxruntime_pybind11_state.NotImplemented:
            continue
        eager = SimpleNamespace(**_executed(torch_text.render(program)))
        taken = {each.name for each in session.get_inputs()}
        for call in range(len(program.calls)):
            feeds = {name: value for name, value in model.inputs(call).items() if name in taken}
            state = [eager.state()] if hasattr(eager, "state") else []
            wanted = eager.program(*state, *eager.inputs(call))
            for one, other in zip(session.run(None, feeds), wanted, strict=True):
                assert one.dtype == other.numpy().dtype
                np.testing.assert_array_equal(one, other.numpy(), f"case {index}")
        compared += 1
        kinds |= found
    assert kinds == {"if", "for", "while"}
    assert compared >= 8


def test_a_branch_on_a_constant_is_written() -> None:
    builder = Builder()
    builder.input("x", shape=(2,))
    type_ = TensorType("float32", (2,))
    inner = Builder()
    inner.op("v1", "unary.neg", "x")
    blocks = (Block(tuple(inner.program.body), ("v1",)), Block((), ("x",)))
    builder.add(Region("if", (Literal(False),), (), blocks, (Value("v2", type_, "x"),)))
    model = SimpleNamespace(**_executed(onnx_text.render(builder.made(("tuple", ("v2",), ()))))).model()
    found = reference.ReferenceEvaluator(model).run(None, {"x": np.array([1.0, 2.0], "float32")})
    assert found[0].tolist() == [1, 2]
