"""What a framework can say: which operators it has, and which choices of a policy mean something in it.

A program for torch may use all that the specifications have. One for ONNX is a graph of values: no writes, no aliases,
no Python, and only operations whose form the opset has and for which the runtime was found to have a kernel.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from assay.backends import Backend
from assay.emit.onnx import DEFAULT_OPSET, OPSETS
from assay.emit.onnx_conditions import condition
from assay.emit.onnx_regions import KINDS as ONNX_REGIONS
from assay.emit.triton import REGIONS as TRITON_REGIONS
from assay.emit.triton import check as check_triton
from assay.emit.triton import has_form
from assay.generate.policy import Policy
from assay.generate.promises import Corner, Site, corners_of, tensors
from assay.ir.program import KEPT, Literal
from assay.ir.types import INTEGER_RANGE, ScalarType, TensorType, is_float
from assay.ops.catalogue import load
from assay.ops.facts import Facts, require
from assay.ops.onnx_forms import Arg, Args, Constant, Graph, Node, express
from assay.ops.protocol import Binding, Operator

OPSET_SHARE = 0.6
REGIONS = ("if", "for", "while", "with", "try", "def", "lambda")
GRAPH_ONLY: dict[str, Any] = {
    "training": False,
    "values": KEPT,
    "layouts": 0.0,
    "aliases": 0.0,
    "mutation": 0.0,
    "regions": 0.0,
    "containers": 0.0,
    "forms": 0.0,
    "style": "function",
    "transforms": 0,
}

KERNELS_ONLY: dict[str, Any] = {"state": 0.0, "symbols": 0, "zero_sizes": False, "large": False}
"""What is forced beside where programs are kernels: their sizes are numbers."""


class _Anywhere(dict[str, tuple[str, int | None]]):
    """The sources of size symbols while an operation is tried: every symbol has one."""

    def __missing__(self, key: str) -> tuple[str, int | None]:
        return ("x", 0)


class Kernels:
    """The kernels of a runtime: rows of operator, first and last opset, and per input and output the dtypes (None:
    any). With several tables a node needs a kernel in each."""

    def __init__(self, *tables: Sequence[Sequence[Any]]) -> None:
        self._tables: list[dict[str, list[Sequence[Any]]]] = []
        for rows in tables:
            by_name: dict[str, list[Sequence[Any]]] = {}
            for name, *row in rows:
                by_name.setdefault(name, []).append(row)
            self._tables.append(by_name)
        self._known: dict[tuple[Any, ...], bool] = {}

    def have(self, node: Node, graph: Graph) -> bool:
        """Whether one of them fits a node."""
        dtypes = [[graph.dtypes.get(name, "") for name in names] for names in (node.inputs, node.outputs)]
        key = (node.op, graph.opset, *map(tuple, dtypes))
        if key not in self._known:
            self._known[key] = all(_fits(table.get(node.op, ()), graph.opset, dtypes) for table in self._tables)
        return self._known[key]


def _fits(rows: Sequence[Sequence[Any]], opset: int, sides: Sequence[Sequence[str]]) -> bool:
    return any(first <= opset <= last and all(map(_takes, allowed, sides)) for first, last, *allowed in rows)


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
    which it has. With ``graph_only`` a program for torch is a graph of values as well. ``special``: a graph may compute
    with special values, since a system is held against itself.

    ``refuses`` are dtypes, and globs of operators, that are not generated; ``held_in`` says of an integer type in which
    other a system holds its values. ``corners`` are those in which a system is not held to its reference; with
    ``halves`` its reference is ONNX Runtime, which is not right about some int64 (`HALVED`). With ``kernels_only`` a
    program is written as kernels for Triton.
    """

    opset: int | None = None
    kernels: Kernels | None = None
    graph_only: bool = False
    special: bool = False
    refuses: frozenset[str] = frozenset()
    held_in: Mapping[str, str] = field(default_factory=dict)
    corners: tuple[Corner, ...] = ()
    halves: bool = False
    kernels_only: bool = False

    @property
    def forced(self) -> Mapping[str, Any]:
        """Choices of a policy that are fixed."""
        if self.python:
            return {}
        free = {name for name, has in (("regions", self.regions), ("values", self.special)) if has}
        free |= {"layouts"} if self.kernels_only else set()
        found = {name: value for name, value in GRAPH_ONLY.items() if name not in free}
        return {**found, **KERNELS_ONLY} if self.kernels_only else found

    @property
    def regions(self) -> Sequence[str]:
        """The kinds of regions that it has."""
        if self.kernels_only:
            return TRITON_REGIONS
        if self.opset is None:
            return () if self.graph_only else REGIONS
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
        return self.opset is None and not self.graph_only

    def operators(self, names: Sequence[str]) -> tuple[str, ...]:
        """Those of the operators that it has."""
        if self.kernels_only:
            known = load()
            return tuple(name for name in _had(tuple(names), self.refuses, True, True) if has_form(known[name]))
        return _had(tuple(names), self.refuses, self.opset is None, self.python)

    def policy(self, policy: Policy) -> Policy:
        """A policy without the dtypes that are not generated."""
        kept = tuple(dtype for dtype in policy.dtypes if dtype not in self.refuses)
        if not any(is_float(dtype) for dtype in kept):
            kept = ("float32", *kept)
        return policy if kept == policy.dtypes else replace(policy, dtypes=kept)

    def check(
        self, operator: Operator, binding: Binding, operands: Sequence[Any], results: Sequence[TensorType]
    ) -> frozenset[str]:
        """The ONNX operators that say an operation, none for torch. ``operands`` are types, numbers as `Literal`, or
        tuples of types. Raises Unsatisfied where it cannot be said."""
        for type_ in (*tensors(operands), *results) if self.refuses else ():
            require(type_.dtype not in self.refuses, f"{type_.dtype} is not generated")
        if self.kernels_only:
            check_triton(operator, binding, operands, results)
        if self.opset is None:
            return frozenset()
        graph = Graph(self.opset, _Anywhere())
        arguments = [_argument(operand, graph) for operand in operands]
        express(graph, operator, binding, arguments, results)
        site = Site(tuple(tensors(operands)), results, graph)
        for corner in self.corners:
            require(corner.arises is None or not corner.arises(site), f"{corner.name} is nothing to compare")
        for node in graph.nodes if self.held_in else ():
            for constant in () if node.op == "Slice" else filter(None, map(graph.constants.get, node.inputs)):
                self._keep_constant(constant)
        if self.kernels is not None:
            require(all(self.kernels.have(node, graph) for node in graph.nodes), "the runtime has no kernel")
        return frozenset(node.op for node in graph.nodes)

    def _keep_constant(self, constant: Constant) -> None:
        """Raise Unsatisfied where a form's own constant, the least number of a type say, does not fit. Only the end of
        a slice is known to be the end wherever it lies."""
        if constant.dtype in self.held_in:
            low, high = INTEGER_RANGE[self.held_in[constant.dtype]]
            require(all(low <= value <= high for value in constant.values), f"{constant.dtype} does not hold it")

    def hold(self, dtype: str, facts: Facts, nodes: Set[str] = frozenset()) -> None:
        """Raise Unsatisfied where elements of a dtype do not fit into the type that holds them: that of the system, or
        that within which its reference is right about these ONNX operators."""
        held = self.held_in.get(dtype)
        if held is None and self.halves and dtype == "int64" and not HALVED.isdisjoint(nodes):
            held = "int32"
        if held is not None:
            low, high = INTEGER_RANGE[held]
            require(low <= facts.low and facts.high <= high, f"{held} does not hold it")


HALVED = frozenset({"Clip", "Max", "Min", "ReduceMax", "ReduceMin", "Sign"})
"""What ONNX Runtime computes wrong for int64 from 2³¹ on, optimised or not (bugs/ort-int64-extremes)."""

TORCH = Dialect()


@lru_cache(maxsize=16)
def _had(names: tuple[str, ...], refuses: frozenset[str], torch: bool, python: bool) -> tuple[str, ...]:
    """The operators that are not refused and have a form: in a graph for torch without writes, as an ONNX node."""
    known = load()
    named = (name for name in names if not any(fnmatchcase(name, glob) for glob in refuses))
    if python:
        return tuple(named)
    if torch:
        return tuple(name for name in named if not known[name].inplace_only and not known[name].writes)
    return tuple(name for name in named if known[name].onnx is not None and not known[name].inplace_only)


def dialect_of(backend: Backend, rng: random.Random, kernels: Kernels | None = None) -> Dialect:
    """The dialect of a case on a backend."""
    opset = draw_opset(rng) if backend.framework == "onnx" else None
    return Dialect(
        opset,
        kernels,
        graph_only=backend.graph_only,
        special=backend.reference_options is not None,
        refuses=backend.refuses,
        held_in=backend.held_in,
        corners=corners_of(tuple(backend.differs)),
        halves=backend.framework == "onnx" and backend.reference_options is None,
        kernels_only=backend.kernels_only,
    )


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
