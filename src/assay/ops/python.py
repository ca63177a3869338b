"""Python operations between tensor operations: arithmetic on numbers, containers, sizes.

Kinds: arithmetic (attribute ``symbol``: + - * // %), compare (``symbol``), pack (``container``: tuple, list, dict;
``keys``), item (``index``), append (the same list, one longer), size (``dim`` of a tensor), length, rename (another
name of the same object), read (`tensor.item()`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from assay.ir.program import PythonOperation
from assay.ir.sizes import largest, smallest
from assay.ir.types import ContainerType, ScalarType, TensorType, is_float
from assay.ops.facts import BOOLEAN, Facts, require
from assay.ops.python_forms import PICKS, TESTS


def apply_python(statement: PythonOperation, operands: Sequence[Any]) -> tuple[Any, ...]:
    """Abstract results of a Python operation. Raises Unsatisfied."""
    attributes = dict(statement.attributes)
    kind = statement.kind
    template: Any = operands[0] if operands else None
    if kind == "arithmetic":
        return (_arithmetic(attributes["symbol"], operands),)
    if kind == "compare":
        require(all(isinstance(o.type, ScalarType) for o in operands), "only Python numbers are compared here")
        return (replace(template, type=ScalarType("bool"), facts=BOOLEAN),)
    if kind == "pick":
        _, position, count = PICKS[attributes["form"]]
        require(len(operands) == count, "an expression has another number of operands")
        require(all(isinstance(o.type, TensorType) for o in operands), "only tensors are picked")
        return (operands[position],)
    if kind == "test":
        require(attributes["form"] in TESTS, "no such condition")
        require(isinstance(operands[0].type, ScalarType), "the first operand of a condition is a number")
        require(isinstance(operands[1].type, TensorType), "the second operand of a condition is a tensor")
        return (replace(template, type=ScalarType("bool"), facts=BOOLEAN),)
    if kind == "pack":
        keys = tuple(attributes.get("keys", ()))
        packed = ContainerType(attributes["container"], tuple(o.type for o in operands), keys)
        return (type(template)(packed, None, tuple(operands)),)
    if kind == "item":
        require(isinstance(template.type, ContainerType) and attributes["index"] < len(template.items), "no such item")
        return (template.items[attributes["index"]],)
    if kind == "append":
        require(isinstance(template.type, ContainerType) and template.type.kind == "list", "only a list grows")
        items = (*template.items, operands[1])
        longer = ContainerType("list", tuple(item.type for item in items))
        return (replace(template, type=longer, items=items),)
    if kind == "size":
        require(isinstance(template.type, TensorType) and attributes["dim"] < template.type.rank, "no such dimension")
        size = template.type.shape[attributes["dim"]]
        return (type(template)(ScalarType("int"), Facts(smallest(size), largest(size), 0)),)
    if kind == "length":
        count = len(template.items)
        return (type(template)(ScalarType("int"), Facts(count, count, 0)),)
    if kind == "read":
        require(isinstance(template.type, TensorType) and template.type.elements == 1, "only one element is read")
        require(template.facts is not None and template.facts.exact, "a rounded value reaches Python")
        number = "float" if is_float(template.type.dtype) else "bool" if template.type.dtype == "bool" else "int"
        return (type(template)(ScalarType(number), template.facts),)
    require(kind == "rename", f"unknown Python operation {kind}")
    return (template,)


def _arithmetic(symbol: str, operands: Sequence[Any]) -> Any:
    a, b = operands
    require(all(isinstance(o.type, ScalarType) and o.facts is not None for o in operands), "only numbers are added")
    kind = "float" if "float" in (a.type.kind, b.type.kind) else "int"
    if symbol in ("//", "%"):
        require(b.facts.low > 0 and kind == "int", "division by a number that may be zero")
        facts = Facts(0, b.facts.high - 1, 0) if symbol == "%" else _quotient(a.facts, b.facts)
    else:
        facts = {"+": a.facts + b.facts, "-": a.facts - b.facts, "*": a.facts * b.facts}[symbol]
    require(facts.magnitude < 2**31, "a number grows large")
    return replace(a, type=ScalarType(kind), facts=Facts(facts.low, facts.high, facts.scale))


def _quotient(a: Facts, b: Facts) -> Facts:
    corners = [float(x // y) for x in (a.low, a.high) for y in (b.low, b.high)]
    return Facts(min(corners), max(corners), 0)
