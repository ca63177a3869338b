"""TVM: its importer of ONNX models, Relax's passes over the graph and the code that is generated for the CPU, against
ONNX Runtime without optimisation."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable
from typing import Any

NAMES = ("tvm",)
PREFIX = None
FRAMEWORK = "onnx"
PACKAGES = ("apache-tvm", "onnx")
RUNG = 4
DEAR = False
PROMISES = ()
UNSUPPORTED = ("TVMGap", "ReferenceGap")

DIFFERS = {
    "a sum of halves": "products and sums of float16 are rounded to float16 each, where the error bounds have float32: "
    "measured, a convolution of three terms is off by what its largest product is rounded by",
    "the top none": "k below 1 asks for all elements: docstring of tvm.relax.op.topk",
}

# Passes over the graph that are not part of the default pipeline, and are made to keep what a program computes.
PASSES = (
    "AdjustMatmulOrder",
    "CanonicalizeBindings",
    "CombineParallelMatmul",
    "ConvertToDataflow",
    "DataflowUseInplaceCalls",
    "DeadCodeElimination",
    "DecomposeOpsForInference",
    "EliminateCommonSubexpr",
    "ExpandMatmulOfSum",
    "FoldConstant",
    "ReorderPermuteDimsAfterConcat",
    "ReorderTakeAfterMatmul",
    "TopologicalSort",
)

# The importer declares gaps by classes of its own and, as often, by plain ones with such a message.
_CLASSES = ("OpNotImplemented", "OpAttributeUnImplemented", "OpAttributeInvalid", "NotImplementedError")
_GAP = re.compile(
    r"not (?:yet |currently )?(?:be )?(?:supported|implemented)|[Uu]nsupported|does not (?:yet )?support"
    r"|[Oo]nly support|supported only|[Oo]nly .{1,40} (?:is |are )?(?:currently )?supported|[Mm]ust be a constant"
    r"|[Oo]nly applies to|statically known|unknown at compile time|cannot handle ShapeExpr"
    r"|Missing outputs during conversion"
)
_seen: list[str] = []


class TVMGap(Exception):
    """What TVM says that it does not support."""


def options(draw: random.Random, training: bool) -> dict[str, Any]:
    """The pipeline (what `tvm.compile` takes for a CPU does not fuse), passes before it, and how the virtual machine
    runs."""
    drawn: dict[str, Any] = {"pipeline": "cpu"} if draw.random() < 0.7 else {}
    if draw.random() < 0.3:
        drawn["passes"] = draw.sample(PASSES, draw.choice((1, 1, 2, 3)))
    if draw.random() < 0.2:
        drawn["opt_level"] = draw.choice((0, 1, 3))
    if draw.random() < 0.15:
        drawn["exec_mode"] = "compiled"
    if draw.random() < 0.15:
        drawn["parameters"] = True
    return drawn


def source(name: str, options: dict[str, Any]) -> str:
    """Python text that defines ``compile_model``, from a serialised model to a function of named arrays, and
    ``versions``."""
    lines = ["import onnx", "import tvm", "from tvm import relax", "from tvm.relax.frontend import detach_params"]
    if not options.get("parameters"):
        del lines[-1]
    lines += ["from tvm.relax.frontend.onnx import from_onnx", "", "", "def versions():"]
    lines += ['    return "tvm", tvm.__version__', "", "", "def compile_model(model):"]
    lines += ["    model = onnx.load_from_string(model)"]
    if options.get("parameters"):
        lines += ["    module, kept = detach_params(from_onnx(model, keep_params_in_input=True))"]
        lines += ['    kept = kept.get("main", [])']
    else:
        lines += ["    module, kept = from_onnx(model), []"]
    lines += [f"    module = relax.transform.{each}()(module)" for each in options.get("passes", ())]
    arguments = "".join(f", {key}={text}" for key, text in _arguments(options).items())
    lines += ['    target = tvm.target.Target("llvm")']
    compiled = f"relax.build(module, target{arguments})"
    if "opt_level" in options:
        lines += [f"    with tvm.transform.PassContext(opt_level={options['opt_level']}):"]
        lines += [f"        executable = {compiled}"]
    else:
        lines += [f"    executable = {compiled}"]
    lines += [
        "    machine = relax.VirtualMachine(executable, tvm.cpu())",
        "    names = [each.name for each in model.graph.input]",
        "",
        "    def run(feeds):",
        '        found = machine["main"](*(tvm.runtime.tensor(feeds[name]) for name in names), *kept)',
        '        return [each.numpy() for each in ([found] if hasattr(found, "numpy") else found)]',
        "",
        "    return run",
    ]
    return "\n".join(lines)


def _arguments(options: dict[str, Any]) -> dict[str, str]:
    found = {"relax_pipeline": "relax.get_default_pipeline(target)"} if options.get("pipeline") else {}
    return {**found, **({"exec_mode": repr(options["exec_mode"])} if "exec_mode" in options else {})}


def prepare(name: str) -> dict[str, Any]:
    """Import TVM, list the operators that its importer has a rule for, and compile a trivial model."""
    os.environ["TVM_NUM_THREADS"] = "1"
    import numpy as np
    import tvm
    from assay_worker import onnx_probe, onnx_reference  # type: ignore[import-not-found, unused-ignore]
    from onnx import TensorProto, helper
    from tvm.relax.frontend.onnx import from_onnx

    said = {"version": tvm.__version__, "reference": onnx_reference.prepare()}
    unknown: set[str] = set()
    try:
        from_onnx(onnx_probe.model_of(onnx_probe.operators()))
    except tvm.error.OpNotImplemented as error:
        # The importer names them before it looks at anything else.
        unknown = set(re.findall(r"\w+", str(error).rpartition(":")[2]))
    kernels = [[operator, 1, 1 << 31, None, None] for operator in onnx_probe.operators() if operator not in unknown]
    info = [helper.make_tensor_value_info(each, TensorProto.FLOAT, [2]) for each in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", info[:1], info[1:])
    model = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 21)])
    compile(model.SerializeToString(), name, {})({"x": np.ones(2, "float32")})
    reset()
    return {**said, "kernels": kernels, "reference_kernels": onnx_reference.kernels()}


def reference(model: bytes, name: str, options: dict[str, Any]) -> Callable[[dict[str, Any]], list[Any]]:
    """The model on ONNX Runtime, every optimisation disabled."""
    from assay_worker import onnx_reference  # type: ignore[import-not-found, unused-ignore]

    made: Callable[[dict[str, Any]], list[Any]] = onnx_reference.unoptimised(model)
    return made


def compile(model: bytes, name: str, options: dict[str, Any]) -> Callable[[dict[str, Any]], list[Any]]:
    """The model compiled for the CPU, as a function of named arrays. Raises TVMGap."""
    import onnx
    import tvm
    from tvm import relax
    from tvm.relax.frontend import detach_params
    from tvm.relax.frontend.onnx import from_onnx

    loaded = onnx.load_from_string(model)
    kept: list[Any] = []
    try:
        if options.get("parameters"):
            module, parameters = detach_params(from_onnx(loaded, keep_params_in_input=True))
            kept = list(parameters.get("main", []))
        else:
            module = from_onnx(loaded)
        for each in options.get("passes", ()):
            module = getattr(relax.transform, each)()(module)
        target = tvm.target.Target("llvm")
        pipeline = relax.get_default_pipeline(target) if options.get("pipeline") else "default"
        with tvm.transform.PassContext(opt_level=options.get("opt_level", 2)):
            mode = options.get("exec_mode", "bytecode")
            executable = relax.build(module, target, relax_pipeline=pipeline, exec_mode=mode)
        machine = relax.VirtualMachine(executable, tvm.cpu())
    except Exception as error:
        raise _declared(error) from None
    _seen.append(executable.stats())
    names = [each.name for each in loaded.graph.input]

    def run(feeds: dict[str, Any]) -> list[Any]:
        try:
            found = machine["main"](*(tvm.runtime.tensor(feeds[name]) for name in names), *kept)
        except Exception as error:
            raise _declared(error) from None
        return [each.numpy() for each in ([found] if hasattr(found, "numpy") else found)]

    return run


def _declared(error: Exception) -> Exception:
    named = any(each.__name__ in _CLASSES for each in type(error).__mro__)
    return TVMGap(f"{type(error).__name__}: {error}") if named or _GAP.search(str(error)) else error


def engagement() -> dict[str, Any]:
    """How many kernels were made, and how many of them of several operators."""
    names = [name for text in _seen[-1:] for name in re.findall(r"[\w.]+", text.rpartition("Globals")[2])]
    kernels = [name for name in names if not name.startswith("vm.") and not name.isdigit() and name != "main"]
    fused = sum(name.startswith("fused_") for name in kernels)
    return {"engaged": bool(_seen), "kernels": len(kernels), "fused": fused}


def reset() -> None:
    """Forget what was compiled."""
    _seen.clear()
