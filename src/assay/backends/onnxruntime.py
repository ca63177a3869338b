"""ONNX Runtime on the CPU: its graph optimisers, at every level and with some of them left out, against the same
runtime with all of them disabled."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

NAMES = ("onnxruntime",)
PREFIX = None
FRAMEWORK = "onnx"
RUNG = 4
DEAR = False
PROMISES = ()
UNSUPPORTED = ("onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented",)
LEVELS = ("basic", "extended", "layout", "all")
FLOAT_ONLY = ("float16", "float32", "float64")

# Optimisers that are worth leaving out: what follows them then sees what it seldom sees.
LEAVES_OUT = (
    "ConstantFolding",
    "CommonSubexpressionElimination",
    "EliminateIdentity",
    "MatMulAddFusion",
    "TransposeOptimizer",
    "CastElimination",
    "ReshapeFusion",
    "ConvActivationFusion",
)

_engaged: dict[str, Any] = {}
_states: dict[str, Any] = {}


def options(draw: random.Random, training: bool) -> dict[str, Any]:
    """The level, now and then without some optimisers, and settings of the session."""
    drawn: dict[str, Any] = {"level": draw.choices(LEVELS, (15, 15, 10, 60))[0]}
    if draw.random() < 0.15:
        drawn["without"] = sorted(draw.sample(LEAVES_OUT, draw.randint(1, 3)))
    if draw.random() < 0.1:
        drawn["parallel"] = True
    if draw.random() < 0.1:
        drawn["memory_pattern"] = False
    return drawn


def source(name: str, options: dict[str, Any]) -> str:
    """Python text that defines ``compile_model(model)`` as this target does: a function of named arrays."""
    lines = [
        "import onnxruntime",
        "",
        "",
        "def session(model, level, without=()):",
        "    options = onnxruntime.SessionOptions()",
        "    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)",
        "    options.intra_op_num_threads = 1",
        "    providers = ['CPUExecutionProvider']",
        "    return onnxruntime.InferenceSession(model, options, providers, disabled_optimizers=list(without))",
    ]
    return "\n".join(lines)


def prepare(name: str) -> dict[str, Any]:
    """Import the runtime and run a trivial model."""
    import onnx
    import onnxruntime as ort
    from onnx import TensorProto, helper

    ort.set_default_logger_severity(4)
    # A fork must not find threads: sessions have one, and telemetry none.
    if hasattr(ort, "disable_telemetry_events"):
        ort.disable_telemetry_events()
    info = [helper.make_tensor_value_info(each, TensorProto.FLOAT, [2]) for each in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", info[:1], info[1:])
    model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 21)])
    import numpy as np

    compile(model.SerializeToString(), name, {"level": "all"})({"x": np.ones(2, "float32")})
    return {"version": ort.__version__, "onnx": onnx.__version__}


def reference(model: bytes, name: str, options: dict[str, Any]) -> Callable[[dict[str, Any]], list[Any]]:
    """The model with every optimisation disabled."""
    return _runner(_session(model, {"level": "disabled"}, ""))


def compile(model: bytes, name: str, options: dict[str, Any]) -> Callable[[dict[str, Any]], list[Any]]:
    """The model, optimised as the options say. What the optimisers changed is kept for `engagement`."""
    import onnx

    path = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"optimised-{os.getpid()}.onnx")
    session = _session(model, options, path)
    before = _operators(onnx.ModelProto.FromString(model).graph)
    with open(path, "rb") as file:
        after = _operators(onnx.ModelProto.FromString(file.read()).graph)
    os.unlink(path)
    _engaged.update(engaged=before != after, removed=dict(before - after), added=dict(after - before))
    return _runner(session)


def engagement() -> dict[str, Any]:
    """Whether the optimisers changed the graph, and which operators came and went."""
    return dict(_engaged)


def reset() -> None:
    """Forget what was compiled."""
    _engaged.clear()


def _session(model: bytes, options: dict[str, Any], path: str) -> Any:
    import onnxruntime as ort

    levels = {
        "disabled": ort.GraphOptimizationLevel.ORT_DISABLE_ALL,
        "basic": ort.GraphOptimizationLevel.ORT_ENABLE_BASIC,
        "extended": ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
        "layout": getattr(ort.GraphOptimizationLevel, "ORT_ENABLE_LAYOUT", ort.GraphOptimizationLevel.ORT_ENABLE_ALL),
        "all": ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
    }
    settings = ort.SessionOptions()
    settings.graph_optimization_level = levels[options["level"]]
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    settings.enable_mem_pattern = options.get("memory_pattern", True)
    if path:
        settings.optimized_model_filepath = path
    without = options.get("without", [])
    return ort.InferenceSession(model, settings, providers=["CPUExecutionProvider"], disabled_optimizers=without)


def _runner(session: Any) -> Callable[[dict[str, Any]], list[Any]]:
    """The session as a function of arrays. numpy has no name for some element types; those go by their bits."""
    import ml_dtypes
    import numpy as np
    import onnxruntime as ort

    names = [each.name for each in session.get_outputs()]
    asked = {each.name: each.type for each in session.get_inputs()}
    raw = {"tensor(bfloat16)": (16, ml_dtypes.bfloat16)}
    if not any(type_ in raw for type_ in (*asked.values(), *(each.type for each in session.get_outputs()))):
        return lambda feeds: list(session.run(names, {name: value for name, value in feeds.items() if name in asked}))

    def run(feeds: dict[str, Any]) -> list[Any]:
        import ctypes

        given = {}
        for name, type_ in asked.items():
            value = feeds[name]
            if type_ in raw:
                given[name] = ort.OrtValue.ortvalue_from_numpy_with_onnx_type(value.view("uint16"), raw[type_][0])
            else:
                given[name] = ort.OrtValue.ortvalue_from_numpy(value)
        found = []
        for value in session.run_with_ort_values(names, given):
            if value.data_type() in raw:
                shape = tuple(value.shape())
                data = ctypes.string_at(value.data_ptr(), value.tensor_size_in_bytes()) if 0 not in shape else b""
                found.append(np.frombuffer(data, "uint16").view(raw[value.data_type()][1]).reshape(shape))
            else:
                found.append(value.numpy())
        return found

    return run


def _operators(graph: Any) -> Counter[str]:
    return Counter(f"{node.domain}.{node.op_type}".lstrip(".") for node in graph.node)
