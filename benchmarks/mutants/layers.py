"""Layers of torch's Python-level compiler: which file belongs to which, how many mutants each holds, which are probed.

A witness of a layer is compiled with that layer's target: the shallowest one that passes through the layer.
"""

from __future__ import annotations

from fnmatch import fnmatch

# In order: the first layer with a matching pattern owns the file. Paths are relative to the folder that holds `torch`.
PATTERNS: dict[str, tuple[str, ...]] = {
    "decompositions": (
        "torch/_decomp/*.py",
        "torch/_refs/*.py",
        "torch/_prims_common/*.py",
        "torch/_prims/*.py",
        "torch/_inductor/decomposition.py",
    ),
    "fx-passes": (
        "torch/_inductor/fx_passes/*.py",
        "torch/fx/passes/*.py",
        "torch/_inductor/pattern_matcher.py",
        "torch/_inductor/constant_folding.py",
        "torch/_inductor/fx_utils.py",
        "torch/_inductor/freezing.py",
    ),
    "codegen": (
        "torch/_inductor/codegen/cpp*.py",
        "torch/_inductor/codegen/common.py",
        "torch/_inductor/codegen/aoti*.py",
        "torch/_inductor/bounds.py",
        "torch/_inductor/index_propagation.py",
        "torch/_inductor/loop_body.py",
        "torch/_inductor/optimize_indexing.py",
    ),
    "scheduler": (
        "torch/_inductor/scheduler.py",
        "torch/_inductor/dependencies.py",
        "torch/_inductor/memory.py",
        "torch/_inductor/sizevars.py",
        "torch/_inductor/choices.py",
        "torch/_inductor/codegen/wrapper.py",
        "torch/_inductor/codegen/memory_planning.py",
    ),
    "lowerings": (
        "torch/_inductor/lowering.py",
        "torch/_inductor/ir.py",
        "torch/_inductor/graph.py",
        "torch/_inductor/kernel/*.py",
        "torch/_inductor/mkldnn_*.py",
        "torch/_inductor/subgraph_lowering.py",
        "torch/_inductor/inductor_prims.py",
    ),
    "functorch": ("torch/_functorch/*.py",),
    "dynamo": ("torch/_dynamo/*.py",),
}

QUOTAS: dict[str, int] = {
    "dynamo": 60,
    "functorch": 55,
    "decompositions": 60,
    "fx-passes": 30,
    "lowerings": 45,
    "scheduler": 25,
    "codegen": 35,
}

TARGETS: dict[str, str] = {
    "dynamo": "eager",
    "functorch": "aot_eager",
    "decompositions": "aot_eager_decomp",
    "fx-passes": "inductor",
    "lowerings": "inductor",
    "scheduler": "inductor",
    "codegen": "inductor",
}

# Dynamo may inline functions of these files into the traced program, where the probe would break the graph.
UNPROBED = (
    "torch/_dynamo/polyfills/*.py",
    "torch/_dynamo/external_utils.py",
    "torch/_dynamo/_trace_wrapped_higher_order_op.py",
    "torch/_functorch/vmap.py",
    "torch/_functorch/apis.py",
    "torch/_functorch/eager_transforms.py",
    "torch/_functorch/autograd_function.py",
    "torch/_functorch/functional_call.py",
    "torch/_functorch/pyfunctorch.py",
    "torch/_functorch/predispatch.py",
    "torch/_functorch/_aot_autograd/subclass_parametrization.py",
)


# What only reports, times, or configures: nearly every fault there is equivalent.
REPORTING = (
    "torch/_dynamo/repro/*.py",
    "torch/_dynamo/metrics_context.py",
    "torch/_dynamo/funcname_cache.py",
    "torch/_dynamo/callback.py",
    "torch/_dynamo/exc.py",
    "torch/_dynamo/debug_utils.py",
    "torch/_dynamo/config.py",
    "torch/_dynamo/logging.py",
    "torch/_dynamo/pgo.py",
    "torch/_dynamo/package.py",
    "torch/_dynamo/profiler.py",
    "torch/_dynamo/testing.py",
    "torch/_dynamo/cache_size.py",
    "torch/_dynamo/graph_break_hints.py",
    "torch/_dynamo/precompile_context.py",
    "torch/_functorch/config.py",
    "torch/_functorch/_aot_autograd/logging_utils.py",
    "torch/_functorch/_aot_autograd/autograd_cache.py",
    "torch/fx/passes/graph_drawer.py",
    "torch/fx/passes/graph_transform_observer.py",
)


def layer_of(path: str) -> str | None:
    """The layer that owns a file (`torch/_inductor/ir.py` -> "lowerings"), None if no layer does."""
    if any(fnmatch(path, each) for each in REPORTING):
        return None
    return next((layer for layer, patterns in PATTERNS.items() if any(fnmatch(path, each) for each in patterns)), None)


def probed(path: str) -> bool:
    """Whether the hook may note that a fault in this file was reached."""
    return not any(fnmatch(path, each) for each in UNPROBED)
