"""Conditions over a Python integer and a tensor (`assay.ops.python_forms.TESTS`) as nodes of an ONNX graph.

What follows from types alone is decided here and becomes a constant, as in the models that exporters make: a branch on
a constant is what an optimiser takes apart.
"""

from __future__ import annotations

import ast
from typing import TypeAlias

from assay.ir.sizes import Sym, product
from assay.ir.types import ScalarType, TensorType
from assay.ops.facts import Unsatisfied, require
from assay.ops.onnx_forms import Arg, Graph

# Known while the model is built; or an integer, or a truth value, that a node yields.
Known: TypeAlias = bool | int | float


class _Node(str):
    """The name of a scalar that a node yields."""


_COMPARISONS = {ast.Gt: "Greater", ast.Lt: "Less", ast.GtE: "GreaterOrEqual", ast.LtE: "LessOrEqual", ast.Eq: "Equal"}
_ARITHMETIC = {ast.Add: "Add", ast.Sub: "Sub", ast.Mult: "Mul", ast.Mod: "Mod", ast.BitAnd: "BitwiseAnd"}


def condition(graph: Graph, form: str, number: Arg, tensor: Arg) -> str:
    """The name of a truth value. Raises Unsatisfied where ONNX does not say the condition."""
    tree = ast.parse(form.format("number", "tensor"), mode="eval").body
    return _as_bool(graph, _Lowering(graph, number, tensor).lower(tree))


class _Lowering:
    """One condition over its two operands."""

    def __init__(self, graph: Graph, number: Arg, tensor: Arg) -> None:
        assert isinstance(number.type, ScalarType)
        assert isinstance(tensor.type, TensorType)
        self.graph, self.number, self.tensor, self.type = graph, number, tensor, tensor.type

    def lower(self, tree: ast.expr) -> Known | _Node:
        match tree:
            case ast.Constant(value=bool() | int() | float() as value):
                return value
            case ast.Name(id="number"):
                return _Node(self.graph.name(self.number))
            case ast.Compare():
                return self._compare(tree)
            case ast.BoolOp(op=op, values=values):
                join = "And" if isinstance(op, ast.And) else "Or"
                return self._joined(join, [self.lower(value) for value in values])
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return _Node(self.graph.node("Not", _as_bool(self.graph, self.lower(operand)), dtype="bool"))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self._negated(self.lower(operand))
            case ast.BinOp():
                return self._arithmetic(tree)
            case ast.Call():
                return self._call(tree)
        raise Unsatisfied("no condition of ONNX")

    def _negated(self, value: Known | _Node) -> Known | _Node:
        return _Node(self.graph.node("Neg", value, dtype="int64")) if isinstance(value, _Node) else -value

    def _joined(self, op: str, values: list[Known | _Node]) -> Known | _Node:
        first, *rest = (_as_bool(self.graph, value) for value in values)
        for other in rest:
            first = self.graph.node(op, first, other, dtype="bool")
        return _Node(first)

    def _compare(self, tree: ast.Compare) -> Known | _Node:
        found: list[Known | _Node] = []
        left = tree.left
        for op, right in zip(tree.ops, tree.comparators, strict=True):
            found.append(self._compared(left, op, right))
            left = right
        return found[0] if len(found) == 1 else self._joined("And", found)

    def _compared(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Known | _Node:
        texts = {ast.unparse(left), ast.unparse(right)}
        if isinstance(op, ast.IsNot) and "None" in texts:
            return True
        if "tensor.dtype" in texts:
            return f"torch.{self.type.dtype}" in texts
        if isinstance(op, ast.In | ast.NotIn):
            require(isinstance(right, ast.Tuple | ast.List | ast.Set), "membership of a display")
            assert isinstance(right, ast.Tuple | ast.List | ast.Set)
            found = self._joined("Or", [self._compared(left, ast.Eq(), item) for item in right.elts])
            return found if isinstance(op, ast.In) else _Node(self.graph.node("Not", str(found), dtype="bool"))
        a, b = self.lower(left), self.lower(right)
        name = "Equal" if isinstance(op, ast.NotEq) else _COMPARISONS.get(type(op))
        require(name is not None, "no comparison of ONNX")
        dtype = "float32" if float in (type(a), type(b)) else "int64"
        made = self.graph.node(str(name), self._as(a, dtype), self._as(b, dtype), dtype="bool")
        return _Node(self.graph.node("Not", made, dtype="bool") if isinstance(op, ast.NotEq) else made)

    def _as(self, value: Known | _Node, dtype: str) -> str:
        return self.graph.cast(str(value), dtype) if isinstance(value, _Node) else self.graph.constant(value, dtype)

    def _arithmetic(self, tree: ast.BinOp) -> Known | _Node:
        a, b = self.lower(tree.left), self.lower(tree.right)
        if isinstance(tree.op, ast.Pow):
            require(b == 2, "a square")
            b, name = a, "Mul"
        elif isinstance(tree.op, ast.FloorDiv):
            # ONNX rounds the quotient of integers toward zero, and Mod has the sign of the divisor.
            rest = self.graph.node("Mod", self._as(a, "int64"), self._as(b, "int64"), dtype="int64")
            a, name = _Node(self.graph.node("Sub", self._as(a, "int64"), rest, dtype="int64")), "Div"
        else:
            require(type(tree.op) in _ARITHMETIC, "no arithmetic of ONNX")
            name = _ARITHMETIC[type(tree.op)]
            if name == "BitwiseAnd":
                self.graph.since(18)
        return _Node(self.graph.node(name, self._as(a, "int64"), self._as(b, "int64"), dtype="int64"))

    def _call(self, tree: ast.Call) -> Known | _Node:
        text = ast.unparse(tree)
        if text in ("tensor.dim()", "len(tensor.shape)"):
            return self.type.rank
        if text == "tensor.numel()":
            count = product(self.type.shape)
            if not isinstance(count, Sym):
                return count
            return _Node(self.graph.node("Size", self.graph.name(self.tensor), dtype="int64"))
        if text == "tensor.is_floating_point()":
            return "float" in self.type.dtype
        if text == "isinstance(number, float)":
            return False
        name = ast.unparse(tree.func)
        given = [self.lower(each) for each in tree.args] if name in ("abs", "bool", "float", "min") else []
        require(bool(given), "no function of ONNX")
        names = [self._as(each, "int64") for each in given]
        match name:
            case "abs":
                return _Node(self.graph.node("Abs", *names, dtype="int64"))
            case "min":
                return _Node(self.graph.node("Min", *names, dtype="int64"))
            case "float":
                return _Node(self.graph.cast(names[0], "float32"))
        return _Node(_as_bool(self.graph, _Node(names[0])))


def _as_bool(graph: Graph, value: Known | _Node) -> str:
    """The name of a truth value; an integer is true where it is not zero."""
    if not isinstance(value, _Node):
        return graph.constant(bool(value), "bool")
    if graph.dtypes.get(value) == "bool":
        return str(value)
    return graph.cast(str(value), "bool")
