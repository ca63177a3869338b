"""A graph of aten operators as a program of specifications.

    worker: torch.export -> graph -> lift -> texts -> worker: held, node by node -> lift without those that are wrong

Which specification a call is is found by names and by the types that come of it, which leaves room for mistakes; so
each is run beside the call that it stands for, on its operands, and counts only if it gives exactly the same, but for
the sign of a zero. What no specification says, or takes, stays as it is: a statement of text that calls the operator,
which can be wrapped, moved and deleted like any other.

Parameters and inputs are not those of the subject but like them: of the same type and range, made by formulas, so that
a program needs nothing but its text.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from assay.checking.inputs import contents
from assay.checking.lift_table import ARGUMENTS, COUNTED, FILLED, IDLE, IDLE_IN, NAMES, NOTHING
from assay.emit.torch import statement_lines
from assay.ir.program import (
    FOUND,
    Argument,
    Call,
    Data,
    Input,
    Literal,
    Opaque,
    Operand,
    Operation,
    Program,
    Statement,
    Tree,
    Value,
    operand_names,
)
from assay.ir.types import ALL, ANY, Dtype, ScalarType, TensorType, Type, is_complex, is_float
from assay.ops.catalogue import load
from assay.ops.facts import Unsatisfied
from assay.ops.interpret import Environment, Interpreter, interpret
from assay.ops.protocol import MISSING, Attribute, Operator, bind

TRIES = 48
"""How many readings of one call are tried."""

_UNREADABLE = (Unsatisfied, ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What a specification raises that is asked about a call which was not made for it."""


class Unliftable(Exception):
    """There is no program of it; the text says why."""


@dataclass(frozen=True)
class Lifted:
    """A program, and of each of its outermost statements the node that it is of and where the user wrote it."""

    program: Program
    nodes: tuple[str, ...]
    origins: tuple[tuple[str, str], ...]
    opaque: tuple[str, ...]
    operands: Mapping[str, str]

    @property
    def told(self) -> str:
        """What was lifted, in words."""
        count = len(self.program.body)
        whole = f"{count - len(self.opaque)} of {count} operations"
        names = ", ".join(dict.fromkeys(self.opaque))
        return f"{whole}; wrapped as they are: {names}" if names else whole

    def texts(self) -> dict[str, dict[str, Any]]:
        """By node the text of each operation that a specification says, the names that it binds, and by the nodes that
        give them the names that it reads."""
        found = {}
        for node, statement, lines in zip(self.nodes, self.program.body, statement_lines(self.program), strict=True):
            if isinstance(statement, Operation):
                results = [value.name for value in statement.results]
                read = {name for operand in statement.operands for name in operand_names(operand)}
                operands = {each: said for each, said in self.operands.items() if said.rpartition(".")[2] in read}
                found[node] = {"text": "\n".join(lines), "results": results, "operands": operands}
        return found


def lift(graph: Mapping[str, Any], training: bool, wrong: frozenset[str] = frozenset()) -> Lifted:
    """The program of a graph; the nodes ``wrong`` stay calls of their operators. Raises Unliftable."""
    return _Lifting(graph, training, wrong).lifted()


class _Lifting:
    def __init__(self, graph: Mapping[str, Any], training: bool, wrong: frozenset[str]) -> None:
        self.graph = graph
        self.training = training
        self.wrong = wrong
        self.operators = load()
        self.names: dict[str, str] = {}
        self.given: set[str] = set()
        self.many: dict[str, list[str]] = {}
        self.body: list[Statement] = []
        self.nodes: list[str] = []
        self.origins: list[tuple[str, str]] = []
        self.opaque: list[str] = []
        self.storages: dict[str, str] = {}
        self.types: dict[str, Type] = {}

    def lifted(self) -> Lifted:
        """All of it."""
        inputs, arguments = self._inputs()
        stateful = any(entry.role != "argument" for entry in inputs)
        program = Program(
            sizes=(),
            instantiations=1,
            inputs=tuple(inputs),
            body=(),
            outputs=("tuple", (), ()),
            calls=(Call(0, tuple(arguments)),),
            training=self.training,
            style="forward" if stateful else "function",
            values=FOUND,
        )
        try:
            _, environment = interpret(program, self.operators)
        except Unsatisfied as reason:
            raise Unliftable(f"its inputs are not representable: {reason}") from None
        interpreter = Interpreter(self.operators, {}, 1, FOUND)
        for node in self.graph["nodes"]:
            self._node(node, interpreter, environment)
        names = [self.names[name] for name in self.graph["outputs"] if name in self.names]
        if not names:
            raise Unliftable("it returns nothing that it computes")
        outputs: Tree = names[0] if len(names) == 1 else ("tuple", tuple(names), ())
        program = replace(program, body=tuple(self.body), outputs=outputs)
        operands = {each: f"self.{name}" if self._is_state(inputs, name) else name for each, name in self.names.items()}
        return Lifted(program, tuple(self.nodes), tuple(self.origins), tuple(self.opaque), operands)

    @staticmethod
    def _is_state(inputs: Sequence[Input], name: str) -> bool:
        return any(entry.name == name and entry.role != "argument" for entry in inputs)

    def _inputs(self) -> tuple[list[Input], list[tuple[str, Argument]]]:
        inputs: list[Input] = []
        arguments: list[tuple[str, Argument]] = []
        for number, entry in enumerate(self.graph["placeholders"]):
            dtype = entry["dtype"]
            if dtype not in ANY:
                raise Unliftable(f"it is given a tensor of {dtype}")
            role = entry["role"]
            name = f"x{number}" if role == "argument" else _state_name(entry["name"], number)
            self.names[entry["name"]] = name
            if role == "argument":
                self.given.add(name)
            self.storages[entry["name"]] = name
            value = Value(name, TensorType(dtype, tuple(entry["shape"])), name)
            self.types[name] = value.type
            inputs.append(Input(value, role))
            floats = is_float(dtype) or is_complex(dtype)
            required = self.training and floats and (entry["requires_grad"] or role == "argument")
            arguments.append((name, replace(_like(entry, number), requires_grad=required)))
        return inputs, arguments

    def _node(self, node: Mapping[str, Any], interpreter: Interpreter, environment: Environment) -> None:
        arguments = dict(node["arguments"])
        if node["operator"] == "getitem":
            source = arguments["of"]["node"]
            if source not in self.many:
                raise Unliftable(f"it takes an item of {source}, which is no list")
            self.names[node["name"]] = self.many[source][arguments["index"]]
            return
        if self._does_nothing(node, arguments):
            return
        results = self._results(node)
        read = None if node["name"] in self.wrong else self._operation(node, results, interpreter, environment)
        if read is not None:
            self.body.append(read)
        else:
            self.body.append(interpreter.statement(self._as_it_is(node, results), environment))
            self.opaque.append(node["operator"])
        self.nodes.append(node["name"])
        file, line, text, module = node["origin"]
        where = f"{file}:{line}" if file else ""
        self.origins.append((f"{where} in {module}" if where and module else where or module, text))

    def _does_nothing(self, node: Mapping[str, Any], arguments: Mapping[str, Any]) -> bool:
        """Whether a node only checks, or copies a tensor into itself, which is how an export ends."""
        name = node["operator"].split(".")[1]
        if name in NOTHING:
            return True
        if name != "copy_":
            return False
        target, source = (arguments.get(each, {}) for each in ("self", "src"))
        if not (isinstance(target, dict) and isinstance(source, dict) and {"node"} == set(target) == set(source)):
            return False
        ours, theirs = (self.names[each["node"]] for each in (target, source))
        same = self.storages[target["node"]] == self.storages[source["node"]] and self.types[ours] == self.types[theirs]
        if same:
            self.names[node["name"]] = theirs
        return same

    def _results(self, node: Mapping[str, Any]) -> tuple[Value, ...]:
        """The values that a node gives, of new names."""
        result = node["result"]
        parts = result["many"] if isinstance(result, dict) and "many" in result else [result]
        values, names = [], []
        for number, part in enumerate(parts):
            name = f"v{len(self.types)}"
            if isinstance(part, dict):
                self.types[name] = ScalarType(part.get("scalar", "NoneType"))
                values.append(Value(name, self.types[name]))
            else:
                dtype, shape, storage, _ = part
                key = node["name"] if parts is not result and len(parts) == 1 else f"{node['name']}_{number}"
                self.types[name] = TensorType(dtype, tuple(shape))
                where = self.storages.get(storage, name)
                self.storages[key] = where
                self.storages[node["name"]] = where
                values.append(Value(name, self.types[name], where))
            names.append(name)
        if len(parts) > 1 or (isinstance(result, dict) and "many" in result):
            self.many[node["name"]] = names
        else:
            self.names[node["name"]] = names[0]
        return tuple(values)

    def _as_it_is(self, node: Mapping[str, Any], results: tuple[Value, ...]) -> Opaque:
        """The call of the operator itself."""
        named = dict(self.names)
        for value in results:
            if isinstance(value.type, TensorType) and value.type.dtype not in ANY:
                raise Unliftable(f"{node['operator']} gives a tensor of {value.type.dtype}")
        try:
            call = node["text"].format(**named)
        except (KeyError, IndexError):
            raise Unliftable(f"{node['operator']} is given what is no value") from None
        left = ", ".join(value.name for value in results)
        reads = [ours for name, ours in named.items() if f"{{{name}}}" in node["text"]]
        comma = "," if node["name"] in self.many and len(results) == 1 else ""
        return Opaque(f"{left}{comma} = {call}", tuple(dict.fromkeys(reads)), (), results, label="")

    def _operation(
        self, node: Mapping[str, Any], results: tuple[Value, ...], interpreter: Interpreter, environment: Environment
    ) -> Operation | None:
        """The call as an operation of a specification; None where none says it."""
        name = node["operator"].split(".")[1]
        types = [value.type for value in results]
        readings = (
            (operator, form, operands, attributes)
            for operator, form in self._candidates(name, types)
            for operands, attributes in self._readings(operator, node["arguments"], results)
        )
        for operator, form, operands, attributes in itertools.islice(readings, TRIES):
            try:
                statement = Operation(
                    operator.name,
                    operands,
                    tuple(attributes.items()),
                    self._shared(operator, form, operands, results),
                    form,
                )
                # Tried on the side: a reading that is none must leave nothing behind.
                trial = interpreter.statement(statement, Environment(environment))
                if [value.type for value in trial.results] != types:
                    continue
                found = interpreter.statement(statement, environment)
            except _UNREADABLE:
                continue
            assert isinstance(found, Operation)
            return found
        return None

    def _shared(
        self, operator: Operator, form: str, operands: Sequence[Operand], results: tuple[Value, ...]
    ) -> tuple[Value, ...]:
        """The results with the storages that the specification says: that of what is written, or seen."""
        of = operator.operands[0].name if form == "inplace" else operator.view or operator.maybe_view
        if of is None:
            return results
        operand = operands[operator.index[of]]
        operand = operand[0] if isinstance(operand, tuple) and operand else operand
        where = next((v.storage for s in self.body for v in s.results if v.name == operand), str(operand))
        return tuple(replace(value, storage=where) for value in results)

    def _candidates(self, name: str, types: Sequence[Type]) -> Iterator[tuple[Operator, str]]:
        """Specifications that may say a call, the plain ones first, with the form."""
        plain = name.rstrip("_") if not name.startswith("_") else name
        form = "inplace" if name.endswith("_") and not name.endswith("__") else "function"
        if plain in NAMES:
            known = [self.operators[each] for each in NAMES[plain]]
        else:
            known = [each for each in self.operators.values() if each.torch.rpartition(".")[2] in (plain, name)]
        complexes = any(isinstance(each, TensorType) and is_complex(each.dtype) for each in types)
        known.sort(key=lambda each: ((each.family == "complex") is not complexes, each.render is not None))
        for operator in known:
            if form == "inplace" and operator.inplace is None and not operator.inplace_only:
                continue
            yield operator, form

    def _readings(
        self, operator: Operator, given: Sequence[Sequence[Any]], results: Sequence[Value]
    ) -> Iterator[tuple[tuple[Operand, ...], dict[str, Any]]]:
        """The operands and attributes that a call may stand for."""
        renamed = ARGUMENTS.get(operator.name, {})
        rest: dict[str, Any] = {renamed.get(name, name): value for name, value in given}
        idle: dict[str, tuple[Any, ...] | None] = {**IDLE, **IDLE_IN.get(operator.name, {})}
        attributes = {each.name for each in operator.attributes}
        for name in list(rest):
            if name in idle and name not in attributes:
                values = idle[name]
                if values is None or rest[name] in values:
                    del rest[name]
        if operator.name == "index.advanced":
            yield from self._indexed(rest)
            return
        if operator.name in COUNTED:
            yield from self._counted(operator.name, rest, results)
            return
        if operator.name in FILLED and "size" in rest:
            yield from self._filled(rest, results)
            return
        waiting = [name for name in rest if name not in attributes]
        named = {each.name for each in operator.operands} & set(rest)
        waiting = [name for name in waiting if name not in named]
        order = [name for name in operator.order if name in operator.index] or [o.name for o in operator.operands]
        taken: dict[str, Any] = {}
        for name in order:
            if name in named:
                taken[name] = self._operand(rest[name])
            elif waiting:
                taken[name] = self._operand(rest[waiting.pop(0)])
            else:
                taken[name] = None
        if waiting:
            return
        operands = [taken[each.name] for each in operator.operands]
        binding = bind(operator, [self._type(operand) for operand in operands], {})
        choices = [self._values(each, rest, binding, operands) for each in operator.attributes]
        for combination in itertools.product(*choices):
            yield tuple(operands), dict(zip((each.name for each in operator.attributes), combination, strict=True))

    def _indexed(self, rest: Mapping[str, Any]) -> Iterator[tuple[tuple[Operand, ...], dict[str, Any]]]:
        """A subscript with one index among whole dimensions."""
        indices = rest.get("indices", [])
        places = [place for place, each in enumerate(indices) if each is not None]
        if len(places) == 1:
            yield (self._operand(rest["self"]), self._operand(indices[places[0]])), {"dim": places[0]}

    def _counted(
        self, name: str, rest: dict[str, Any], results: Sequence[Value]
    ) -> Iterator[tuple[tuple[Operand, ...], dict[str, Any]]]:
        """What has as many elements as some tensor's dimension: positions, say, are counted by a size of an input."""
        counted, idle = COUNTED[name]
        dtype = _value(rest.get("dtype"))
        if any(rest[each] != idle.get(each) for each in rest if each not in (counted, "dtype")):
            return
        for tensor, shape in self._shapes(results):
            for dim in (place for place, size in enumerate(shape) if size == rest[counted]):
                yield (tensor,), {"dim": dim, "dtype": dtype}

    def _filled(
        self, rest: dict[str, Any], results: Sequence[Value]
    ) -> Iterator[tuple[tuple[Operand, ...], dict[str, Any]]]:
        """What has the shape of some tensor, of the dtype that came of it."""
        result = results[0].type
        fill = {"fill_value": _value(rest["fill_value"])} if "fill_value" in rest else {}
        for tensor, shape in self._shapes(results):
            if isinstance(result, TensorType) and shape == result.shape:
                yield (tensor,), {"dtype": Dtype(result.dtype), **fill}

    def _shapes(self, results: Sequence[Value]) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """The tensors that there are before some results, with their shapes: arguments before parameters and what is
        computed."""
        known = set(self.names.values()) - {value.name for value in results}
        for name in sorted(known, key=lambda each: (each not in self.given, list(self.types).index(each))):
            found = self.types[name]
            if isinstance(found, TensorType):
                yield name, found.shape

    def _operand(self, value: Any) -> Operand:
        if isinstance(value, dict) and "node" in value:
            return self.names.get(value["node"], "?")
        if isinstance(value, list):
            return tuple(self._operand(each) for each in value)
        return None if value is None else Literal(_value(value))

    def _type(self, operand: Operand) -> Any:
        if isinstance(operand, str):
            return self.types.get(operand)
        if isinstance(operand, tuple):
            return tuple(self._type(each) for each in operand)
        return ScalarType(type(operand.value).__name__) if isinstance(operand, Literal) else None

    def _values(
        self, attribute: Attribute, rest: Mapping[str, Any], binding: Any, operands: Sequence[Operand]
    ) -> list[Any]:
        """What an attribute may be: as it is given, or what it is unless it is."""
        if attribute.name in rest:
            found = _spelled(_value(rest[attribute.name]), attribute, binding)
        elif attribute.hidden and attribute.name in ("kernel", "outputs") and len(operands) > 1:
            weight = self._type(operands[1])
            shape = weight.shape if isinstance(weight, TensorType) else ()
            found = [shape[2:], *shape[2:3], 1] if attribute.name == "kernel" else [*shape[:1]]
        elif attribute.default is not MISSING:
            found = [attribute.default]
        else:
            try:
                classes = attribute.classes(binding)
                usual = [value for values in classes.values() for value in values]
            except _UNREADABLE:
                usual = []
            found = [None, *usual[:3]]
        if found:
            # What follows may depend on it; readings of one call seldom differ in more than spelling.
            setattr(binding, attribute.name, found[0])
        return found


def _spelled(value: Any, attribute: Attribute, binding: Any) -> list[Any]:
    """The ways in which a specification may have a value: a tuple, a number, None for an end."""
    found = [value]
    if isinstance(value, tuple) and value:
        if len(set(value)) == 1:
            found.append(value[0])
    elif isinstance(value, int) and not isinstance(value, bool):
        found.append((value,))
        if attribute.name == "stop" and value > 1 << 40:
            found = [None]
        elif attribute.name == "stop":
            found.append(None)
        elif attribute.name == "start" and value == 0:
            found = [None, 0]
        x = getattr(binding, "x", None)
        if attribute.name == "dim" and value < 0 and isinstance(x, TensorType):
            found.append(value + x.rank)
    return found


def _value(value: Any) -> Any:
    """An argument of a call as an attribute has it."""
    if isinstance(value, list):
        return tuple(_value(each) for each in value)
    if isinstance(value, dict):
        (kind, inner), *_ = value.items()
        return Dtype(inner) if kind == "dtype" else float(inner) if kind == "float" else inner
    return value


def _state_name(name: str, number: int) -> str:
    for prefix in ("p_model_", "b_model_", "c_"):
        if name.startswith(prefix):
            return f"{name[len(prefix) :]}_{number}"
    return f"{name}_{number}"


def _like(entry: Mapping[str, Any], number: int) -> Argument:
    """An argument like a tensor that was described."""
    dtype, low, high = entry["dtype"], float(entry["low"]), float(entry["high"])
    if "formula" in entry:
        first, step, modulus = entry["formula"]
        return Argument(Data(first, step, max(int(modulus), 1)))
    if not is_float(dtype) and not is_complex(dtype):
        data = Data(low, 1.0, max(int(high - low) + 1, 1))
    else:
        data = contents(dtype, (low, high) if low < high else (-1.0, 1.0), 11 * number)
    if "bytes" not in entry or dtype not in ALL:
        return Argument(data)
    shape = tuple(entry["shape"])
    text = f'torch.frombuffer(bytearray(base64.b64decode("{entry["bytes"]}")), dtype=torch.{dtype}).reshape({shape})'
    return Argument(data, text=text)


__all__ = ["Lifted", "Unliftable", "lift"]
