"""Programs as JSON data and back: the recipe of a case. No pickle, no eval: every tag is looked up in a fixed table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.ir import sizes
from assay.ir.program import (
    KEPT,
    Argument,
    Block,
    Call,
    Data,
    Input,
    Layout,
    Literal,
    Opaque,
    Operation,
    Program,
    PythonOperation,
    Region,
    Statement,
    Tree,
    Value,
)
from assay.ir.types import ContainerType, Dtype, FunctionType, ScalarType, TensorType, Type


class Unreadable(ValueError):
    """The data is not a program that this version knows."""


def program_to_json(program: Program) -> dict[str, Any]:
    """The program as JSON-compatible data."""
    return {
        "sizes": {name: list(values) for name, values in program.sizes},
        "instantiations": program.instantiations,
        "inputs": [[_value(entry.value), entry.role, entry.base] for entry in program.inputs],
        "body": [_statement(statement) for statement in program.body],
        "outputs": _tree(program.outputs),
        "calls": [
            {
                "instantiation": call.instantiation,
                "arguments": {k: _argument(a) for k, a in call.arguments},
                **({"before": [_statement(each) for each in call.before]} if call.before else {}),
                **({"around": call.around} if call.around else {}),
            }
            for call in program.calls
        ],
        "training": program.training,
        "style": program.style,
        **({} if program.values == KEPT else {"values": program.values}),
        **({"definitions": [_statement(each) for each in program.definitions]} if program.definitions else {}),
        **({"watched": list(program.watched)} if program.watched else {}),
    }


def program_from_json(data: Mapping[str, Any]) -> Program:
    """The program that `program_to_json` described. Raises Unreadable."""
    try:
        table = {name: tuple(values) for name, values in data["sizes"].items()}
        read = _Reader(table, data["instantiations"])
        return Program(
            sizes=tuple(table.items()),
            instantiations=data["instantiations"],
            inputs=tuple(Input(read.value(value), role, base) for value, role, base in data["inputs"]),
            body=tuple(read.statement(statement) for statement in data["body"]),
            outputs=_read_tree(data["outputs"]),
            calls=tuple(
                Call(
                    call["instantiation"],
                    tuple((k, _read_argument(a)) for k, a in call["arguments"].items()),
                    tuple(read.opaque(each) for each in call.get("before", ())),
                    call.get("around", ""),
                )
                for call in data["calls"]
            ),
            training=data["training"],
            style=data["style"],
            values=data.get("values", KEPT),
            definitions=tuple(read.opaque(each) for each in data.get("definitions", ())),
            watched=tuple(data.get("watched", ())),
        )
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise Unreadable(f"not a program of this version ({error!r})") from error


def _value(value: Value) -> list[Any]:
    return [value.name, _type(value.type), value.storage]


def _type(type_: Type) -> list[Any]:
    match type_:
        case TensorType():
            return ["tensor", type_.dtype, [sizes.to_json(size) for size in type_.shape]]
        case ScalarType():
            return ["scalar", type_.kind]
        case ContainerType():
            return ["container", type_.kind, [_type(item) for item in type_.items], list(type_.keys)]
        case FunctionType():
            return ["function", [_type(p) for p in type_.parameters], [_type(r) for r in type_.results]]


def _plain(value: Any) -> Any:
    """An attribute or operand: scalars as they are, everything else tagged."""
    if isinstance(value, sizes.Sym):
        return sizes.to_json(value)
    if isinstance(value, tuple):
        return {"tuple": [_plain(item) for item in value]}
    if isinstance(value, Literal):
        return {"literal": _plain(value.value)}
    if isinstance(value, Dtype):
        return {"dtype": value.name}
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return {"float": str(value)}
    return value


def _statement(statement: Statement) -> list[Any]:
    results = [_value(value) for value in statement.results]
    match statement:
        case Operation():
            attributes = {name: _plain(value) for name, value in statement.attributes}
            operands = [_plain(operand) for operand in statement.operands]
            return ["operation", statement.operator, operands, attributes, results, statement.form, statement.out]
        case PythonOperation():
            attributes = {name: _plain(value) for name, value in statement.attributes}
            return ["python", statement.kind, [_plain(o) for o in statement.operands], attributes, results]
        case Region():
            attributes = {name: _plain(value) for name, value in statement.attributes}
            blocks = [
                [[_statement(s) for s in b.statements], list(b.results), [_value(p) for p in b.parameters]]
                for b in statement.blocks
            ]
            return ["region", statement.kind, [_plain(o) for o in statement.operands], attributes, blocks, results]
        case Opaque():
            label = [statement.label] if statement.label else []
            return ["opaque", statement.text, list(statement.reads), list(statement.writes), results, *label]


def _tree(tree: Tree) -> Any:
    return tree if isinstance(tree, str) else [tree[0], [_tree(item) for item in tree[1]], list(tree[2])]


def _read_tree(data: Any) -> Tree:
    return data if isinstance(data, str) else (data[0], tuple(_read_tree(item) for item in data[1]), tuple(data[2]))


def _argument(argument: Argument) -> dict[str, Any]:
    data, layout = argument.data, argument.layout
    return {
        "data": None if data is None else _data(data),
        "layout": [layout.kind, list(layout.order), layout.offset, layout.step],
        "requires_grad": argument.requires_grad,
        "scalar": argument.scalar,
        **({} if argument.text is None else {"text": argument.text}),
    }


def _data(data: Data) -> list[Any]:
    formula = [data.low, data.step, data.modulus, data.multiplier, data.offset]
    return [*formula, [_plain(value) for value in data.special]] if data.special else formula


def _read_data(data: list[Any]) -> Data:
    low, step, modulus, multiplier, offset, *rest = data
    special = tuple(float(each["float"]) if isinstance(each, dict) else each for each in (rest[0] if rest else ()))
    return Data(low, step, modulus, multiplier, offset, special)


def _read_argument(data: Mapping[str, Any]) -> Argument:
    kind, order, offset, step = data["layout"]
    contents = None if data["data"] is None else _read_data(data["data"])
    return Argument(
        contents, Layout(kind, tuple(order), offset, step), data["requires_grad"], data["scalar"], data.get("text")
    )


class _Reader:
    """Reads what mentions sizes, under one table of symbols."""

    def __init__(self, table: Mapping[str, tuple[int, ...]], instantiations: int) -> None:
        self.table = table
        self.instantiations = instantiations

    def value(self, data: Any) -> Value:
        name, type_, storage = data
        return Value(name, self.type(type_), storage)

    def type(self, data: Any) -> Type:
        match data[0]:
            case "tensor":
                shape = tuple(sizes.from_json(size, self.table, self.instantiations) for size in data[2])
                return TensorType(data[1], shape)
            case "scalar":
                return ScalarType(data[1])
            case "container":
                return ContainerType(data[1], tuple(self.type(item) for item in data[2]), tuple(data[3]))
            case "function":
                return FunctionType(tuple(map(self.type, data[1])), tuple(map(self.type, data[2])))
        raise Unreadable(f"unknown type {data[0]!r}")

    def plain(self, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        ((tag, value),) = data.items()
        match tag:
            case "size":
                return sizes.from_json(data, self.table, self.instantiations)
            case "tuple":
                return tuple(self.plain(item) for item in value)
            case "literal":
                return Literal(self.plain(value))
            case "dtype":
                return Dtype(value)
            case "float":
                return float(value)
        raise Unreadable(f"unknown tag {tag!r}")

    def statement(self, data: Any) -> Statement:
        match data[0]:
            case "operation":
                _, operator, operands, attributes, results, form, out = data
                return Operation(
                    operator, self.plains(operands), self.pairs(attributes), self.values(results), form, out
                )
            case "python":
                _, kind, operands, attributes, results = data
                return PythonOperation(kind, self.plains(operands), self.pairs(attributes), self.values(results))
            case "region":
                _, kind, operands, attributes, blocks, results = data
                read = tuple(
                    Block(tuple(self.statement(s) for s in statements), tuple(names), self.values(parameters))
                    for statements, names, parameters in blocks
                )
                return Region(kind, self.plains(operands), self.pairs(attributes), read, self.values(results))
            case "opaque":
                return self.opaque(data)
        raise Unreadable(f"unknown statement {data[0]!r}")

    def opaque(self, data: Any) -> Opaque:
        _, text, reads, writes, results, *label = data
        return Opaque(text, tuple(reads), tuple(writes), self.values(results), *label)

    def plains(self, data: Any) -> tuple[Any, ...]:
        return tuple(self.plain(item) for item in data)

    def pairs(self, data: Any) -> tuple[tuple[str, Any], ...]:
        return tuple((name, self.plain(value)) for name, value in data.items())

    def values(self, data: Any) -> tuple[Value, ...]:
        return tuple(self.value(item) for item in data)
