"""tvm, openvino and torch.onnx: what they run agrees with their reference, scripts do what the worker does, and gaps
are told from failures. Each part is skipped where its package is not installed."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.triage.build import Builder

from assay.backends import find_backend, openvino, torch_onnx, tvm
from assay.campaign import assemble
from assay.campaign.bench import Bench
from assay.campaign.examine import settle
from assay.emit.cases import build_case
from assay.execution.client import BackendNotInstalled
from assay.ir.case import Case
from assay.ir.program import Program
from assay.oracles.numeric import VALUES
from assay.oracles.outcome import TensorRecord
from assay.oracles.verdict import Expected, Judgement, Kind, Verdict
from assay.triage.scripts import render_script

PACKAGES = {"tvm": "tvm", "openvino": "openvino", "torch.onnx": "onnxscript"}
OPSET = {"opset": 21}


@pytest.fixture(scope="module", params=PACKAGES)
def bench(request: pytest.FixtureRequest) -> Iterator[tuple[str, Bench]]:
    target = str(request.param)
    if not all(find_spec(name) for name in (PACKAGES[target], "onnxruntime", "torch")):
        pytest.skip(f"{target} is not installed")
    try:
        made = assemble.start_bench([target])
    except BackendNotInstalled as reason:
        pytest.skip(str(reason))
    try:
        yield target, made
    finally:
        made.close()


def program(calls: int = 1) -> Program:
    builder = Builder(False)
    x = builder.input("x")
    builder.op("a", "unary.relu", x)
    return builder.made(builder.op("b", "binary.mul", "a", x), "a", calls=calls)


def case_on(target: str, options: dict[str, object]) -> Case:
    recipe = {} if find_backend(target).framework == "torch" else OPSET
    return build_case(program(calls=2), source="graph", target=target, options=options, recipe=recipe)


@pytest.mark.slow
@pytest.mark.torch
def test_a_correct_program_passes_and_engages_the_target(bench: tuple[str, Bench]) -> None:
    target, worker = bench
    examination = settle(case_on(target, {}), worker.run, assemble.judge, assemble.witnesses)
    assert examination.judgement.verdict is Verdict.Pass, examination.judgement
    assert examination.engaged


@pytest.mark.slow
@pytest.mark.torch
def test_a_script_finds_nothing_where_the_worker_finds_nothing(bench: tuple[str, Bench], tmp_path: Path) -> None:
    target, worker = bench
    case = case_on(target, {"saved": "model"} if target == "openvino" else {"dynamic": True})
    outcome = worker.run(case, (VALUES,))
    assert outcome.reference is not None
    assert outcome.target is not None
    record = outcome.reference.calls[1].outputs.items[0]  # type: ignore[union-attr]
    assert isinstance(record, TensorRecord)
    assert record.data is not None
    expected = Expected("float32", record.shape, record.data)
    detail = "1 of 12 elements differ (float32[3, 4], exact arithmetic)"
    judged = Judgement(
        Verdict.Mismatch, Kind.value, "call 1, output 0", detail, "value|float32|output", expected=expected
    )
    script = tmp_path / "script.py"
    script.write_text(render_script(case, program(calls=2), judged, "here"))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["OK"]), done.stdout + done.stderr


def test_a_gap_is_what_a_system_says_that_it_does_not_support() -> None:
    assert isinstance(tvm._declared(ValueError("Dynamic pads are not supported")), tvm.TVMGap)
    assert not isinstance(tvm._declared(ValueError("Check failed: split_indices must be sorted")), tvm.TVMGap)
    assert not isinstance(tvm._declared(AttributeError("'Var' object has no attribute 'value'")), tvm.TVMGap)
    for text in (
        "Check failed: (IsFloatType(x.ty())) is false: power only applies to float",
        "Only constant position supported for SequenceAt",
        "Missing outputs during conversion. Expected 2 but Got 1 in MaxPool.",
        "Cannot broadcast symbolic dimension: runtime value of symbolic dimension is unknown at compile time.",
    ):
        assert isinstance(tvm._declared(ValueError(text)), tvm.TVMGap), text
    gap = RuntimeError("Pad: Unsupported padding mode: [wrap]")
    assert isinstance(openvino._declared(gap), openvino.OpenVINOGap)
    assert not isinstance(openvino._declared(RuntimeError("object is not initialized")), openvino.OpenVINOGap)


@pytest.mark.torch
@pytest.mark.skipif(find_spec("onnxscript") is None, reason="needs onnxscript")
def test_the_first_error_that_an_exporter_wraps_says_whether_it_is_a_gap() -> None:
    from torch.onnx.errors import OnnxExporterError

    def wrapped(error: Exception) -> BaseException:
        try:
            raise OnnxExporterError("Failed to convert the program") from error
        except OnnxExporterError as made:
            return torch_onnx._cause(made)

    assert isinstance(wrapped(AssertionError("only 4D query, key, and value are supported")), torch_onnx.ExporterGap)
    failure = TypeError("Unsupported attribute type: '<class 'list'>'")
    assert wrapped(failure) is failure


@pytest.mark.torch
@pytest.mark.skipif(find_spec("onnxscript") is None, reason="needs onnxscript")
def test_a_script_tells_what_an_exporter_wraps(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    def failing(*given: object, **settings: object) -> None:
        try:
            raise ValueError("Required parameter 'dim' is not provided")
        except ValueError as error:
            raise torch.onnx.errors.OnnxExporterError("Failed to convert the program") from error

    monkeypatch.setattr(torch.onnx, "export", failing)
    names: dict[str, Any] = {}
    exec(find_backend("torch.onnx").source({}), names)
    with pytest.raises(ValueError, match="Required parameter"):
        names["compile_program"](torch.amin)(torch.ones(2))


class Renamed:
    """A compiled model whose only input lost its name."""

    inputs = (SimpleNamespace(get_names=lambda: {"out"}),)
    outputs = ()

    def create_infer_request(self) -> Renamed:
        return self


@pytest.mark.skipif(find_spec("openvino") is None, reason="needs openvino")
def test_an_input_that_lost_its_name_is_told_by_what_it_is_called() -> None:
    with pytest.raises(LookupError, match="an input of the model is called"):
        openvino._runner(Renamed())({"x": None})
    for raw in (False, True):
        assert "raise LookupError" in find_backend("openvino").source({"raw": raw})


@pytest.mark.skipif(find_spec("onnxruntime") is None, reason="needs onnxruntime")
def test_a_kernel_that_refuses_a_dtype_when_it_runs_is_a_gap_of_the_reference() -> None:
    from assay.execution.worker import onnx_reference

    refused = "CPU execution provider: MLFloat16 data type is not supported with ScatterND opset 18"
    assert isinstance(onnx_reference._declared(RuntimeError(refused)), onnx_reference.ReferenceGap)
    assert not isinstance(onnx_reference._declared(RuntimeError("Invalid position of 0")), onnx_reference.ReferenceGap)


def test_a_case_is_exported_again_where_a_fixed_size_is_another() -> None:
    assert torch_onnx._fits((3, None), (3, 7))
    assert not torch_onnx._fits((3, None), (4, 7))
    assert not torch_onnx._fits((3,), (3, 1))
    assert torch_onnx._fits(2, 2)
    assert not torch_onnx._fits(True, 1)


@pytest.mark.parametrize("target", PACKAGES)
def test_options_are_drawn_that_its_source_knows(target: str) -> None:
    backend = find_backend(target)
    texts = set()
    for seed in range(40):
        options = backend.options(random.Random(seed), False)
        text = backend.source(options)
        compile(text, target, "exec")
        texts.add(text)
    assert len(texts) > 3


def test_bfloat16_goes_into_openvino_by_its_bits() -> None:
    text = find_backend("openvino").source({"raw": True})
    compile(text, "openvino", "exec")
    assert text.index("request.set_tensor(") < text.index("request.infer()") < text.rindex("return [array(")


def test_a_judgement_of_a_model_knows_what_its_target_does_not_promise() -> None:
    assert find_backend("tvm").promises == find_backend("torch.onnx").promises == frozenset()
    assert "aliases" in find_backend("inductor").promises
    assert "strides" in find_backend("eager").promises


@pytest.mark.parametrize(
    ("kind", "signature", "telling"),
    [
        (Kind.memory, "memory|target|MemoryError", "if status != 0:"),
        (Kind.hang, "hang|target", "except subprocess.TimeoutExpired:"),
        (Kind.crash, "crash|target|SIGSEGV", "if status < 0:"),
        (Kind.crash, "crash|target|exit", "if status != 0:"),
    ],
)
def test_a_script_of_a_death_looks_at_how_its_child_ended(kind: Kind, signature: str, telling: str) -> None:
    judged = Judgement(Verdict.Crash, kind, "", "the process died", signature)
    text = render_script(case_on("openvino", {}), program(calls=2), judged, "here")
    compile(text, "script", "exec")
    assert telling in text
    assert ("resource.setrlimit(" in text) == (kind is Kind.memory)
    assert text.index("import subprocess") < text.index("def main(")
