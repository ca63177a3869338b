"""The backend of `different` with one fault per compiled graph, each a target of its own:

    torch:benchmarks.controls.faulty.dropped_element    a sum, product or convolution leaves out a term
    torch:benchmarks.controls.faulty.off_by_one         a slice, index, shift, pad or count is one off
    torch:benchmarks.controls.faulty.sign               a sum, difference or product has a wrong sign
    torch:benchmarks.controls.faulty.swapped_operands   a difference, quotient, power, choice or comparison is reversed
    torch:benchmarks.controls.faulty.wrong_halves       ties go away from zero, cutting off and rounding are confused
    torch:benchmarks.controls.faulty.missing_upcast     a running sum is kept in 16 bits

The node follows from the graph. A program that is compiled again for other sizes has the fault in the same place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.fx import GraphModule

# The spoils of these two register themselves.
from benchmarks.controls import faults_off_by_one, faults_upcast  # noqa: F401
from benchmarks.controls.different import compile_with
from benchmarks.controls.names import FAULTS
from benchmarks.controls.plan import Plan
from benchmarks.controls.planting import Fault, aims_at_backward

Backend = Callable[..., Any]


def _backend(name: str) -> Backend:
    def backend(module: GraphModule, inputs: Sequence[torch.Tensor], **_: Any) -> Any:
        in_backward = False

        def planted(graph: GraphModule, _: Sequence[Any]) -> Plan:
            return Plan(graph, Fault(name, graph.graph))

        def forward(graph: GraphModule, inputs: Sequence[Any]) -> Plan:
            nonlocal in_backward
            in_backward = aims_at_backward(graph.graph)
            return Plan(graph) if in_backward else planted(graph, inputs)

        def backward(graph: GraphModule, inputs: Sequence[Any]) -> Plan:
            return planted(graph, inputs) if in_backward else Plan(graph)

        return compile_with(module, inputs, planted, forward, backward)

    return backend


dropped_element, off_by_one, sign, swapped_operands, wrong_halves, missing_upcast = map(_backend, FAULTS)
