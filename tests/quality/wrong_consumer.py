"""A consumer of ONNX models that is wrong: the floating outputs come back doubled. ``ASSAY_TEST_FAULT=off`` takes the
fault away."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import Any

NAMES = ("wrong_consumer",)
PREFIX = None
FRAMEWORK = "onnx"
RUNG = 4
DEAR = False
PROMISES = ()
UNSUPPORTED = ("onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented",)


def options(draw: random.Random, training: bool) -> dict[str, Any]:
    return {}


def source(name: str, options: dict[str, Any]) -> str:
    return """import os
import onnxruntime


def versions():
    return "onnxruntime", onnxruntime.__version__


def reference(model):
    made = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return lambda feeds: made.run(None, feeds)


def compile_model(model):
    factor = 1 if os.environ.get("ASSAY_TEST_FAULT") == "off" else 2
    run = reference(model)
    return lambda feeds: [np.asarray(factor * each) if each.dtype.kind == "f" else each for each in run(feeds)]"""


def prepare(name: str) -> dict[str, Any]:
    import onnxruntime

    return {"version": onnxruntime.__version__}


def reference(model: bytes, name: str, options: dict[str, Any]) -> Callable[[dict[str, Any]], list[Any]]:
    import onnxruntime as ort

    settings = ort.SessionOptions()
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    settings.log_severity_level = 4
    session = ort.InferenceSession(model, settings, providers=["CPUExecutionProvider"])
    taken = {each.name for each in session.get_inputs()}
    return lambda feeds: list(session.run(None, {name: feeds[name] for name in feeds if name in taken}))


def compile(model: bytes, name: str, options: dict[str, Any]) -> Callable[[dict[str, Any]], list[Any]]:
    import numpy as np

    run = reference(model, name, options)
    factor = 1 if os.environ.get("ASSAY_TEST_FAULT") == "off" else 2
    return lambda feeds: [np.asarray(factor * each) if each.dtype.kind == "f" else each for each in run(feeds)]


def engagement() -> dict[str, Any]:
    return {"engaged": True}


def reset() -> None:
    pass
