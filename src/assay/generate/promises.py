"""What the standard of ONNX promises of the corners in which systems differ, and by which none of them is held to it.

A difference between two systems is a bug only where both were to do the same. Each row says what the standard has, and
either that no program of ours has the corner, or how to tell that an operation has it: it is then generated for a
system that is compared with itself, and for any other whose backend does not list it under ``DIFFERS``, where the
reason and its source stand. docs/onnx.md shows the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from assay.ir.sizes import smallest
from assay.ir.types import TensorType, is_float
from assay.ops.onnx_forms import Graph

OPERATORS = "https://onnx.ai/onnx/operators/onnx__{}.html"


@dataclass(frozen=True)
class Site:
    """An operation as it is about to be added: the types of its tensors, and its nodes."""

    operands: Sequence[TensorType]
    results: Sequence[TensorType]
    graph: Graph


@dataclass(frozen=True)
class Corner:
    """``says`` is what the standard has, on the page of ``operator``. ``arises`` tells whether an operation has the
    corner; without it ``kept_out`` says what keeps it out of every comparison."""

    name: str
    operator: str
    says: str
    kept_out: str = ""
    arises: Callable[[Site], bool] | None = None

    @property
    def source(self) -> str:
        """The page of the standard."""
        return OPERATORS.format(self.operator)


def _takes_none(site: Site) -> bool:
    empty = any(smallest(size) == 0 for type_ in (*site.operands, *site.results) for size in type_.shape)
    return empty and any(node.op == "TopK" for node in site.graph.nodes)


def _narrower_indices(site: Site) -> bool:
    """Whether elements are gathered by indices that have another size than the data in a dimension that is not the
    axis."""
    for node in site.graph.nodes:
        if node.op != "GatherElements":
            continue
        data, *others = site.operands
        axis = dict(node.attributes).get("axis", 0) % max(1, data.rank)
        for indices in others:
            if indices.rank == data.rank and indices.dtype in ("int32", "int64"):
                pairs = enumerate(zip(data.shape, indices.shape, strict=True))
                if any(dim != axis and ours != theirs for dim, (ours, theirs) in pairs):
                    return True
    return False


def _rounds_a_quotient(site: Site) -> bool:
    """Whether a quotient of floats is rounded to an integer by the same operation."""
    quotients = {node.outputs[0] for node in site.graph.nodes if node.op == "Div"}
    floats = any(is_float(type_.dtype) for type_ in site.results)
    inside = {name for node in site.graph.nodes if node.op in ("Floor", "Round", "Abs") for name in node.inputs}
    return floats and bool(quotients & inside)


SUMS = ("AveragePool", "Conv", "CumSum", "Einsum", "Gemm", "GlobalAveragePool", "MatMul", "Reduce", "Normalization")
KEEPING = ("ReduceMax", "ReduceMin")


def _sums_halves(site: Site) -> bool:
    """Whether numbers of 16 bits are added up by a node: what a form casts to float32 before is not."""
    graph = site.graph
    adding = (node for node in graph.nodes if any(name in node.op for name in SUMS) and node.op not in KEEPING)
    summed = (name for node in adding for name in node.inputs[:1])
    return any(graph.dtypes.get(name) in ("float16", "bfloat16") for name in summed)


CORNERS = (
    Corner("integer overflow", "Add", "nothing", "never generated: facts of integers (ops/facts.py)"),
    Corner("float to integer out of range", "Cast", "undefined", "never generated: facts of integers (ops/facts.py)"),
    Corner(
        "integer division by zero", "Div", "nothing", "never generated: domain of the divisor (ops/families/binary.py)"
    ),
    Corner("remainder by zero", "Mod", "nothing", "never generated: domain of the divisor (ops/families/binary.py)"),
    Corner(
        "integer to a negative power", "Pow", "nothing", "never generated: facts of the power (ops/families/binary.py)"
    ),
    Corner(
        "shift by the width or more",
        "BitShift",
        "nothing",
        "never generated: domain of the amount (ops/families/binary.py)",
    ),
    Corner("NaN among what is compared", "Max", "nothing", "never generated: every value is finite (ops/facts.py)"),
    Corner(
        "mean of no elements",
        "ReduceMean",
        "undefined",
        "never generated: nonempty dimensions (ops/families/reduce.py)",
    ),
    Corner(
        "extreme of no elements",
        "ReduceMax",
        "the lowest value",
        "never generated: nonempty dimensions (ops/families/reduce.py)",
    ),
    Corner(
        "index out of bounds", "Gather", "an error", "never generated: domain of the indices (ops/families/index.py)"
    ),
    Corner(
        "one place written twice",
        "ScatterElements",
        "not to be",
        "never generated: distinct indices (ops/families/scatter.py)",
    ),
    Corner("sign of zero", "Max", "nothing", "zeros are equal to the oracle of values (oracles/numeric.py)"),
    Corner("a quotient of floats rounded to an integer", "Div", "nothing of its last place", arises=_rounds_a_quotient),
    Corner("a sum of halves", "Conv", "nothing of what it is added up in", arises=_sums_halves),
    Corner("the top none", "TopK", "the number is positive", arises=_takes_none),
    Corner("gather by narrower indices", "GatherElements", "defined", arises=_narrower_indices),
)
"""Every corner; its name is what a backend lists."""


def corners_of(names: Sequence[str]) -> tuple[Corner, ...]:
    """The corners of these names that an operation may have. Raises ValueError where there is none of a name."""
    known = {corner.name: corner for corner in CORNERS if corner.arises is not None}
    if unknown := sorted(set(names) - set(known)):
        raise ValueError(f"no corner is called {unknown[0]!r}; there are {', '.join(known)}")
    return tuple(known[name] for name in names)


def tensors(operands: Any) -> Iterator[TensorType]:
    """The types of tensors among operands, lists of them included."""
    for operand in operands:
        if isinstance(operand, tuple):
            yield from tensors(operand)
        elif isinstance(operand, TensorType):
            yield operand
