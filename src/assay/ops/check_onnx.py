"""Runs the ONNX forms of operators in ONNX Runtime, unoptimised, and says where they differ from what torch gives.

A program of its own, as `check_torch` beside it, whose instances it takes; each has the nodes of a "model". It is the
translation that is checked: tolerances are those of a transcription, not of an oracle. Answers one JSON object a line:
the failures, and the reason where the runtime has no implementation.
"""

import json
import sys
import warnings
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
from check_torch import environment, evaluate
from onnx import TensorProto, helper, numpy_helper

TOLERANCES = {"float16": 2e-2, "bfloat16": 1e-1, "float32": 1e-3, "float64": 1e-6}
IR_VERSION = 13
TYPES = {
    "bool": TensorProto.BOOL,
    "uint8": TensorProto.UINT8,
    "int8": TensorProto.INT8,
    "int16": TensorProto.INT16,
    "int32": TensorProto.INT32,
    "int64": TensorProto.INT64,
    "float16": TensorProto.FLOAT16,
    "bfloat16": TensorProto.BFLOAT16,
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
    "complex64": TensorProto.COMPLEX64,
    "complex128": TensorProto.COMPLEX128,
}


def attribute(value: Any) -> Any:
    """An attribute's value: dtypes become element types, truth values integers."""
    if isinstance(value, dict):
        return TYPES[value["dtype"]]
    return int(value) if isinstance(value, bool) else value


def build(model: dict[str, Any], feeds: dict[str, Any]) -> bytes:
    """The serialised model."""
    nodes = [
        helper.make_node(op, inputs, outputs, **{name: attribute(value) for name, value in attributes})
        for op, inputs, outputs, attributes in model["nodes"]
    ]
    inputs = [helper.make_tensor_value_info(name, TYPES[dtype], None) for name, dtype in model["inputs"]]
    outputs = [helper.make_tensor_value_info(name, TYPES[dtype], None) for name, dtype in model["outputs"]]
    constants = [
        numpy_helper.from_array(np.array(values, dtype).reshape(shape), name)
        for name, dtype, shape, values in model["constants"]
    ]
    graph = helper.make_graph(nodes, "instance", inputs, outputs, constants)
    opsets = [helper.make_opsetid("", model["opset"])]
    return bytes(helper.make_model(graph, ir_version=IR_VERSION, opset_imports=opsets).SerializeToString())


def arrays(instance: dict[str, Any]) -> dict[str, Any]:
    """What the model is fed with, by name."""
    names = environment(instance)
    found: dict[str, Any] = {name: np.array(value, "int64") for name, value in instance["sizes"].items()}
    for key, value in names.items():
        if isinstance(value, torch.Tensor):
            found[key] = value.numpy()
        elif isinstance(value, list) and key[1:].isdigit():
            found |= {f"{key}_{position}": item.numpy() for position, item in enumerate(value)}
    return found


def compare(found: Any, wanted: torch.Tensor, expected: dict[str, Any], where: str) -> list[str]:
    """What is wrong with one result."""
    if str(found.dtype) != expected["dtype"] or list(found.shape) != expected["shape"]:
        return [f"{where} is {found.dtype}{list(found.shape)}, should be {expected['dtype']}{expected['shape']}"]
    ours, theirs = wanted.detach().numpy().astype("float64"), found.astype("float64")
    limit = 0.0 if expected.get("scale") is not None else TOLERANCES.get(expected["dtype"], 0.0)
    size = float(np.abs(ours).max()) if ours.size else 0.0
    apart = np.abs(ours - theirs)
    wrong = ~(apart <= limit * np.maximum(np.abs(ours), limit * size)) & ~(np.isnan(ours) & np.isnan(theirs))
    if not wrong.any():
        return []
    at = tuple(np.argwhere(wrong)[0])
    return [f"{where} differs in {int(wrong.sum())} of {wrong.size}, first: torch {ours[at]}, ONNX {theirs[at]}"]


def check(instance: dict[str, Any]) -> dict[str, Any]:
    """The failures of an instance, or why it could not run."""
    model = instance["model"]
    try:
        feeds = arrays(instance)
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = 1
        session = ort.InferenceSession(build(model, feeds), options, providers=["CPUExecutionProvider"])
        asked = {each.name for each in session.get_inputs()}
        given = {name: value for name, value in feeds.items() if name in asked}
        results = session.run([name for name, _ in model["outputs"]], given)
    except Exception as error:
        if type(error).__name__ == "NotImplemented":
            return {"failures": [], "gap": str(error)[:200]}
        return {"failures": [f"ONNX: {type(error).__name__}: {str(error)[:300]}"], "gap": ""}
    wanted = evaluate(instance["text"], environment(instance))
    failures = []
    for position, (found, other, expected) in enumerate(zip(results, wanted, instance["results"], strict=True)):
        if position not in instance["unpromised"]:
            failures += compare(found, other, expected, f"ONNX: result {position}")
    return {"failures": failures, "gap": ""}


def main() -> None:
    """Answer every line of stdin."""
    warnings.filterwarnings("ignore")
    ort.set_default_logger_severity(4)
    torch.set_num_threads(1)
    for line in sys.stdin:
        print(json.dumps(check(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
