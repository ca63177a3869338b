"""The ONNX forms of the specifications, held against torch on ONNX Runtime without optimisations, and the vocabulary
that they are written in."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from assay.ir.sizes import Sym
from assay.ir.types import ScalarType, TensorType
from assay.ops.catalogue import load
from assay.ops.check import check_onnx
from assay.ops.facts import Unsatisfied
from assay.ops.onnx_forms import Arg, Graph, TypeName, wide
from assay.ops.protocol import Binding

needs_runtime = pytest.mark.skipif(
    find_spec("onnxruntime") is None or find_spec("torch") is None, reason="needs torch and onnxruntime"
)
FLOAT = TensorType("float32", (2, 3))
# What the runtime itself computes less well than torch: docs/onnx.md names the reasons.
LESS_ACCURATE = frozenset({"activation.gelu", "loss.binary_cross_entropy_with_logits", "smooth.sinc"})


def test_at_least_130_operators_have_a_form() -> None:
    assert sum(operator.onnx is not None for operator in load().values()) >= 130


@needs_runtime
@pytest.mark.torch
@pytest.mark.slow
def test_forms_give_what_torch_gives() -> None:
    reports = check_onnx(samples=6)
    failures = [f for report in reports if report.operator not in LESS_ACCURATE for f in report.failures]
    assert not failures, "\n".join(failures)
    assert sum(report.instances > 0 for report in reports) >= 130


def test_a_number_becomes_a_constant_of_the_dtype_that_is_asked_for() -> None:
    graph = Graph(21)
    name = graph.cast(Arg(None, ScalarType("int"), -1), "uint8")
    assert graph.constants[name].values == (255,)
    assert graph.cast(Arg(None, ScalarType("int"), -1), "uint8") == name


def test_a_cast_to_its_own_dtype_is_none() -> None:
    graph = Graph(21)
    assert graph.cast(Arg("x", FLOAT), "float32") == "x"
    graph.cast(Arg("x", FLOAT), "float64")
    assert [(node.op, node.attributes) for node in graph.nodes] == [("Cast", (("to", TypeName("float64")),))]


def test_symbolic_sizes_are_read_at_run_time_and_others_are_constants() -> None:
    graph = Graph(21, {"s0": ("x", 1)})
    graph.shape((2, 3))
    assert not graph.nodes
    graph.shape((Sym("s0", (2, 5)), 3, Sym(("//", "s0", 2), (1, 2))))
    assert [node.op for node in graph.nodes] == ["Shape", "Mod", "Sub", "Div", "Concat"]
    assert [node.op for node in graph.nodes].count("Shape") == 1


def test_an_older_opset_is_refused() -> None:
    with pytest.raises(Unsatisfied, match="opset 18"):
        Graph(17).since(18)


def test_several_nodes_in_16_bits_are_rounded_once() -> None:
    graph = Graph(21)
    graph.out = (FLOAT.with_dtype("float16"),)
    graph.dtypes["x"] = "float16"
    wide(lambda g, b, x: g.node("Exp", g.node("Neg", x.name)))(graph, Binding(), Arg("x", graph.out[0]))
    assert [node.op for node in graph.nodes] == ["Cast", "Neg", "Exp", "Cast"]
