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
PACKAGES = ("onnxruntime", "onnx")
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
    "Pad_Fusion",
    "MatMul_BatchNormalization_Fusion",
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
REFERENCE_OPTIONS = {"level": "disabled"}

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
        return dict(REFERENCE_OPTIONS)
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
    judged = {key: value for key, value in options.items() if key != "raw"}
    by_onnx = judged == REFERENCE_OPTIONS
    return "\n".join(
        [
            "import onnx",
            "import onnxruntime",
            *(["from onnx.reference import ReferenceEvaluator"] if by_onnx else []),
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
            *(BY_ONNX if by_onnx else UNOPTIMISED),
            "",
            "",
            "def compile_model(model):",
            f"    return session(model, {_arguments(options)})",
        ]
    )


UNOPTIMISED = [
    "def reference(model):",
    '    return session(model, "ORT_DISABLE_ALL")',
]
BY_ONNX = [
    "def reference(model):",
    '    """ONNX\'s own implementation of its operators."""',
    "    evaluator = ReferenceEvaluator(model)",
    "    return lambda feeds: evaluator.run(None, feeds)",
]
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
    from assay_worker import onnx_reference  # type: ignore[import-not-found, unused-ignore]
    from onnx import TensorProto, helper

    version = onnx_reference.prepare()
    info = [helper.make_tensor_value_info(each, TensorProto.FLOAT, [2]) for each in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", info[:1], info[1:])
    model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 21)])
    import numpy as np

    # The reference implementation loads its operators when it is first used.
    for level in ("all", "disabled"):
        for make in (compile, reference):
            make(model.SerializeToString(), name, {"level": level})({"x": np.ones(2, "float32")})
    return {"version": version, "onnx": onnx.__version__, "kernels": onnx_reference.kernels()}


def reference(model: bytes, name: str, options: dict[str, Any]) -> Callable[[dict[str, Any]], list[Any]]:
    """The model with every optimisation disabled; of a case that is about this, the model in onnx's own reference
    implementation."""
    if options.get("level") == "disabled":
        return _by_reference(model)
    from assay_worker import onnx_reference  # type: ignore[import-not-found, unused-ignore]

    unoptimised: Callable[[dict[str, Any]], list[Any]] = onnx_reference.unoptimised(model)
    return unoptimised


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
    wrong = sorted({node.op_type for node in _nodes(graph) if _reference_is_wrong(node)})

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
    convolution as one, and the greatest element of the whole batch for a global pool; a loop that is given no condition
    it does not run."""
    if node.op_type == "Loop" and not node.input[1]:
        return True
    groups = next((each.i for each in node.attribute if each.name == "group"), 1)
    return node.op_type == "GlobalMaxPool" or (node.op_type == "ConvTranspose" and groups > 1)


def _nodes(graph: Any) -> Any:
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _nodes(attribute.g)


def compile(model: bytes, name: str, options: dict[str, Any]) -> Callable[[dict[str, Any]], list[Any]]:
    """The model, optimised as the options say. What the optimisers changed is kept for `engagement`."""
    import onnx
    from assay_worker import onnx_reference  # type: ignore[import-not-found, unused-ignore]

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
    compiled: Callable[[dict[str, Any]], list[Any]] = onnx_reference.runner(session)
    return compiled


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


def _operators(graph: Any) -> Counter[str]:
    return Counter(f"{node.domain}.{node.op_type}".lstrip(".") for node in _nodes(graph))
