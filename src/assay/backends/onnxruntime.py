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
UNSUPPORTED = ("onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented", "ReferenceGap")
LEVELS = ("basic", "extended", "layout", "all")
LEVEL_NAMES = {
    "disabled": "ORT_DISABLE_ALL",
    "basic": "ORT_ENABLE_BASIC",
    "extended": "ORT_ENABLE_EXTENDED",
    "layout": "ORT_ENABLE_LAYOUT",
    "all": "ORT_ENABLE_ALL",
}

# The runtime's verbose log names those that run on every graph; the rest are rewriting rules, by the strings of 1.31.
OPTIMISERS = (
    "ConstantFolding",
    "ConstantSharing",
    "CommonSubexpressionElimination",
    "EliminateIdentity",
    "EliminateSlice",
    "EliminateDropout",
    "ExpandElimination",
    "CastElimination",
    "UnsqueezeElimination",
    "NoopElimination",
    "PreShapeNodeElimination",
    "DivMulFusion",
    "NotWhereFusion",
    "FuseReluClip",
    "GemmSumFusion",
    "GemmTransposeFusion",
    "ConvAddFusion",
    "ConvMulFusion",
    "ConvBNFusion",
    "PadFusion",
    "MatmulBNFusion",
    "MatMulAddFusion",
    "MatmulTransposeFusion",
    "MatMulScaleFusion",
    "MatMulActivationFusion",
    "GemmActivationFusion",
    "ConvActivationFusion",
    "ConvAddActivationFusion",
    "ReshapeFusion",
    "GatherToSliceFusion",
    "GatherSliceToSplitFusion",
    "SliceConcatToSpaceToDepthFusion",
    "ConcatSliceElimination",
    "IsInfReduceSumFusion",
    "GeluFusionL1",
    "GeluFusionL2",
    "FastGeluFusion",
    "QuickGeluFusion",
    "BiasGeluFusion",
    "BiasSoftmaxFusion",
    "BiasDropoutFusion",
    "LayerNormFusionL1",
    "LayerNormFusionL2",
    "SimplifiedLayerNormFusion",
    "SkipLayerNormFusion",
    "BiasSkipLayerNormFusion",
    "EmbedLayerNormFusion",
    "AttentionFusion",
    "GroupQueryAttentionFusion",
    "RemoveDuplicateCastTransformer",
    "FuseFp16InitializerToFp32NodeTransformer",
    "TransposeOptimizer",
    "TransposeOptimizer_CPUExecutionProvider",
    "NchwcTransformer",
    "NhwcTransformer",
)

# Cases of the unoptimised runtime against the reference implementation of ONNX.
REFERENCE_SHARE = 0.06

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


def options(draw: random.Random, training: bool) -> dict[str, Any]:
    """The level, now and then without some optimisers, and settings of the session."""
    if draw.random() < REFERENCE_SHARE:
        return {"level": "disabled"}
    drawn: dict[str, Any] = {"level": draw.choices(LEVELS, (15, 15, 10, 60))[0]}
    if draw.random() < 0.15:
        drawn["without"] = sorted(draw.sample(LEAVES_OUT, draw.randint(1, 3)))
    if draw.random() < 0.1:
        drawn["memory_pattern"] = False
    return drawn


def parts(options: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Every optimiser, with the options that leave it out beside those that are left out already."""
    left_out = list(options.get("without", []))
    if options.get("level") == "disabled":
        return []
    return [(each, {**options, "without": [*left_out, each]}) for each in OPTIMISERS if each not in left_out]


def source(name: str, options: dict[str, Any]) -> str:
    """Python text that defines ``reference`` and ``compile_model``, each from a serialised model to a function of named
    arrays, and ``versions``."""
    return "\n".join(
        [
            "import onnx",
            "import onnxruntime",
            "",
            "",
            "def versions():",
            '    return "onnxruntime", onnxruntime.__version__, "onnx", onnx.__version__',
            "",
            "",
            "def session(model, level, without=(), memory_pattern=True):",
            "    options = onnxruntime.SessionOptions()",
            "    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)",
            "    options.intra_op_num_threads = 1",
            "    options.enable_mem_pattern = memory_pattern",
            "    options.log_severity_level = 4",
            '    providers = ["CPUExecutionProvider"]',
            "    made = onnxruntime.InferenceSession(model, options, providers, disabled_optimizers=without)",
            *(RAW_RUN if options.get("raw") else RUN),
            "",
            "",
            "def reference(model):",
            '    return session(model, "ORT_DISABLE_ALL")',
            "",
            "",
            "def compile_model(model):",
            f"    return session(model, {_arguments(options)})",
        ]
    )


RUN = [
    "    taken = {each.name for each in made.get_inputs()}",
    "    return lambda feeds: made.run(None, {name: feeds[name] for name in feeds if name in taken})",
]
RAW_RUN = """    taken = {each.name for each in made.get_inputs()}
    return lambda feeds: run(made, {name: feeds[name] for name in feeds if name in taken})


def run(made, feeds):
    \"\"\"onnxruntime knows bfloat16, numpy does not: it goes by its bits.\"\"\"
    value_of = onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type
    types = {"bfloat16": TensorProto.BFLOAT16}
    given = {}
    for name, array in feeds.items():
        raw = array.view("uint16") if str(array.dtype) == "bfloat16" else array
        given[name] = value_of(raw, types.get(str(array.dtype)) or helper.np_dtype_to_tensor_dtype(array.dtype))
    found = []
    for value in made.run_with_ort_values(None, given):
        if value.data_type() == "tensor(bfloat16)":
            data = ctypes.string_at(value.data_ptr(), value.tensor_size_in_bytes()) if 0 not in value.shape() else b""
            found.append(np.frombuffer(data, "bfloat16").reshape(value.shape()))
        else:
            found.append(value.numpy())
    return found""".splitlines()


def _arguments(options: dict[str, Any]) -> str:
    texts = [f'"{LEVEL_NAMES[options.get("level", "all")]}"']
    if options.get("without"):
        texts.append(f"without={options['without']!r}")
    if options.get("memory_pattern") is False:
        texts.append("memory_pattern=False")
    return ", ".join(texts)


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
    return {"version": ort.__version__, "onnx": onnx.__version__, "kernels": _kernels()}


TAKEN_APART = ["float32", "int32", "int64", "bool"]
_NAMES = {"float": "float32", "double": "float64"}


def _kernels() -> list[list[Any]]:
    """What the runtime has kernels for: operator, first and last version, and per input and per output the dtypes that
    it takes (None: any). An operator without a kernel that is defined by others is taken apart, and what those are has
    kernels for the commonest dtypes."""
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
    plain = [name[7:-1] for name in allowed if name.startswith("tensor(")]
    return [_NAMES.get(name, name) for name in plain]


def reference(model: bytes, name: str, options: dict[str, Any]) -> Callable[[dict[str, Any]], list[Any]]:
    """The model with every optimisation disabled; of a case that is about this, the model in onnx's own reference
    implementation."""
    if options.get("level") == "disabled":
        return _by_reference(model)
    return _runner(_session(model, {"level": "disabled"}, ""))


class ReferenceGap(Exception):
    """The reference implementation of ONNX does not run a model."""


def _by_reference(model: bytes) -> Callable[[dict[str, Any]], list[Any]]:
    """The model in the reference implementation. Where that gives another shape than the model declares, it is the one
    that is wrong."""
    import numpy as np
    import onnx
    from onnx.reference import ReferenceEvaluator

    graph = onnx.ModelProto.FromString(model).graph
    declared = [each.type.tensor_type.shape.dim for each in graph.output]
    wrong = sorted({node.op_type for node in graph.node if _reference_is_wrong(node)})

    def run(feeds: dict[str, Any]) -> list[Any]:
        if wrong:
            raise ReferenceGap(f"it is known to compute {', '.join(wrong)} wrong")
        try:
            with np.errstate(all="ignore"):
                evaluator = ReferenceEvaluator(model)
                given = {name: value for name, value in feeds.items() if name in evaluator.input_names}
                found = [np.asarray(each) for each in evaluator.run(None, given)]
        except Exception as error:
            raise ReferenceGap(f"{type(error).__name__}: {error}") from None
        for dims, value in zip(declared, found):  # noqa: B905 -- Python 3.9
            sizes = [dim.dim_value if dim.HasField("dim_value") else None for dim in dims]
            if len(sizes) != value.ndim or any(a not in (None, b) for a, b in zip(sizes, value.shape)):  # noqa: B905
                raise ReferenceGap(f"a result of shape {list(value.shape)} where the model has {sizes}")
        return found

    return run


def _reference_is_wrong(node: Any) -> bool:
    """Where the reference implementation of onnx 1.23 is wrong (docs/onnx.md): it computes the groups of a transposed
    convolution as one, and the greatest element of the whole batch for a global pool."""
    groups = next((each.i for each in node.attribute if each.name == "group"), 1)
    return node.op_type == "GlobalMaxPool" or (node.op_type == "ConvTranspose" and groups > 1)


def compile(model: bytes, name: str, options: dict[str, Any]) -> Callable[[dict[str, Any]], list[Any]]:
    """The model, optimised as the options say. What the optimisers changed is kept for `engagement`."""
    import onnx

    path = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"optimised-{os.getpid()}.onnx")
    session = _session(model, options, path)
    before = _operators(onnx.ModelProto.FromString(model).graph)
    with open(path, "rb") as file:
        after = _operators(onnx.ModelProto.FromString(file.read()).graph)
    os.unlink(path)
    _engaged.update(
        engaged=options["level"] == "disabled" or before != after,
        removed=dict(before - after),
        added=dict(after - before),
    )
    return _runner(session)


def engagement() -> dict[str, Any]:
    """Whether the optimisers changed the graph, and which operators came and went."""
    return dict(_engaged)


def reset() -> None:
    """Forget what was compiled."""
    _engaged.clear()


def _session(model: bytes, options: dict[str, Any], path: str) -> Any:
    import onnxruntime as ort

    settings = ort.SessionOptions()
    settings.graph_optimization_level = getattr(ort.GraphOptimizationLevel, LEVEL_NAMES[options["level"]])
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
