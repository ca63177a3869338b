"""Executes a case that builds an ONNX model: without optimisation as the reference, then on the target.

The model is built once per execution by the case's own text. A backend module compiles serialised models into
functions of named arrays; `reference` of the module, where it has one, says what it is held against.
"""

from __future__ import annotations

import gc
import linecache
import os
import sys
import types
import warnings
from collections.abc import Callable
from time import process_time
from typing import Any

from . import records
from .limits import children
from .records import Call, exception_record, same_records, ship, shown, type_name
from .stage import StageBoard

MODULE = "assay_case"
FILE = "assay_case.py"

modules: dict[str, Any] = {}
_baseline: tuple[Any, ...] = ()

Arrays = dict[str, Any]
Compiled = Callable[[Arrays], "list[Any]"]


def start(folder: str) -> dict[str, Any]:
    """Import onnx. Raises ImportError."""
    warnings.simplefilter("ignore")
    import ml_dtypes  # noqa: F401 -- numpy then knows bfloat16 and float8
    import onnx

    return {"version": onnx.__version__, "options": {"threads": 1}}


def settle() -> None:
    """Freeze what the warm-up left, once, before any fork."""
    gc.collect()
    gc.freeze()


def in_child(folder: str) -> None:
    """Note what the cases of a new child must not change."""
    global _baseline
    _baseline = _global_state()


def execute(request: dict[str, Any], board: StageBoard) -> tuple[dict[str, Any], list[bytes]]:
    """Run one case; the header and the buffers of its outcome frame."""
    board.set("load")
    begun = process_time()
    backend = modules[request["target"]]
    name, options = request["target"], request.get("options", {})
    evidence = request.get("evidence", [])
    text = request["text"]
    linecache.cache[FILE] = (len(text), None, text.splitlines(True), FILE)
    run = _Run(request)
    try:
        board.set("reference")
        before = process_time()
        reference = run.execute(lambda model: backend.reference(model, name, options))
        reference_cpu = process_time() - before
        target, engagement = None, {}
        if run.loaded:
            board.set("target")
            target = run.execute(lambda model: backend.compile(model, name, options))
            engagement = dict(backend.engagement())
        target_cpu = run.measured
        again = None
        asked = "eager_again" in evidence
        if run.loaded and (asked or not same_records(reference, target)):
            again = run.execute(lambda model: backend.reference(model, name, options))
        board.set("compare")
        buffers = ship(reference, target, again if asked else None, "values" in evidence)
    finally:
        linecache.cache.pop(FILE, None)
        sys.modules.pop(MODULE, None)
        backend.reset()
    header = {
        "op": "outcome",
        "id": request["id"],
        "ended": "memory" if run.exhausted else "completed",
        "stage": "compare",
        "reference": [call.json for call in reference],
        "target": None if target is None else [call.json for call in target],
        "again": None if again is None else [call.json for call in again],
        "engagement": engagement,
        "retire": _global_state() != _baseline,
    }
    header["cpu"] = {"reference": reference_cpu, "sut": target_cpu, "total": process_time() - begun}
    return header, buffers


class _Run:
    """The executions of one case, and what they have in common."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.request = request
        self.code: types.CodeType | None = None
        self.loaded = False
        self.exhausted = False
        self.measured = 0.0
        self.model: bytes | None = None
        self.outputs: list[str] = []

    def execute(self, prepare: Callable[[bytes], Compiled]) -> list[Call]:
        """One execution of all the calls. ``measured`` is the CPU of preparing the model and calling it, without that
        of processes that a compiler starts."""
        self.measured = 0.0
        calls: list[Call] = []
        try:
            if self.code is None:
                self.code = compile(self.request["text"], FILE, "exec", dont_inherit=True)
            module = types.ModuleType(MODULE)
            module.__file__ = FILE
            sys.modules[MODULE] = module
            exec(self.code, module.__dict__)
            if self.model is None:
                self.model = module.model().SerializeToString()
        except BaseException as error:
            return [self._failed(error, "load")]
        function: Compiled | None = None
        for number in range(int(self.request["calls"])):
            try:
                feeds = module.inputs(number)
            except BaseException as error:
                calls.append(self._failed(error, "inputs"))
                break
            self.loaded = True
            outputs, failure = None, None
            began = process_time()
            try:
                if function is None:
                    function = prepare(self.model)
                outputs = function(feeds)
            except BaseException as error:
                failure = error
            self.measured += process_time() - began
            call = Call("ok", "forward") if failure is None else self._failed(failure, "forward")
            call.json["arguments"] = [_tree(call, value, f"arguments/{k}") for k, value in enumerate(feeds.values())]
            if outputs is not None:
                items = [_tree(call, value, f"outputs/{k}") for k, value in enumerate(outputs)]
                call.json["outputs"] = ["c", "tuple", None, items]
            calls.append(call)
            if failure is not None:
                break
        return calls

    def _failed(self, error: BaseException, stage: str) -> Call:
        call = Call("exception", stage)
        call.json["exception"] = record = exception_record(error)
        self.exhausted = self.exhausted or bool(record["exhausted"])
        error.__traceback__ = None
        return call


def _tree(call: Call, value: Any, place: str) -> list[Any]:
    """A value's record. Arrays that a system hands out are its own: aliasing and strides mean nothing."""
    import numpy as np

    if not isinstance(value, np.ndarray):
        return ["v", type_name(type(value)), shown(value)]
    shape = [int(size) for size in value.shape]
    dtype = str(value.dtype)
    stride, step = [0] * len(shape), 1
    for dim in range(len(shape) - 1, -1, -1):
        stride[dim] = step
        step *= shape[dim]
    data = np.ascontiguousarray(value).tobytes()
    number = len(call.tensors)
    record = ["t", dtype, shape, stride, number, 0, number, False, records.digest(dtype, shape, data), None, "strided"]
    call.tensors[place] = (record, data)
    return record


def _global_state() -> tuple[Any, ...]:
    """What a case must leave as it was. A child in which it differs afterwards is retired."""
    import threading

    return (threading.active_count(), os.getcwd(), len(sys.path), len(os.listdir("/proc/self/fd")), len(children()))
