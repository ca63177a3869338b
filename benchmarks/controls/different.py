"""A torch.compile backend that is correct, and differs from eager wherever a careful compiler may.

    assay fuzz --target torch:benchmarks.controls.different.backend     (with the repository on PYTHONPATH)

AOTAutograd traces and functionalises; `plan` evaluates its graphs: 16-bit chains without rounding, sums in chunks and
in another order, contracted products, other formulas of the same accuracy. What is drawn follows from the graph.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import torch
from functorch.compile import default_partition, min_cut_rematerialization_partition
from torch._dynamo.backends.common import aot_autograd
from torch.fx import GraphModule

from benchmarks.controls.graphs import fingerprint
from benchmarks.controls.plan import Plan

Compiler = Callable[[GraphModule, Sequence[Any]], Any]


def compile_with(
    module: GraphModule, inputs: Sequence[Any], inference: Compiler, forward: Compiler, backward: Compiler
) -> Any:
    """A graph of dynamo's, through AOTAutograd and these compilers."""
    compiled = aot_autograd(
        fw_compiler=forward,
        bw_compiler=backward,
        inference_compiler=inference,
        partition_fn=partition,
        keep_inference_input_mutations=True,
    )
    return compiled(module, inputs)


def partition(joint: GraphModule, *args: Any, **kwargs: Any) -> Any:
    """Half of the graphs recompute in their backward pass what the other half saves."""
    if random.Random(fingerprint(joint.graph)).random() < 0.5:
        try:
            return min_cut_rematerialization_partition(joint, *args, **kwargs)
        except RuntimeError:
            # A graph that the minimum cut cannot partition is a defect of torch's, not of the oracle. What was done to
            # the graph until then left its meaning alone.
            pass
    return default_partition(joint, *args, **kwargs)


def backend(module: GraphModule, inputs: Sequence[torch.Tensor], **_: Any) -> Any:
    """The compiled graph."""

    def plan(graph: GraphModule, _: Sequence[Any]) -> Plan:
        return Plan(graph)

    return compile_with(module, inputs, plan, plan, plan)
