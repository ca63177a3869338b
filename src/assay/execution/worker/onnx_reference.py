"""ONNX Runtime with every optimisation disabled: what other consumers of ONNX models are held against."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Compiled = Callable[["dict[str, Any]"], "list[Any]"]


class ReferenceGap(Exception):
    """The runtime has no kernel for a model."""


def unoptimised(model: bytes) -> Compiled:
    """The model as a function of named arrays. Raises ReferenceGap, when it is called too, or what else the runtime
    raises."""
    import onnxruntime as ort

    settings = ort.SessionOptions()
    settings.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    try:
        session = ort.InferenceSession(model, settings, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise _declared(error) from None
    run = runner(session)

    def call(feeds: dict[str, Any]) -> list[Any]:
        try:
            return run(feeds)
        except Exception as error:
            raise _declared(error) from None

    return call


def _declared(error: Exception) -> Exception:
    """Some kernels refuse a dtype only when they run."""
    gap = type(error).__name__ == "NotImplemented" or "data type is not supported" in str(error)
    return ReferenceGap(str(error)) if gap else error


def runner(session: Any) -> Compiled:
    """A session as a function of arrays. numpy has no name for some element types; those go by their bits."""
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


def prepare() -> str:
    """Load the runtime, so that a child need not; its version. Raises ImportError, which says what to install."""
    try:
        import onnxruntime as ort
    except ImportError as error:
        raise ImportError(f"the reference is missing (pip install onnxruntime): {error}") from None
    ort.set_default_logger_severity(4)
    # A fork must not find threads: sessions have one, and telemetry none.
    if hasattr(ort, "disable_telemetry_events"):
        ort.disable_telemetry_events()
    return str(ort.__version__)


TAKEN_APART = ["float32", "float16", "int32", "int64", "bool"]
_NAMES = {"float": "float32", "double": "float64"}


def kernels() -> list[list[Any]]:
    """What the runtime has kernels for: operator, first and last version, and per input and per output the dtypes that
    it takes (None: any). What is float16 may be computed in float32, between casts that the runtime inserts. An
    operator without a kernel that is defined by others is taken apart, and what those are has kernels for the commonest
    dtypes."""
    import onnx
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    schemas: dict[str, list[Any]] = {}
    for schema in state.get_all_operator_schema():
        if schema.domain == "":
            schemas.setdefault(schema.name, []).append(schema)
    found: list[list[Any]] = []
    for kernel in state.get_all_opkernel_def():
        if kernel.domain or kernel.provider != "CPUExecutionProvider":
            continue
        first, last = kernel.version_range
        known = [each for each in schemas.get(kernel.op_name, ()) if each.since_version <= first]
        if known:
            schema = max(known, key=lambda each: each.since_version)
            sides = [[_dtypes(each.typeStr, kernel) for each in side] for side in (schema.inputs, schema.outputs)]
            found.append([kernel.op_name, first, last, *sides])
    own = {name for name, *_ in found}
    for name, versions in schemas.items():
        for schema in versions if name not in own else ():
            try:
                defined = onnx.defs.get_schema(name, schema.since_version)
            except onnx.defs.SchemaError:
                continue
            if defined.has_function or defined.has_context_dependent_function:
                allowed = [TAKEN_APART] * max(1, len(schema.inputs))
                found.append([name, schema.since_version, 1 << 31, allowed, None])
    return found


def _dtypes(letter: str, kernel: Any) -> list[str] | None:
    allowed = kernel.type_constraints.get(letter)
    if allowed is None:
        return None
    # Of sequences, what they are of: a kernel that takes one apart takes a "seq(tensor(float))".
    plain = [name.removeprefix("seq(").removeprefix("tensor(").rstrip(")") for name in allowed]
    named = [_NAMES.get(name, name) for name in plain]
    return [*named, "float16"] if "float32" in named and "float16" not in named else named
