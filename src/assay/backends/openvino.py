"""OpenVINO's CPU plugin: its importer of ONNX models, its graph transformations and its generated kernels, against
ONNX Runtime without optimisation."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable
from typing import Any

NAMES = ("openvino",)
PREFIX = None
FRAMEWORK = "onnx"
PACKAGES = ("openvino",)
RUNG = 4
DEAR = False
PROMISES = ()
UNSUPPORTED = ("OpenVINOGap", "ReferenceGap")

REFUSES = ("float64",)
"""Computed in float32, whatever is asked for: docs/onnx.md has the sources of this and of the next."""

HELD_IN = {"int64": "int32"}
"""What lies beyond int32 is cut to its ends."""

DIFFERS = {
    "the top none": "k is at least 1: the plugin says so, and ONNX that it is positive",
    "a quotient of floats rounded to an integer": "x / y is the product of x and 1 / y, and x / x may be less than 1: "
    "transformation ConvertDivide",
    "gather by narrower indices": "data and indices have the same sizes but for the axis: "
    "https://docs.openvino.ai/2022.3/openvino_docs_ops_movement_GatherElements_6.html",
}

# Without these the plugin computes in bfloat16 where the processor has it, and in as many threads as there are cores.
SETTINGS = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1}

_GAP = re.compile(
    r"No conversion rule found|not (?:currently |yet )?(?:supported|implemented)|[Uu]nsupported|does ?n[o']t support"
    r"|NOT_IMPLEMENTED|Unknown data type"
)
_compiled: list[Any] = []


class OpenVINOGap(Exception):
    """What the importer or the plugin says that it does not support."""


def options(draw: random.Random, training: bool) -> dict[str, Any]:
    """How the model is read, whether it goes through a file of OpenVINO's own, and settings of the plugin."""
    drawn: dict[str, Any] = {}
    if draw.random() < 0.15:
        drawn["converted"] = True
    if draw.random() < 0.15:
        drawn["saved"] = draw.choice(("model", "compiled"))
    if draw.random() < 0.2:
        drawn["settings"] = draw.choice(
            ({"SNIPPETS_MODE": "DISABLE"}, {"EXECUTION_MODE_HINT": "ACCURACY"}, {"PERFORMANCE_HINT": "THROUGHPUT"})
        )
    return drawn


def source(name: str, options: dict[str, Any]) -> str:
    """Python text that defines ``compile_model``, from a serialised model to a function of named arrays, and
    ``versions``."""
    imports = ["import openvino"] if options.get("saved") != "model" else ["import openvino", "import tempfile"]
    lines = [*imports, "", "", "def versions():", '    return "openvino", openvino.__version__', "", ""]
    lines += ["def compile_model(model):", "    core = openvino.Core()"]
    read = "openvino.convert_model(io.BytesIO(model))" if options.get("converted") else 'core.read_model(model, b"")'
    lines.append(f"    network = {read}")
    if options.get("saved") == "model":
        lines.append('    path = tempfile.mkdtemp() + "/saved.xml"')
        lines.append("    openvino.save_model(network, path, compress_to_fp16=False)")
        lines.append("    network = core.read_model(path)")
    lines.append(f"    settings = {SETTINGS | options.get('settings', {})}")
    lines.append('    compiled = core.compile_model(network, "CPU", settings)')
    if options.get("saved") == "compiled":
        lines.append('    compiled = core.import_model(compiled.export_model(), "CPU", settings)')
    return "\n".join([*lines, *(RAW_RUN if options.get("raw") else RUN)])


RUN = """    request = compiled.create_infer_request()

    def run(feeds):
        for entry in compiled.inputs:
            names = entry.get_names() & feeds.keys()
            if not names:
                raise LookupError(f"an input of the model is called {entry.get_names()} once it is compiled")
            (name,) = names
            request.set_tensor(entry, openvino.Tensor(np.ascontiguousarray(feeds[name]).reshape(feeds[name].shape)))
        request.infer()
        return [request.get_output_tensor(k).data.copy() for k in range(len(compiled.outputs))]

    return run""".splitlines()
RAW_RUN = """    request = compiled.create_infer_request()

    def tensor(value):
        raw = np.ascontiguousarray(value).reshape(value.shape)
        if str(value.dtype) == "bfloat16":
            return openvino.Tensor(raw.view("uint16"), raw.shape, openvino.Type.bf16)
        return openvino.Tensor(raw)

    def array(found):
        if found.element_type == openvino.Type.bf16:
            return np.frombuffer(np.array(found.data).tobytes(), "bfloat16").reshape(tuple(found.shape))
        return found.data.copy()

    def run(feeds):
        for entry in compiled.inputs:
            names = entry.get_names() & feeds.keys()
            if not names:
                raise LookupError(f"an input of the model is called {entry.get_names()} once it is compiled")
            (name,) = names
            request.set_tensor(entry, tensor(feeds[name]))
        request.infer()
        return [array(request.get_output_tensor(k)) for k in range(len(compiled.outputs))]

    return run""".splitlines()


def prepare(name: str) -> dict[str, Any]:
    """Import OpenVINO, and ask its importer for each operator whether it has a rule for it. Nothing is compiled: that
    starts threads, and a fork must not find any."""
    import openvino
    from assay_worker import onnx_probe, onnx_reference  # type: ignore[import-not-found, unused-ignore]

    core = openvino.Core()

    def known(model: Any) -> bool:
        try:
            core.read_model(model.SerializeToString(), b"")
        except RuntimeError as error:
            # The importer names those that it has no rule for before it looks at anything else.
            return "No conversion rule found" not in str(error)
        return True

    said = {"version": openvino.__version__, "reference": onnx_reference.prepare()}
    kernels = [[operator, 1, 1 << 31, None, None] for operator in onnx_probe.known_operators(known)]
    return {**said, "kernels": kernels, "reference_kernels": onnx_reference.kernels()}


def reference(model: bytes, name: str, options: dict[str, Any]) -> Callable[[dict[str, Any]], list[Any]]:
    """The model on ONNX Runtime, every optimisation disabled."""
    from assay_worker import onnx_reference  # type: ignore[import-not-found, unused-ignore]

    made: Callable[[dict[str, Any]], list[Any]] = onnx_reference.unoptimised(model)
    return made


def compile(model: bytes, name: str, options: dict[str, Any]) -> Callable[[dict[str, Any]], list[Any]]:
    """The model compiled for the CPU, as a function of named arrays. Raises OpenVINOGap."""
    import io

    import openvino

    settings = {**SETTINGS, **options.get("settings", {})}
    try:
        core = openvino.Core()
        network = openvino.convert_model(io.BytesIO(model)) if options.get("converted") else core.read_model(model, b"")
        if options.get("saved") == "model":
            path = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"saved-{os.getpid()}.xml")
            openvino.save_model(network, path, compress_to_fp16=False)
            network = core.read_model(path)
        compiled = core.compile_model(network, "CPU", settings)
        if options.get("saved") == "compiled":
            compiled = core.import_model(compiled.export_model(), "CPU", settings)
    except Exception as error:
        raise _declared(error) from None
    _compiled.append(compiled)
    return _runner(compiled)


def _declared(error: Exception) -> Exception:
    return OpenVINOGap(str(error)) if _GAP.search(str(error)) else error


def _runner(compiled: Any) -> Callable[[dict[str, Any]], list[Any]]:
    """A compiled model as a function of arrays. numpy has no name for bfloat16, which goes by its bits."""
    import ml_dtypes
    import numpy as np
    import openvino

    request = compiled.create_infer_request()

    def tensor(value: Any) -> Any:
        raw = np.ascontiguousarray(value).reshape(value.shape)
        if value.dtype == ml_dtypes.bfloat16:
            return openvino.Tensor(raw.view("uint16"), raw.shape, openvino.Type.bf16)
        return openvino.Tensor(raw)

    def array(number: int) -> Any:
        found = request.get_output_tensor(number)
        data = np.array(found.data)
        if found.element_type == openvino.Type.bf16:
            return np.frombuffer(data.tobytes(), ml_dtypes.bfloat16).reshape(tuple(found.shape))
        return data

    def run(feeds: dict[str, Any]) -> list[Any]:
        try:
            for entry in compiled.inputs:
                # An input that is handed through has the name of an output as well.
                names = entry.get_names() & feeds.keys()
                if not names:
                    raise LookupError(f"an input of the model is called {entry.get_names()} once it is compiled")
                (name,) = names
                request.set_tensor(entry, tensor(feeds[name]))
            request.infer()
        except Exception as error:
            raise _declared(error) from None
        return [array(number) for number in range(len(compiled.outputs))]

    return run


def engagement() -> dict[str, Any]:
    """The kinds of layers that the plugin runs, and how many of them stand for several of the model's."""
    kinds: dict[str, int] = {}
    fused = 0
    for compiled in _compiled[-1:]:
        for layer in compiled.get_runtime_model().get_ordered_ops():
            told = layer.get_rt_info()
            kind = told["layerType"].astype(str)
            if kind not in ("Input", "Output"):
                kinds[kind] = kinds.get(kind, 0) + 1
                fused += "," in told["originalLayersNames"].astype(str)
    return {"engaged": bool(kinds), "layers": kinds, "fused": fused}


def reset() -> None:
    """Forget what was compiled."""
    _compiled.clear()
