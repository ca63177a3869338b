"""What a framework can say: which operators it has, and which choices of a policy mean something in it.

A program for torch may use all that the specifications have. One for ONNX is a graph of values: no writes, no aliases,
no Python, and only operations whose form the opset has and for which the runtime was found to have a kernel.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.emit.onnx import DEFAULT_OPSET, OPSETS
from assay.emit.onnx_conditions import condition
from assay.emit.onnx_regions import KINDS as ONNX_REGIONS
from assay.ir.program import Literal
from assay.ir.types import ScalarType, TensorType
from assay.ops.facts import require
from assay.ops.onnx_forms import Arg, Args, Graph, Node, express
from assay.ops.protocol import Binding, Operator

OPSET_SHARE = 0.6
REGIONS = ("if", "for", "while", "with", "try", "def", "lambda")
GRAPH_ONLY: dict[str, Any] = {
    "training": False,
    "layouts": 0.0,
    "aliases": 0.0,
    "mutation": 0.0,
    "regions": 0.0,
    "containers": 0.0,
    "forms": 0.0,
    "style": "function",
    "transforms": 0,
}


class _Anywhere(dict[str, tuple[str, int | None]]):
    """The sources of size symbols while an operation is tried: every symbol has one."""

    def __missing__(self, key: str) -> tuple[str, int | None]:
        return ("x", 0)


class Kernels:
    """The kernels of a runtime: rows of operator, first and last opset, and per input and output the dtypes (None:
    any)."""

    def __init__(self, rows: Sequence[Sequence[Any]]) -> None:
        self._rows: dict[str, list[Sequence[Any]]] = {}
        for name, *row in rows:
            self._rows.setdefault(name, []).append(row)
        self._known: dict[tuple[Any, ...], bool] = {}

    def have(self, node: Node, graph: Graph) -> bool:
        """Whether one of them fits a node. What is float16 may be computed in float32, between casts."""
        dtypes = [[graph.dtypes.get(name, "") for name in names] for names in (node.inputs, node.outputs)]
        key = (node.op, graph.opset, *map(tuple, dtypes))
        if key not in self._known:
            wide = [["float32" if dtype == "float16" else dtype for dtype in side] for side in dtypes]
            self._known[key] = any(self._fits(node.op, graph.opset, sides) for sides in (dtypes, wide))
        return self._known[key]

    def _fits(self, op: str, opset: int, sides: Sequence[Sequence[str]]) -> bool:
        for first, last, *allowed in self._rows.get(op, ()):
            if first <= opset <= last and all(map(_takes, allowed, sides)):
                return True
        return False


def _takes(allowed: Sequence[Sequence[str] | None] | None, dtypes: Sequence[str]) -> bool:
    """Whether dtypes are among those allowed; the last of these stands for all that follow."""
    if not allowed:
        return True
    for position, dtype in enumerate(dtypes):
        names = allowed[min(position, len(allowed) - 1)]
        if dtype and names is not None and dtype not in names:
            return False
    return True


@dataclass(frozen=True)
class Dialect:
    """The dialect of a framework; without an opset, that of torch. ``kernels`` are those of the runtime, where it says
    which it has."""

    opset: int | None = None
    kernels: Kernels | None = None

    @property
    def forced(self) -> Mapping[str, Any]:
        """Choices of a policy that are fixed."""
        if self.opset is None:
            return {}
        return {name: value for name, value in GRAPH_ONLY.items() if name != "regions" or not self.regions}

    @property
    def regions(self) -> Sequence[str]:
        """The kinds of regions that it has."""
        if self.opset is None:
            return REGIONS
        nodes = {"if": "If", "for": "Loop", "while": "Loop"}
        empty = Graph(self.opset)
        return [
            kind for kind in ONNX_REGIONS if self.kernels is None or self.kernels.have(Node(nodes[kind], (), ()), empty)
        ]

    def check_test(self, form: str, type_: Any) -> None:
        """Raise Unsatisfied where it cannot say a condition (`assay.ops.python_forms.TESTS`) over a Python integer and
        a tensor of a type."""
        if self.opset is not None:
            condition(Graph(self.opset, _Anywhere()), form, Arg("n", ScalarType("int")), Arg("x", type_))

    @property
    def python(self) -> bool:
        """Whether a program may compute with Python values, nest its outputs and hand arguments through."""
        return self.opset is None

    def operators(self, names: Sequence[str], known: Mapping[str, Operator]) -> tuple[str, ...]:
        """Those of the operators that it has."""
        if self.opset is None:
            return tuple(names)
        return tuple(name for name in names if known[name].onnx is not None and not known[name].inplace_only)

    def check(
        self, operator: Operator, binding: Binding, operands: Sequence[Any], results: Sequence[TensorType]
    ) -> None:
        """Raise Unsatisfied where it cannot say an operation. ``operands`` are types, numbers as `Literal`, or tuples
        of types."""
        if self.opset is None:
            return
        graph = Graph(self.opset, _Anywhere())
        arguments = [_argument(operand, graph) for operand in operands]
        express(graph, operator, binding, arguments, results)
        if self.kernels is not None:
            require(all(self.kernels.have(node, graph) for node in graph.nodes), "the runtime has no kernel")


TORCH = Dialect()


def draw_opset(rng: random.Random) -> int:
    """The default one mostly, else any."""
    return DEFAULT_OPSET if rng.random() < OPSET_SHARE else rng.choice(OPSETS)


def _argument(operand: Any, graph: Graph) -> Args:
    if operand is None:
        return None
    if isinstance(operand, tuple):
        return tuple(_named(item, graph) for item in operand)
    if isinstance(operand, Literal):
        return Arg(None, ScalarType(type(operand.value).__name__), operand.value)
    return _named(operand, graph)


def _named(type_: Any, graph: Graph) -> Arg:
    name = f"x{len(graph.dtypes)}"
    made = Arg(name, type_)
    graph.dtypes[name] = made.dtype
    return made
