"""Options of the torch.compile family: what may be drawn, and how a script sets it. For the orchestrator only.

Most cases keep the defaults, because that is what users run. A setting is drawn for the code path that it opens,
never for its speed; those that change the compiler's flags are left out, because each set of flags costs a
precompiled header of its own (18 seconds).
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

Settings = Mapping[str, Sequence[Any]]

# dynamo: how Python and sizes are traced. Not install_free_tensors, which is the exporter's: what a function captures
# is a constant of the graph then, without a guard, and the next closure of the same code computes with it too.
DYNAMO: Settings = {
    "dynamo.capture_scalar_outputs": (True,),
    "dynamo.capture_dynamic_output_shape_ops": (True,),
    "dynamo.assume_static_by_default": (False,),
    "dynamo.automatic_dynamic_shapes": (False,),
    "dynamo.specialize_int": (True,),
    "dynamo.specialize_float": (True,),
    "dynamo.prefer_deferred_runtime_asserts_over_guards": (True,),
    "dynamo.trace_autograd_ops": (True,),
    # Reached by the second or third call that changes something: what is compiled is given up then.
    "dynamo.recompile_limit": (1, 2),
}
# AOTAutograd: functionalisation and views.
AOT: Settings = {
    **DYNAMO,
    # Repeated regions as subgraphs, whose backward only AOTAutograd makes.
    "dynamo.use_graph_deduplication": (True,),
    "functorch.cse": (False,),
    "functorch.view_replay_for_aliased_outputs": (True, False),
    "functorch.guess_tangent_strides_as_outputs": (False,),
    "functorch.treat_parameters_as_free_to_save": (False,),
}
# The min-cut partitioner: what the backward pass keeps and what it recomputes.
PARTITION: Settings = {
    **AOT,
    "functorch.activation_memory_budget": (0.0, 0.3, 0.7),
    "functorch.activation_memory_budget_solver": ("greedy",),
    "functorch.aggressive_recomputation": (True,),
    "functorch.recompute_views": (True,),
    "functorch.ban_recompute_reductions": (False,),
    "functorch.ban_recompute_materialized_backward": (False,),
    "functorch.ban_recompute_not_in_allowlist": (False,),
    "functorch.ban_recompute_used_far_apart": (False,),
    "functorch.max_dist_from_bw": (1, 10),
}
# inductor on CPU: fusion, layout, buffers, loops, vectors.
INDUCTOR: Settings = {
    **PARTITION,
    # Guards on sizes in C++: a run of g++ a graph, which costs several cases on a target that compiles no C++.
    "dynamo.enable_cpp_symbolic_shape_guards": (True,),
    "inductor.pattern_matcher": (False,),
    "inductor.epilogue_fusion": (False,),
    "inductor.max_fusion_size": (1, 4),
    "inductor.aggressive_fusion": (True,),
    "inductor.permute_fusion": (True,),
    "inductor.split_reductions": (False,),
    "inductor.comprehensive_padding": (False,),
    "inductor.layout_optimization": (False,),
    "inductor.pick_loop_orders": (False,),
    "inductor.reorder_for_locality": (False,),
    "inductor.reorder_for_peak_memory": (False,),
    "inductor.loop_ordering_after_fusion": (False,),
    "inductor.loop_index_inversion_in_fusion": (False,),
    "inductor.inplace_buffers": (False,),
    "inductor.allow_buffer_reuse": (False,),
    "inductor.memory_planning": (True,),
    "inductor.memory_pool": ("none", "outputs", "combined"),
    "inductor.size_asserts": (False,),
    "inductor.emulate_precision_casts": (True,),
    "inductor.unroll_reductions_threshold": (1, 32),
    "inductor.realize_reads_threshold": (1, 16),
    "inductor.realize_opcount_threshold": (1, 100),
    "inductor.force_pointwise_cat": (True,),
    "inductor.max_pointwise_cat_inputs": (1, 16),
    "inductor.conv_1x1_as_mm": (True,),
    "inductor.online_softmax": (False,),
    "inductor.b2b_gemm_pass": (True,),
    "inductor.dce": (True,),
    "inductor.constant_and_index_propagation": (False,),
    "inductor.joint_graph_constant_folding": (False,),
    "inductor.decompose_mem_bound_mm": (True,),
    "inductor.use_post_grad_passes": (False,),
    "inductor.use_joint_graph_passes": (False,),
    "inductor.use_pre_grad_passes": (False,),
    "inductor.fallback_random": (True,),
    "inductor.graph_partition": (False,),
    "inductor.cpp.min_chunk_size": (1, 4096),
    "inductor.cpp.fallback_scatter_reduce_sum": (False,),
    "inductor.cpp.enable_loop_tail_vec": (False,),
    "inductor.cpp.enable_tiling_heuristics": (False,),
    "inductor.cpp.no_redundant_loops": (False,),
    "inductor.cpp.max_horizontal_fusion_size": (1,),
    "inductor.cpp.dynamic_threads": (True,),
    "inductor.cpp.use_decompose_tanh": (True,),
    "inductor.cpp.enable_concat_linear": (True,),
    "inductor.cpp.use_two_step_variance_threshold": (1,),
    "inductor.cpp.weight_prepack": (False,),
}
MEMORY_POOL = "inductor.memory_pool"


def draw_options(draw: random.Random, training: bool, settings: Settings) -> dict[str, Any]:
    """Options of one case: sizes dynamic or not, the whole graph demanded or not, and for one case in four a few
    settings."""
    options: dict[str, Any] = {
        "dynamic": draw.choices((None, True, False), weights=(6, 3, 1))[0],
        "fullgraph": draw.random() < 0.1,
    }
    if draw.random() < 0.25:
        keys = draw.sample(sorted(settings), draw.choice((1, 1, 1, 2, 2, 3, 5)))
        config = {key: draw.choice(settings[key]) for key in keys}
        if MEMORY_POOL in config:
            # A pool is only made when memory is planned.
            config["inductor.memory_planning"] = True
        options["config"] = config
    return options


def source(backend: str, options: Mapping[str, Any], imports: str = "") -> str:
    """Python text that defines ``compile_program(program)``; ``backend`` is an expression, or a name to quote."""
    quoted = backend if imports else repr(backend)
    lines = ["import torch", *([imports] if imports else [])]
    settings: list[str] = []
    modules: list[str] = []
    for key, value in sorted((options.get("config") or {}).items()):
        family, _, rest = key.partition(".")
        modules.append(f"import torch._{family}.config")
        settings.append(f"    torch._{family}.config.{rest} = {value!r}")
    arguments = [f"backend={quoted}"]
    if options.get("dynamic") is not None:
        arguments.append(f"dynamic={options['dynamic']!r}")
    if options.get("fullgraph"):
        arguments.append("fullgraph=True")
    if options.get("mode") not in (None, "default"):
        arguments.append(f"mode={options['mode']!r}")
    lines += sorted(set(modules))
    lines += ["", "", "def compile_program(program):", *settings]
    lines.append(f"    return torch.compile(program, {', '.join(arguments)})")
    return "\n".join(lines) + "\n"
