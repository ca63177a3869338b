"""A program as a Python module that builds an ONNX model: ``model``, ``inputs``, ``CALLS``.

Every operation is written by the form that its specification states (`assay.ops.onnx_forms`), without an exporter in
between. Parameters and buffers become initializers; a symbolic size is a named dimension, read from an input's shape.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from assay.emit.onnx_main import MAIN
from assay.emit.onnx_regions import Scope, write_region, write_test
from assay.emit.torch_inputs import INDENT, concrete, element, literal
from assay.ir.program import (
    Argument,
    Data,
    Operand,
    Operation,
    Program,
    PythonOperation,
    Region,
    Statement,
    output_names,
)
from assay.ir.sizes import Sym
from assay.ir.sizes import render as size_text
from assay.ir.types import ScalarType, TensorType, Type
from assay.ops.catalogue import load
from assay.ops.facts import Unsatisfied, require
from assay.ops.onnx_forms import Arg, Args, Constant, Graph, Node, Subgraph, TypeName, express
from assay.ops.protocol import Operator, bind

OPSETS = tuple(range(17, 27))
DEFAULT_OPSET = 21
IR_VERSIONS = {17: 8, 18: 8, 19: 9, 20: 9, 21: 10, 22: 10, 23: 11, 24: 12, 25: 13, 26: 13}
"""The IR version that belongs to an opset: `onnx.helper.VERSION_TABLE`."""

ELEMENT_TYPES = {
    "bool": "BOOL",
    "uint8": "UINT8",
    "int8": "INT8",
    "int16": "INT16",
    "int32": "INT32",
    "int64": "INT64",
    "float16": "FLOAT16",
    "bfloat16": "BFLOAT16",
    "float32": "FLOAT",
    "float64": "DOUBLE",
    "complex64": "COMPLEX64",
    "complex128": "COMPLEX128",
}
INLINE = 64

FILL = [
    "def fill(shape, dtype, low, step, modulus, multiplier=1, offset=0):",
    f'{INDENT}"""Element k is low + step * ((k * multiplier + offset) % modulus)."""',
    f"{INDENT}k = (np.arange(math.prod(shape)) * multiplier + offset) % modulus",
    f"{INDENT}return np.asarray(low + step * k).astype(dtype).reshape(shape)",
]
FILL_SPECIAL = [
    "def fill(shape, dtype, low, step, modulus, multiplier=1, offset=0, special=()):",
    f'{INDENT}"""Element k is low + step * r, r = (k * multiplier + offset) % modulus, or special[r]."""',
    f"{INDENT}r = (np.arange(math.prod(shape)) * multiplier + offset) % modulus",
    f"{INDENT}elements = np.asarray(low + step * r).astype(dtype)",
    f"{INDENT}for number, value in enumerate(special):",
    f"{INDENT * 2}elements[r == number] = value",
    f"{INDENT}return elements.reshape(shape)",
]


@dataclass(frozen=True)
class Model:
    """A translated program: nodes, constants by name, and the inputs and outputs with their types."""

    opset: int
    nodes: tuple[Node, ...]
    constants: Mapping[str, Constant]
    inputs: tuple[tuple[str, Type], ...]
    outputs: tuple[tuple[str, Type], ...]
    state: tuple[str, ...]


def translate(program: Program, opset: int = DEFAULT_OPSET) -> Model:
    """The model of a program. Raises Unsatisfied where an operation has no form for ONNX at this opset, or a statement
    is none that ONNX has."""
    graph = Graph(opset, _size_sources(program))
    scope = Scope()
    for entry in program.inputs:
        require(entry.base is None, "no two inputs of a model share memory")
        scope.define(entry.value, entry.name)
        graph.dtypes[entry.name] = scope.arg(entry.name).dtype
    operators = load()

    def statement_in(into: Graph, statement: Statement) -> None:
        match statement:
            case Operation():
                names = write(into, operators[statement.operator], statement, scope)
                for value, name in zip(statement.results, names, strict=True):
                    scope.define(value, name)
            case Region():
                write_region(into, scope, statement, statement_in)
            case PythonOperation():
                write_test(into, scope, statement)
            case _:
                raise Unsatisfied("ONNX has no such statement")

    for statement in program.body:
        statement_in(graph, statement)
    return _finished(program, graph, scope)


def write(graph: Graph, operator: Operator, statement: Operation, scope: Scope) -> tuple[str, ...]:
    """Append an operation's nodes; the names of its results. Raises Unsatisfied."""
    require(statement.form in ("function", "method", "operator"), "ONNX writes nothing in place")

    def argument(operand: Operand) -> Args:
        if operand is None:
            return None
        if isinstance(operand, tuple):
            return tuple(item for item in map(argument, operand) if isinstance(item, Arg))
        return scope.operand(operand)

    def bound(operand: Args) -> Any:
        if isinstance(operand, tuple):
            return tuple(item.type for item in operand)
        return None if operand is None else operand.type

    arguments = [argument(operand) for operand in statement.operands]
    binding = bind(operator, [bound(operand) for operand in arguments], dict(statement.attributes))
    results = [value.type for value in statement.results if isinstance(value.type, TensorType)]
    return express(graph, operator, binding, arguments, results)


def _size_sources(program: Program) -> dict[str, tuple[str, int | None]]:
    found: dict[str, tuple[str, int | None]] = {}
    for entry in program.inputs:
        if isinstance(entry.value.type, TensorType):
            if entry.role != "argument":
                continue
            for position, size in enumerate(entry.value.type.shape):
                if isinstance(size, Sym) and isinstance(size.expr, str):
                    found.setdefault(size.expr, (entry.name, position))
        elif entry.name.startswith("n_"):
            found.setdefault(entry.name[2:], (entry.name, None))
    return found


def _finished(program: Program, graph: Graph, scope: Scope) -> Model:
    """Results take the names that the program gives them, and every output gets a node of its own."""
    produced = {name for made in walk(graph.nodes) for name in _made(made)}
    renamed: dict[str, str] = {}
    for value, name in scope.names.items():
        if name in produced and name not in renamed:
            renamed[name] = value
    nodes = list(_renamed(graph.nodes, renamed))
    own = {name for made in nodes for name in made.outputs}
    outputs: list[tuple[str, Type]] = []
    for value in output_names(program.outputs):
        name = renamed.get(scope.names[value], scope.names[value])
        if name not in own or any(name == taken for taken, _ in outputs):
            copy = f"o{len(outputs)}"
            nodes.append(Node("Identity", (name,), (copy,)))
            name = copy
        outputs.append((name, scope.types[value]))
    state = tuple(entry.name for entry in program.inputs if entry.role != "argument")
    inputs = tuple((entry.name, entry.value.type) for entry in program.inputs if entry.role == "argument")
    read = {name for made in walk(nodes) for name in made.inputs}
    constants = {name: constant for name, constant in graph.constants.items() if name in read}
    return Model(graph.opset, tuple(nodes), constants, inputs, tuple(outputs), state)


def walk(nodes: Sequence[Node]) -> Iterator[Node]:
    """Every node, those of subgraphs included."""
    for made in nodes:
        yield made
        for inner in _inner(made):
            yield from walk(inner.nodes)


def _inner(made: Node) -> list[Subgraph]:
    return [value for _, value in made.attributes if isinstance(value, Subgraph)]


def _made(made: Node) -> Iterator[str]:
    """The names that a node brings into being: its outputs, and what the graphs inside it are given."""
    yield from made.outputs
    for inner in _inner(made):
        yield from (name for name, _ in inner.inputs)


def _renamed(nodes: Sequence[Node], renamed: Mapping[str, str]) -> Iterator[Node]:
    def named(entries: tuple[tuple[str, Type], ...]) -> tuple[tuple[str, Type], ...]:
        return tuple((renamed.get(name, name), type_) for name, type_ in entries)

    for made in nodes:
        attributes = tuple(
            (
                name,
                replace(
                    value,
                    nodes=tuple(_renamed(value.nodes, renamed)),
                    inputs=named(value.inputs),
                    outputs=named(value.outputs),
                )
                if isinstance(value, Subgraph)
                else value,
            )
            for name, value in made.attributes
        )
        inputs, outputs = (tuple(renamed.get(name, name) for name in names) for names in (made.inputs, made.outputs))
        yield replace(made, inputs=inputs, outputs=outputs, attributes=attributes)


# text


def render(
    program: Program,
    opset: int = DEFAULT_OPSET,
    *,
    literals: bool = False,
    finite: bool = False,
    title: str = "",
    main: bool = False,
) -> str:
    """The module's text; with ``literals`` small inputs are written out. ``main``: the module can be run; with
    ``finite`` it then checks that every output is finite. Raises Unsatisfied as `translate` does."""
    made = translate(program, opset)
    body = [*_model_lines(program, made, literals), "", "", *_input_lines(program, literals)]
    fill = any("fill(" in line for line in body)
    lines = [f'"""{title}"""', ""] if title else []
    lines += ["import math", ""] if fill else []
    if any('"bfloat16"' in line for line in body):
        lines += ["import ml_dtypes  # noqa: F401 -- makes bfloat16 a dtype of numpy's"]
    imported = ["TensorProto", *(["checker"] if main else []), "helper", "numpy_helper"]
    lines += ["import numpy as np", f"from onnx import {', '.join(imported)}", "", f"CALLS = {len(program.calls)}"]
    lines += [*([f"FINITE = {finite}"] if main else []), "", ""]
    if fill:
        lines += [*(FILL_SPECIAL if any("special=" in line for line in body) else FILL), "", ""]
    return "\n".join([*lines, *body, *(["", "", *MAIN] if main else [])]) + "\n"


def _model_lines(program: Program, made: Model, literals: bool) -> list[str]:
    blocks = {id(block): f"block{number}" for number, block in enumerate(_blocks(made.nodes))}
    lines = ["def model():"]
    for block in _blocks(made.nodes):
        lines += _block_lines(block, blocks)
    lines += [f"{INDENT}nodes = ["]
    lines += [f"{INDENT * 2}{_node(each, blocks)}," for each in made.nodes]
    lines += [f"{INDENT}]", f"{INDENT}inputs = ["]
    lines += [f"{INDENT * 2}{_info(name, type_)}," for name, type_ in made.inputs]
    lines += [f"{INDENT}]", f"{INDENT}outputs = ["]
    lines += [f"{INDENT * 2}{_info(name, type_)}," for name, type_ in made.outputs]
    lines += [f"{INDENT}]", f"{INDENT}initializers = ["]
    lines += [f"{INDENT * 2}{_initializer(name, constant)}," for name, constant in made.constants.items()]
    first = program.calls[0]
    for entry in program.inputs:
        if entry.role != "argument":
            assert isinstance(entry.value.type, TensorType)
            contents = _contents(entry.value.type, first.argument(entry.name), first.instantiation, literals)
            lines.append(f"{INDENT * 2}numpy_helper.from_array({contents}, {_quoted(entry.name)}),")
    lines += [
        f"{INDENT}]",
        f'{INDENT}graph = helper.make_graph(nodes, "program", inputs, outputs, initializers)',
        f'{INDENT}opsets = [helper.make_opsetid("", {made.opset})]',
        f"{INDENT}return helper.make_model(graph, ir_version={IR_VERSIONS[made.opset]}, opset_imports=opsets)",
    ]
    return lines


def _blocks(nodes: Sequence[Node]) -> Iterator[Subgraph]:
    """Every subgraph, inner ones first."""
    for made in nodes:
        for block in _inner(made):
            yield from _blocks(block.nodes)
            yield block


def _block_lines(block: Subgraph, blocks: Mapping[int, str]) -> list[str]:
    def listed(texts: Iterable[str]) -> list[str]:
        inside = [f"{INDENT * 3}{text}," for text in texts]
        return [f"{INDENT * 2}[", *inside, f"{INDENT * 2}],"] if inside else [f"{INDENT * 2}[],"]

    name = blocks[id(block)]
    return [
        f"{INDENT}{name} = helper.make_graph(",
        *listed(_node(each, blocks) for each in block.nodes),
        f"{INDENT * 2}{_quoted(name)},",
        *listed(_info(*entry) for entry in block.inputs),
        *listed(_info(*entry) for entry in block.outputs),
        *listed(_initializer(*item) for item in block.constants.items()),
        f"{INDENT})",
    ]


def _initializer(name: str, constant: Constant) -> str:
    return f"numpy_helper.from_array({_array(constant)}, {_quoted(name)})"


def _node(made: Node, blocks: Mapping[int, str]) -> str:
    inputs, outputs = (f"[{', '.join(map(_quoted, names))}]" for names in (made.inputs, made.outputs))
    attributes = "".join(
        f", {name}={blocks[id(value)] if isinstance(value, Subgraph) else _attribute(value)}"
        for name, value in made.attributes
    )
    return f"helper.make_node({_quoted(made.op)}, {inputs}, {outputs}{attributes})"


def _attribute(value: Any) -> str:
    if isinstance(value, TypeName):
        return _element_type(value.dtype)
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_attribute, value))}]"
    require(not isinstance(value, Sym), "an attribute of ONNX is no symbolic size")
    return repr(value)


def _info(name: str, type_: Type) -> str:
    assert isinstance(type_, TensorType | ScalarType)
    shape = type_.shape if isinstance(type_, TensorType) else ()
    sizes = ", ".join(_quoted(size_text(size)) if isinstance(size, Sym) else str(size) for size in shape)
    return f"helper.make_tensor_value_info({_quoted(name)}, {_element_type(Arg(name, type_).dtype)}, [{sizes}])"


def _element_type(dtype: str) -> str:
    return f"TensorProto.{ELEMENT_TYPES[dtype]}"


def _array(constant: Constant) -> str:
    values = ", ".join(_number(value) for value in constant.values)
    if constant.shape == ():
        return f'np.array({values}, "{constant.dtype}")'
    reshape = f".reshape({_shape(constant.shape)})" if len(constant.shape) > 1 else ""
    return f'np.array([{values}], "{constant.dtype}"){reshape}'


def _number(value: Any) -> str:
    text = repr(value)
    return re.sub("inf|nan", r"np.\g<0>", text)


def _contents(type_: TensorType, argument: Argument, instantiation: int, literals: bool) -> str:
    shape = concrete(type_, instantiation)
    data = argument.data
    assert data is not None
    if argument.layout.kind == "expanded":
        raise Unsatisfied("an input of a model is contiguous")
    count = 1
    for size in shape:
        count *= size
    if literals and count <= INLINE:
        reshape = f".reshape({_shape(shape)})" if 0 in shape else ""
        return f'np.array({literal(data, shape, type_.dtype)}, "{type_.dtype}"){reshape}'
    return _filled(data, shape, type_.dtype)


def _filled(data: Data, shape: Sequence[int], dtype: str) -> str:
    numbers = [data.low, data.step, data.modulus, data.multiplier, data.offset]
    while len(numbers) > 3 and numbers[-1] == (1 if len(numbers) == 4 else 0):
        numbers.pop()
    text = ", ".join(str(int(n)) if n == int(n) and abs(n) < 2**53 else repr(n) for n in numbers)
    if data.special:
        text += f", special=({', '.join(element(value, dtype) for value in data.special)},)"
    return f'fill({_shape(shape)}, "{dtype}", {text})'


def _input_lines(program: Program, literals: bool) -> list[str]:
    lines = ["def inputs(call=0):"]
    for number in range(len(program.calls)):
        call = program.calls[number]
        block = ["return {"]
        for entry in program.inputs:
            if entry.role != "argument":
                continue
            argument = call.argument(entry.name)
            if isinstance(entry.value.type, TensorType):
                text = _contents(entry.value.type, argument, call.instantiation, literals)
            else:
                text = f'np.array({argument.scalar!r}, "{Arg(entry.name, entry.value.type).dtype}")'  # type: ignore[arg-type]
            block.append(f"{INDENT}{_quoted(entry.name)}: {text},")
        block.append("}")
        last = number == len(program.calls) - 1
        if not last:
            lines.append(f"{INDENT}if call == {number}:")
        lines += [(INDENT if last else INDENT * 2) + line for line in block]
    return lines


def _shape(shape: Sequence[int]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def _quoted(text: str) -> str:
    return f'"{text}"'
