"""Planting a fault in a graph: the node, the wrong function, and the record of whether it did anything.

The worker runs in another process; it appends a JSON line per evaluation of the spoiled node to the file that the
variable ``ASSAY_CONTROLS_RECORD`` names.
"""

from __future__ import annotations

import json
import os
import random
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import torch
from torch.fx import Graph, Node

from benchmarks.controls.faults import PRODUCTS, SUMS, spoiled
from benchmarks.controls.graphs import ROUNDOFF, dtype_of, fingerprint, operator_name
from benchmarks.controls.names import RECORD
from benchmarks.controls.reductions import Function
from benchmarks.controls.steps import placed

MARGIN = 16.0
LOGICAL_ROUNDOFF = 2.0**-24
# The share of training graphs whose backward pass gets the fault.
BACKWARD_SHARE = 0.3


def aims_at_backward(graph: Graph) -> bool:
    """Whether the fault of a training graph is to be sought in its backward pass."""
    return random.Random(fingerprint(graph) + 1).random() < BACKWARD_SHARE


class Fault:
    """A fault of this name in one node of a graph; `node` is None where none fits."""

    def __init__(self, name: str, graph: Graph) -> None:
        self.name = name
        fitting = list(candidates(name, graph))
        self.node: Node | None = min(fitting, default=(0, None), key=lambda each: each[0])[1]
        operator = None if self.node is None else operator_name(self.node)
        self._facts = {"fault": name, "candidates": len(fitting), "operator": operator}
        record({**self._facts, "planted": self.node is not None})

    def wrap(self, function: Function) -> Function:
        """The function of the node with the fault in it; it evaluates the right one beside it to see the effect."""
        node = self.node
        assert node is not None
        wrong = spoiled(self.name, node, function)
        assert wrong is not None

        def evaluate(*args: Any, **kwargs: Any) -> Any:
            right, found = function(*args, **kwargs), wrong(*args, **kwargs)
            record({**self._facts, "effective": effective(node, self.name, right, found, args, kwargs)})
            # A wrong copy of what is a view lies in memory as the view does.
            return placed(found, found.dtype, right.stride())

        return evaluate


def candidates(name: str, graph: Graph) -> Iterator[tuple[int, Node]]:
    """The nodes that a fault fits, each with a rank that follows from its operator and the how-manieth of its kind it
    is: so the same program in another dtype or of other sizes gets the fault in the same place."""
    counts: Counter[str] = Counter()
    for node in graph.nodes:
        operator = operator_name(node)
        if operator and spoiled(name, node, _nothing) is not None:
            counts[operator] += 1
            yield zlib.crc32(f"{name} {operator} {counts[operator]}".encode()), node


def _nothing(*_: Any, **__: Any) -> Any:
    raise AssertionError("asked only whether a fault fits")


def record(facts: dict[str, Any]) -> None:
    """Append a line to the record, where one is kept."""
    path = os.environ.get(RECORD)
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(facts) + "\n")


def effective(node: Node, name: str, right: Any, wrong: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether some element differs by more than any correct evaluation could make it: 16 roundoffs of the larger of
    both and 16 of float32 (for float64: of its own) of the sum of magnitudes of its terms; for a missing upcast, 16 of
    the dtype of that sum."""
    dtype = dtype_of(node)
    if dtype not in ROUNDOFF:
        return not torch.equal(right, wrong)
    right, wrong = right.double(), wrong.double()
    scale = magnitude(node, args, kwargs)
    if scale is None:
        scale = torch.maximum(right.abs(), wrong.abs())
    if name == "missing_upcast":
        allowed = MARGIN * ROUNDOFF[dtype] * scale
    else:
        allowed = MARGIN * ROUNDOFF[dtype] * torch.maximum(right.abs(), wrong.abs())
        allowed = allowed + MARGIN * min(ROUNDOFF[dtype], LOGICAL_ROUNDOFF) * scale
    special = (right.isnan() != wrong.isnan()) | (right.isinf() != wrong.isinf())
    return bool((special | ((right - wrong).abs() > allowed)).any())


def magnitude(node: Node, args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor | None:
    """The sum of magnitudes of the terms, in float64; None for what is no sum."""
    if operator_name(node) not in {*SUMS, *PRODUCTS, "cumsum.default", "convolution.default"}:
        return None

    def absolute(value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return value.abs().double() if value.is_floating_point() else value
        return value

    target: Any = node.target
    return target(
        *map(absolute, args), **{key: abs(value) for key, value in kwargs.items() if key in ("alpha", "beta")}
    )
