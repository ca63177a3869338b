"""Branches and loops of a program as If and Loop of ONNX: their blocks are graphs that read what is around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from assay.emit.onnx_conditions import condition
from assay.ir.program import Block, Literal, Operand, PythonOperation, Region, Statement, Value
from assay.ir.types import ScalarType, TensorType, Type
from assay.ops.facts import require
from assay.ops.onnx_forms import Arg, Graph, Subgraph

KINDS = ("if", "for", "while")
"""The regions that ONNX has."""


class Scope:
    """Names and types of a program's values as they are written."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.types: dict[str, Type] = {}

    def define(self, value: Value, name: str) -> None:
        """Say under which name a value is written."""
        self.names[value.name], self.types[value.name] = name, value.type

    def arg(self, value: str) -> Arg:
        """A value as an operand of a form."""
        type_ = self.types[value]
        assert isinstance(type_, TensorType | ScalarType)
        return Arg(self.names[value], type_)

    def operand(self, operand: Operand) -> Arg:
        """A value or a Python number as an operand of a form. Raises Unsatisfied for what is neither."""
        if isinstance(operand, Literal) and isinstance(operand.value, bool | int | float):
            return Arg(None, ScalarType(type(operand.value).__name__), operand.value)
        require(isinstance(operand, str), "no operand of ONNX")
        return self.arg(str(operand))


Write = Callable[[Graph, Statement], None]


def write_test(graph: Graph, scope: Scope, statement: PythonOperation) -> None:
    """Append the nodes of a condition. Raises Unsatisfied where it is none, or none that ONNX has."""
    require(statement.kind == "test", "ONNX has no Python")
    number, tensor = map(scope.operand, statement.operands)
    require(isinstance(number.type, ScalarType) and isinstance(tensor.type, TensorType), "a number and a tensor")
    name = condition(graph, dict(statement.attributes)["form"], number, tensor)
    scope.define(statement.results[0], name)


def write_region(graph: Graph, scope: Scope, region: Region, write: Write) -> None:
    """Append the node of a branch or loop, with its blocks. Raises Unsatisfied."""
    require(region.kind in KINDS, "ONNX has no such statement")
    given = [graph.name(scope.operand(operand)) for operand in region.operands]
    if region.kind == "if":
        then, other = (_block(graph, scope, block, write) for block in region.blocks)
        made = graph.several(
            "If", *given, outputs=len(region.results), dtypes=_dtypes(region), then_branch=then, else_branch=other
        )
    else:
        made = _loop(graph, scope, region, given, write)
    for value, name in zip(region.results, made, strict=True):
        scope.define(value, name)


def _loop(graph: Graph, scope: Scope, region: Region, given: Sequence[str], write: Write) -> tuple[str, ...]:
    """A for is bounded by its trip count, a while by the condition that its body yields."""
    trips = int(dict(region.attributes)["trips"])
    counts = region.kind == "for"
    body = _block(graph, scope, region.blocks[0], write, loop=True, trips=None if counts else trips)
    first = [graph.constant(trips), None] if counts else [None, graph.constant(trips > 0, "bool")]
    return graph.several("Loop", *first, *given, outputs=len(region.results), dtypes=_dtypes(region), body=body)


def _block(
    graph: Graph, scope: Scope, block: Block, write: Write, *, loop: bool = False, trips: int | None = None
) -> Subgraph:
    inner = graph.inner()
    inputs: list[tuple[str, Type]] = []
    outputs: list[tuple[str, Type]] = []
    for value in block.parameters:
        name = inner.fresh("p")
        scope.define(value, name)
        inner.dtypes[name] = scope.arg(value.name).dtype
        inputs.append((name, value.type))
    if loop:
        kept = inner.fresh("p")
        inner.dtypes[kept] = "bool"
        inputs.insert(1, (kept, ScalarType("bool")))
    for statement in block.statements:
        write(inner, statement)
    if loop:
        if trips is None:
            again = inner.node("Identity", kept)
        else:
            done = inner.node("Add", inputs[0][0], inner.constant(1), dtype="int64")
            again = inner.node("Less", done, inner.constant(trips), dtype="bool")
        outputs.append((again, ScalarType("bool")))
    produced = {name for made in inner.nodes for name in made.outputs}
    for value_name in block.results:
        name = scope.names[value_name]
        if name not in produced or any(name == taken for taken, _ in outputs):
            # What a graph yields is made by a node of its own.
            name = inner.node("Identity", name)
        outputs.append((name, scope.types[value_name]))
    return Subgraph(tuple(inner.nodes), dict(inner.constants), tuple(inputs), tuple(outputs))


def _dtypes(region: Region) -> list[str]:
    return [value.type.dtype for value in region.results if isinstance(value.type, TensorType)]
