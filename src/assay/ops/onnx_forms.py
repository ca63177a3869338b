"""How an operator is written in ONNX: the vocabulary in which specifications state it.

A *form* takes a `Graph`, the binding and an `Arg` per operand, appends nodes, and returns the name of each result. What
it makes is data: the text is rendered by `assay.emit.onnx`, and nothing here needs the package onnx. A form that an
opset cannot express raises Unsatisfied, as one that does not hold for what is bound.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from assay.ir.sizes import Expr, Size, Sym
from assay.ir.types import INTEGER_RANGE, ScalarType, TensorType, Type, is_complex
from assay.ops.facts import Unsatisfied, require
from assay.ops.promotion import result_dtype
from assay.ops.protocol import Binding, Operator

NARROW = ("float16", "bfloat16")
Number: TypeAlias = bool | int | float
_SIZE_OPERATORS = {"+": "Add", "-": "Sub", "*": "Mul", "min": "Min", "max": "Max"}


@dataclass(frozen=True, slots=True)
class Arg:
    """An operand of a form: a value by its name, or a Python number (``name`` is then None)."""

    name: str | None
    type: TensorType | ScalarType
    value: Any = None

    @property
    def dtype(self) -> str:
        """Its dtype; that of the ONNX value that a Python number becomes, if nothing asks for another."""
        if isinstance(self.type, TensorType):
            return self.type.dtype
        return {"bool": "bool", "int": "int64"}.get(self.type.kind, "float32")

    @property
    def rank(self) -> int:
        """The number of dimensions."""
        return self.type.rank if isinstance(self.type, TensorType) else 0


Args: TypeAlias = "Arg | tuple[Arg, ...] | None"
Form: TypeAlias = Callable[..., "str | tuple[str, ...]"]


@dataclass(frozen=True, slots=True)
class Node:
    """One node; the value of an attribute may be a `Subgraph`."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant: elements in C order."""

    dtype: str
    shape: tuple[int, ...]
    values: tuple[Number, ...]


@dataclass(frozen=True, slots=True)
class Subgraph:
    """The body of a branch or loop: it may also read the names of the graphs around it."""

    nodes: tuple[Node, ...]
    constants: Mapping[str, Constant]
    inputs: tuple[tuple[str, Type], ...]
    outputs: tuple[tuple[str, Type], ...]


class Graph:
    """Nodes in order, the constants that they read, and names for both.

    ``out`` are the types of the results of the operation being written, ``dtypes`` those of the names that forms have
    made. ``sizes`` says how each size symbol is read: the name of an input and a dimension, or of a Python integer.
    """

    def __init__(self, opset: int, sizes: Mapping[str, tuple[str, int | None]] | None = None) -> None:
        self.opset = opset
        self.nodes: list[Node] = []
        self.constants: dict[str, Constant] = {}
        self.dtypes: dict[str, str] = {}
        self.out: tuple[TensorType, ...] = ()
        self._sizes: Mapping[str, tuple[str, int | None]] = {} if sizes is None else sizes
        self._symbols: dict[str, str] = {}
        self._known: dict[Constant, str] = {}
        self._numbers = itertools.count(1)

    def inner(self) -> Graph:
        """An empty graph inside this one, which reads all that this one has; names are unique over both."""
        made = Graph(self.opset, self._sizes)
        made.dtypes, made._symbols, made._known = dict(self.dtypes), dict(self._symbols), dict(self._known)
        made._numbers = self._numbers
        return made

    # making nodes

    def node(self, op: str, *inputs: str | None, dtype: str = "", **attributes: Any) -> str:
        """Append a node with one output, whose name is returned. An input that is None is left out; ``dtype`` is noted
        where it is not that of the first input."""
        return self.several(op, *inputs, outputs=1, dtypes=(dtype,), **attributes)[0]

    def several(
        self, op: str, *inputs: str | None, outputs: int, dtypes: Sequence[str] = (), **attributes: Any
    ) -> tuple[str, ...]:
        """Append a node with so many outputs, whose names are returned."""
        given = [name or "" for name in inputs]
        while given and not given[-1]:
            given.pop()
        names = tuple(self.fresh("t") for _ in range(outputs))
        kept = tuple((name, value) for name, value in attributes.items() if value is not None)
        self.nodes.append(Node(op, tuple(given), names, kept))
        first = self.dtypes.get(given[0], "") if given else ""
        for position, name in enumerate(names):
            dtype = dtypes[position] if position < len(dtypes) else ""
            self.dtypes[name] = dtype or first
        return names

    def constant(
        self, values: Number | Sequence[Number], dtype: str = "int64", shape: Sequence[int] | None = None
    ) -> str:
        """The name of a constant: of a number (rank 0), or of a row of them (rank 1, or ``shape``)."""
        row = tuple(values) if isinstance(values, Sequence) else (values,)
        if shape is None:
            shape = (len(row),) if isinstance(values, Sequence) else ()
        constant = Constant(dtype, tuple(shape), tuple(_of_dtype(value, dtype) for value in row))
        if constant not in self._known:
            name = self.fresh("k")
            self._known[constant], self.constants[name], self.dtypes[name] = name, constant, dtype
        return self._known[constant]

    def since(self, opset: int) -> None:
        """Require an opset. Raises Unsatisfied."""
        require(self.opset >= opset, f"needs opset {opset}")

    def fresh(self, prefix: str) -> str:
        """A name that neither this graph has nor those around it."""
        return f"{prefix}{next(self._numbers)}"

    # operands

    def name(self, arg: Arg) -> str:
        """The name of an operand as it is."""
        return self.constant(arg.value, arg.dtype) if arg.name is None else arg.name

    def cast(self, arg: Arg | str, dtype: str) -> str:
        """The name of an operand in a dtype; casts where it is of another."""
        if isinstance(arg, Arg):
            if arg.name is None:
                return self.constant(arg.value, dtype)
            name, before = arg.name, arg.dtype
        else:
            name, before = arg, self.dtypes.get(arg, "")
        return name if before == dtype else self.node("Cast", name, to=TypeName(dtype), dtype=dtype)

    def like(self, value: Number, name: str) -> str:
        """A number of the dtype of another value."""
        return self.constant(value, self.dtypes[name])

    # sizes

    def shape(self, sizes: Sequence[Size]) -> str:
        """The name of a row of sizes, int64: a constant where none is symbolic."""
        if not any(isinstance(size, Sym) for size in sizes):
            return self.constant([int(size) for size in sizes])  # type: ignore[arg-type]
        return self.node("Concat", *(self.size(size) for size in sizes), axis=0, dtype="int64")

    def size(self, size: Size) -> str:
        """The name of one size as a row of one element, int64."""
        return self._expression(size.expr) if isinstance(size, Sym) else self.constant([size])

    def _expression(self, expr: Expr) -> str:
        if isinstance(expr, int):
            return self.constant([expr])
        if isinstance(expr, tuple):
            op, left, right = expr
            first, second = self._expression(left), self._expression(right)
            if op == "//":
                # ONNX rounds the quotient of integers toward zero, and Mod has the sign of the divisor.
                rest = self.node("Mod", first, second, dtype="int64")
                return self.node("Div", self.node("Sub", first, rest, dtype="int64"), second, dtype="int64")
            return self.node(_SIZE_OPERATORS[op], first, second, dtype="int64")
        if expr not in self._symbols:
            try:
                source, dim = self._sizes[expr]
            except KeyError:
                raise Unsatisfied("no input has this size") from None
            if dim is None:
                self._symbols[expr] = self.node("Reshape", source, self.constant([1]), dtype="int64")
            else:
                self._symbols[expr] = self.node("Shape", source, start=dim, end=dim + 1, dtype="int64")
        return self._symbols[expr]


def _of_dtype(value: Number, dtype: str) -> Number:
    """A number as an element of a dtype; integers wrap around, as torch has them."""
    if dtype == "bool":
        return bool(value)
    if "float" in dtype:
        return float(value)
    low, high = INTEGER_RANGE[dtype]
    return (int(value) - low) % (high - low + 1) + low


@dataclass(frozen=True, slots=True)
class TypeName:
    """A dtype as the value of an attribute; the text has `TensorProto` name it."""

    dtype: str


def express(
    graph: Graph, operator: Operator, binding: Binding, arguments: Sequence[Args], results: Sequence[TensorType]
) -> tuple[str, ...]:
    """Append the nodes of an operator's form; the names of its results. Raises Unsatisfied where it has none."""
    form = operator.onnx
    require(form is not None and not operator.inplace_only, f"{operator.name} has no form for ONNX")
    given = [each for argument in arguments for each in (argument if isinstance(argument, tuple) else (argument,))]
    dtypes = [each.dtype for each in (*given, *results) if each is not None]
    # ONNX Runtime 1.31 has no kernel that computes with them.
    require(not any(map(is_complex, dtypes)), "complex numbers")
    graph.out = tuple(results)
    found = (node(form) if isinstance(form, str) else form)(graph, binding, *arguments)  # type: ignore[misc]
    made = (found,) if isinstance(found, str) else tuple(found)
    assert len(made) == len(results), f"{operator.name} has {len(results)} results, its form {len(made)}"
    return made


# forms that many operators share


def node(op: str, *, since: int = 0, **attributes: Any) -> Form:
    """One node on the operands, cast to the dtype of the first result. ``attributes`` are constants, or names of
    attributes of the specification: ``axis=of("dim")``."""

    def form(g: Graph, b: Binding, *args: Args) -> str | tuple[str, ...]:
        g.since(since)
        names = [each(g, arg, g.out[0].dtype) for arg in args]
        given = {name: value.read(b) if isinstance(value, Of) else value for name, value in attributes.items()}
        if len(g.out) == 1:
            return g.node(op, *names, dtype=g.out[0].dtype, **given)
        return g.several(op, *names, outputs=len(g.out), dtypes=[out.dtype for out in g.out], **given)

    return form


def each(g: Graph, arg: Args, dtype: str) -> str | None:
    """The name of an operand in a dtype; None where it is left out."""
    if isinstance(arg, tuple):
        raise Unsatisfied("a list of operands has no one name")
    return None if arg is None else g.cast(arg, dtype)


@dataclass(frozen=True, slots=True)
class Of:
    """An attribute of the specification; ``convert`` makes of it what ONNX takes."""

    name: str
    convert: Callable[[Any], Any] = lambda value: value

    def read(self, b: Binding) -> Any:
        """The value in a binding."""
        return self.convert(getattr(b, self.name))


def of(name: str, convert: Callable[[Any], Any] = lambda value: value) -> Of:
    """An attribute of the specification, as the value of one of ONNX."""
    return Of(name, convert)


def compare(op: str, *, since: int = 0) -> Form:
    """One node on two operands of a common dtype, whose result is boolean."""

    def form(g: Graph, b: Binding, *args: Arg) -> str:
        g.since(since)
        dtype = common(*args)
        return g.node(op, *(g.cast(arg, dtype) for arg in args), dtype="bool")

    return form


def common(*args: Arg) -> str:
    """The dtype that torch promotes operands to."""
    return result_dtype(*(arg.type for arg in args))


def wide(form: Form) -> Form:
    """A form of several nodes: in 16 bits it is computed in float32, so that it is rounded once, as torch does. The
    operands that it is given have their new dtype; the binding has the old one."""

    def widened(g: Graph, b: Binding, *args: Args) -> str | tuple[str, ...]:
        results = g.out
        if not any(out.dtype in NARROW for out in results):
            return form(g, b, *args)
        g.out = tuple(out.with_dtype("float32") if out.dtype in NARROW else out for out in results)
        found = form(g, b, *(_widened(g, arg) for arg in args))
        names = (found,) if isinstance(found, str) else found
        g.out = results
        back = tuple(g.cast(name, out.dtype) for name, out in zip(names, results, strict=True))
        return back[0] if isinstance(found, str) else back

    return widened


def _widened(g: Graph, arg: Args) -> Args:
    if isinstance(arg, tuple):
        return tuple(item for item in (_widened(g, item) for item in arg) if isinstance(item, Arg))
    if arg is None or not isinstance(arg.type, TensorType) or arg.dtype not in NARROW:
        return arg
    return Arg(g.cast(arg, "float32"), arg.type.with_dtype("float32"))
