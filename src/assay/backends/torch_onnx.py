"""torch's exporter to ONNX: the exported model on ONNX Runtime without optimisation, against eager torch."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Any

NAMES = ("torch.onnx",)
PREFIX = None
FRAMEWORK = "torch"
PACKAGES = ("torch", "onnxscript", "onnxruntime")
RUNG = 4
DEAR = False
GRAPH_ONLY = True
PROMISES = ()
UNSUPPORTED = ("ExporterGap", "ReferenceGap")
OPSETS = (18, 19, 20, 21, 22, 23)

# What the exporter of torch 2.13 has no function for ("No ONNX function found"), and bfloat16, which most operators of
# ONNX do not take before opset 22 and for which ONNX Runtime has few kernels: the model is then invalid or not run.
REFUSES = (
    "bfloat16",
    "binary.copysign",
    "binary.fmax",
    "binary.fmin",
    "binary.gcd",
    "binary.hypot",
    "cast.bfloat16",
    "pool.adaptive_max_pool*",
    "reduce.kthvalue",
    "reduce.median",
    "scan.cummax",
    "scan.cummin",
    "scan.cumprod",
    "smooth.lgamma",
    "sort.argsort",
    "sort.sort",
    "sort.stable_sort",
    "unary.signbit",
)

# What torch.export and the exporter say where they do not support a program; the rest is a failure of theirs.
_GAPS = ("DispatchError", "UnsupportedOperatorError", "Unsupported", "UserError", "GuardOnDataDependentSymNode")
_SAID = re.compile(r"[Nn]ot (?:yet |currently )?(?:supported|implemented)|[Oo]nly .{1,60} (?:is|are) supported")

_exported: list[int] = []


class ExporterGap(Exception):
    """What the exporter says that it does not support."""


def options(draw: random.Random, training: bool) -> dict[str, Any]:
    """Sizes as symbols or not, an opset, and whether the exported graph is optimised."""
    drawn: dict[str, Any] = {"dynamic": draw.choice((None, True))}
    if draw.random() < 0.3:
        drawn["opset_version"] = draw.choice(OPSETS)
    if draw.random() < 0.25:
        drawn["optimize"] = False
    return drawn


def source(name: str, options: dict[str, Any]) -> str:
    """Python text that defines ``compile_program(program)``: exported at each call, run by ONNX Runtime."""
    arguments = "".join(f", {key}={value!r}" for key, value in _settings(options).items())
    if options.get("dynamic"):
        arguments += ", dynamic_shapes=(tuple(map(sizes, given)),)"
    return SOURCE.replace("SETTINGS", arguments)


SOURCE = """import torch
from onnxruntime import GraphOptimizationLevel, InferenceSession, OrtValue, SessionOptions


class Exported(torch.nn.Module):
    def __init__(self, program, model):
        super().__init__()
        self.program, self.model = program, model

    def forward(self, *given):
        return self.program(*([] if self.model is None else [self.model]), *given)


def sizes(leaf):
    return {d: torch.export.Dim.AUTO for d in range(leaf.dim())} if isinstance(leaf, torch.Tensor) else None


def export(module, given):
    \"\"\"The program as a model. Raises what the exporter's report wraps, the first of what was raised.\"\"\"
    try:
        return torch.onnx.export(module, given, dynamo=True, verbose=FalseSETTINGS)
    except torch.onnx.errors.OnnxExporterError as error:
        first = error
        while isinstance(first, torch.onnx.errors.OnnxExporterError) and (first.__cause__ or first.__context__):
            first = first.__cause__ or first.__context__
        raise first from None


class Model:
    \"\"\"An exported program on ONNX Runtime, every optimisation disabled.\"\"\"

    def __init__(self, program, model, given):
        module = Exported(program, model).eval()
        exported = export(module, given)
        options = SessionOptions()
        options.graph_optimization_level = GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = 1
        self.session = InferenceSession(exported.model_proto.SerializeToString(), options)
        self.given, self.entries = given, list(exported.model_proto.graph.input)

    def fits(self, given):
        \"\"\"Whether the sizes that the export has fixed, and what is no tensor, are the same.\"\"\"
        entries = iter(self.entries)
        for before, leaf in zip(self.given, given, strict=True):
            if isinstance(leaf, torch.Tensor):
                dims = next(entries).type.tensor_type.shape.dim
                if any(dim.HasField("dim_value") and dim.dim_value != size for dim, size in zip(dims, leaf.shape)):
                    return False
            elif before != leaf:
                return False
        return True

    def __call__(self, given):
        tensors = [leaf.detach().contiguous() for leaf in given if isinstance(leaf, torch.Tensor)]
        taken = {each.name for each in self.session.get_inputs()}
        feeds = {e.name: OrtValue.from_dlpack(t) for e, t in zip(self.entries, tensors) if e.name in taken}
        return tuple(torch.from_dlpack(value) for value in self.session.run_with_ort_values(None, feeds))


def compile_program(program):
    models = []

    def call(*arguments):
        state = bool(arguments) and isinstance(arguments[0], torch.nn.Module)
        model, given = (arguments[0], arguments[1:]) if state else (None, arguments)
        fitting = [each for each in models if each.fits(given)]
        if not fitting:
            fitting = [Model(program, model, given)]
            models.append(fitting[0])
        return fitting[0](given)

    return call
"""


def _settings(options: dict[str, Any]) -> dict[str, Any]:
    return {key: options[key] for key in ("opset_version", "optimize") if key in options}


def prepare(name: str) -> dict[str, Any]:
    """Import the exporter and export a trivial program."""
    import logging
    import warnings

    import onnxscript
    import torch
    from assay_worker import onnx_reference  # type: ignore[import-not-found, unused-ignore]

    # Its reports go to the log; what it finds wrong is raised as well.
    for each in ("torch.onnx", "onnxscript", "onnx_ir"):
        logging.getLogger(each).setLevel(logging.CRITICAL)
    warnings.simplefilter("ignore")
    said = {"version": torch.__version__, "onnxscript": onnxscript.__version__, "reference": onnx_reference.prepare()}
    compile(lambda x: (torch.relu(x) * 2 + x.sum(),), name, {})(torch.ones(2, 3))
    reset()
    return said


def compile(program: Callable[..., Any], name: str, options: dict[str, Any]) -> Callable[..., Any]:
    """The program as a function that exports at its first call, and again where what is not a tensor, or a size that
    the model has fixed, is another."""
    known: dict[Any, Callable[..., Any]] = {}

    def call(*arguments: Any) -> Any:
        import torch

        state = bool(arguments) and isinstance(arguments[0], torch.nn.Module)
        model, given = (arguments[0], arguments[1:]) if state else (None, arguments)
        sizes = [tuple(leaf.shape) if isinstance(leaf, torch.Tensor) else leaf for leaf in given]
        for fixed, run in known.items():
            if len(fixed) == len(sizes) and all(map(_fits, fixed, sizes)):
                return run(given)
        fixed, run = _export(program, model, given, options)
        known[fixed] = run
        return run(given)

    return call


def _fits(fixed: Any, given: Any) -> bool:
    if not isinstance(fixed, tuple):
        return bool(type(fixed) is type(given) and fixed == given)
    return len(fixed) == len(given) and all(a in (None, b) for a, b in zip(fixed, given))  # noqa: B905 -- Python 3.9


def _export(program: Any, model: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, Any]:
    """The sizes and numbers that an exported model has fixed, and the model as a function. Raises ExporterGap,
    ReferenceGap, or what the exporter raised in the first place."""
    import torch
    from assay_worker import onnx_reference  # type: ignore[import-not-found, unused-ignore]

    class Exported(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *given: Any) -> Any:
            return program(*([] if model is None else [self.model]), *given)

    settings = _settings(options)
    if options.get("dynamic"):
        settings["dynamic_shapes"] = (tuple(map(_sizes, arguments)),)
    try:
        exported = torch.onnx.export(Exported().eval(), arguments, dynamo=True, verbose=False, **settings)
        assert exported is not None
        proto = exported.model_proto
    except Exception as error:
        raise _cause(error) from None
    _exported.append(len(proto.graph.node))
    run = onnx_reference.unoptimised(proto.SerializeToString())
    tensors = [n for n, leaf in enumerate(arguments) if isinstance(leaf, torch.Tensor)]
    entries = list(proto.graph.input)
    fixed: list[Any] = [None if isinstance(leaf, torch.Tensor) else leaf for leaf in arguments]
    for number, entry in zip(tensors, entries):  # noqa: B905 -- Python 3.9
        dims = entry.type.tensor_type.shape.dim
        fixed[number] = tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in dims)

    def call(given: tuple[Any, ...]) -> Any:
        feeds = {entry.name: _array(given[number]) for number, entry in zip(tensors, entries)}  # noqa: B905
        return tuple(map(_tensor, run(feeds)))

    return tuple(fixed), call


def _sizes(leaf: Any) -> Any:
    import torch

    return dict.fromkeys(range(leaf.dim()), torch.export.Dim.AUTO) if isinstance(leaf, torch.Tensor) else None


def _cause(error: BaseException) -> BaseException:
    """What the exporter's report wraps: a gap, or the first of what was raised."""
    import torch

    first = error
    while isinstance(first, torch.onnx.errors.OnnxExporterError) and type(first).__name__ not in _GAPS:
        inner = first.__cause__ or first.__context__
        if inner is None:
            break
        first = inner
    if any(each.__name__ in _GAPS for each in type(first).__mro__) or _SAID.search(str(first)):
        return ExporterGap(f"{type(first).__name__}: {first}")
    return first


def _array(tensor: Any) -> Any:
    import ml_dtypes
    import torch

    tensor = tensor.detach().contiguous()
    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.uint16).numpy().view(ml_dtypes.bfloat16)
    return tensor.numpy()


def _tensor(array: Any) -> Any:
    import numpy as np
    import torch

    if str(array.dtype) == "bfloat16":
        return torch.from_numpy(np.ascontiguousarray(array).view("uint16").copy()).view(torch.bfloat16)
    return torch.from_numpy(np.array(array))


def engagement() -> dict[str, Any]:
    """How many models were exported since the last reset, and the nodes of the last."""
    return {"engaged": bool(_exported), "exports": len(_exported), "nodes": _exported[-1:]}


def reset() -> None:
    """Forget what was exported."""
    import torch

    _exported.clear()
    torch._dynamo.reset()
