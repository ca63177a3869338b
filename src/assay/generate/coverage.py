"""What cases exercise: operators, dtypes, forms, classes of attributes, producers with their consumers, options.

    Case --> `features` --> `Tally` of many cases --> report/coverage.py, benchmarks/generation.py

Beside what was seen a tally keeps the chances that generation gave it, so that too few cases can be told from a gap:
from something that had its chances and never came.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from types import SimpleNamespace
from typing import Any

from assay.emit.onnx import OPSETS
from assay.generate.motifs.catalogue import load as load_motifs
from assay.generate.motifs.draft import CAST, USE
from assay.generate.propose import DEFAULT_SHARE
from assay.generate.regions import CONTEXTS
from assay.ir.case import Case
from assay.ir.program import Operand, Operation, Program, PythonOperation, Region, operand_names, walk
from assay.ir.serialize import program_from_json
from assay.ir.types import TensorType, Type
from assay.ops.catalogue import load
from assay.ops.facts import Unsatisfied
from assay.ops.protocol import Operator, bind
from assay.ops.python_forms import PICKS, TESTS
from assay.ops.text import forms

Key = tuple[str, ...]

TITLES: Mapping[str, str] = {
    "operators": "operators",
    "dtypes": "operators x dtypes",
    "forms": "operators x forms",
    "classes": "pairs of attribute classes",
    "pairs": "producer -> consumer",
    "motifs": "motifs",
    "options": "options of targets",
    "expressions": "Python expressions",
    "conditions": "Python conditions",
    "regions": "regions",
    "programs": "inputs and calls",
}
"""What is counted, by its name, each with its title."""

DEALT = ("operators", "dtypes", "classes")
"""What generation draws by itself, so that its chances are known."""

PYTHON = ("expressions", "conditions", "regions")
"""What only Python has, and no graph."""

WHOLE = "as it is"
"""Said of a motif in which nothing was changed."""

WRITTEN: tuple[Key, ...] = (
    *(("arithmetic", symbol) for symbol in "+-*"),
    *(("compare", symbol) for symbol in ("==", "!=", "<", ">=")),
    *(("pack", container) for container in ("tuple", "list", "dict")),
    ("append",),
    ("item",),
    ("size",),
)
"""Operations on numbers and containers."""

REGIONS: tuple[Key, ...] = (
    ("if",),
    *(("for", str(trips)) for trips in range(4)),
    *(("while", str(trips)) for trips in range(4)),
    *(("with", context) for context in CONTEXTS),
    ("try", "finally"),
    ("try", "except"),
    ("def",),
    ("lambda",),
    ("call", "plain"),
    ("call", "checkpoint"),
    ("call", "autograd"),
)
PROGRAMS: tuple[Key, ...] = (
    ("sizes", "static"),
    ("sizes", "symbolic"),
    ("backward", "no"),
    ("backward", "yes"),
    ("calls", "2"),
    ("calls", "3"),
    ("style", "function"),
    ("style", "forward"),
    ("input", "argument"),
    ("input", "parameter"),
    ("input", "buffer"),
    ("input", "number"),
    *(("layout", kind) for kind in ("contiguous", "permuted", "sliced", "expanded", "channels_last", "alias")),
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """An attribute of one operation: its value, the classes that hold it, and the legal values by class."""

    attribute: str
    value: Any
    classes: tuple[str, ...]
    legal: Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Exercised:
    """One operation of a program. ``dtype`` is that of its first operand, empty where that is no tensor; ``producers``
    are the operators that made its operands; ``depth`` counts operations from the inputs on."""

    operation: Operation
    operator: Operator
    dtype: str
    producers: tuple[str, ...]
    depth: int
    drawn: tuple[Drawn, ...]


def exercised(program: Program) -> Iterator[Exercised]:
    """Every operation of a program in textual order, with what it exercises."""
    catalogue = load()
    types = _types(program)
    producer: dict[str, str] = {}
    depths: dict[str, int] = {}
    for statement in walk(program.body):
        if not isinstance(statement, Operation):
            continue
        operator = catalogue[statement.operator]
        names = [name for operand in statement.operands for name in operand_names(operand)]
        depth = 1 + max((depths.get(name, 0) for name in names), default=0)
        made = tuple(producer[name] for name in names if name in producer)
        operands = [_type(operand, types) for operand in statement.operands]
        first = operands[0][0] if isinstance(operands[0], tuple) else operands[0]
        dtype = first.dtype if isinstance(first, TensorType) else ""
        yield Exercised(statement, operator, dtype, made, depth, _drawn(operator, statement, operands))
        for value in statement.results:
            producer[value.name] = statement.operator
            depths[value.name] = depth


def _types(program: Program) -> dict[str, Type]:
    types = {entry.name: entry.value.type for entry in program.inputs}
    for statement in walk(program.body):
        values = list(statement.results)
        if isinstance(statement, Region):
            values += [parameter for block in statement.blocks for parameter in block.parameters]
        types |= {value.name: value.type for value in values}
    return types


def _type(operand: Operand, types: Mapping[str, Type]) -> Any:
    if isinstance(operand, str):
        return types[operand]
    if isinstance(operand, tuple):
        return tuple(_type(item, types) for item in operand)
    return None if operand is None else SimpleNamespace(kind="number")


def _drawn(operator: Operator, statement: Operation, operands: Sequence[Any]) -> tuple[Drawn, ...]:
    values = dict(statement.attributes)
    binding = bind(operator, operands, values)
    if operator.operands[0].many is not None:
        setattr(binding, "first", operands[0][0])  # noqa: B010 - bindings hold whatever names a specification has
    found = []
    for attribute in operator.attributes:
        try:
            legal = {name: list(each) for name, each in attribute.classes(binding).items() if len(each)}
        except (Unsatisfied, AttributeError):
            # Classes that follow from an operand that was left out, or that is a number here.
            continue
        value = values[attribute.name]
        text = repr(value)
        classes = tuple(name for name, each in legal.items() if any(repr(one) == text for one in each))
        found.append(Drawn(attribute.name, value, classes, legal))
    return tuple(found)


@dataclass(slots=True)
class Features:
    """What one case exercises, by the names of `TITLES`: how often each thing was seen, and the ``chances`` it had: of
    an operator, its even share of the operations; of a dtype, the operations of its operator under a policy that holds
    it; of a pair of classes, its share of the draws. ``produced`` are operators with the dtype and rank of a result;
    ``whole`` is false where more of the case is not known than its operators.
    """

    seen: dict[str, Counter[Key]] = field(default_factory=lambda: {name: Counter() for name in TITLES})
    chances: dict[str, dict[Key, float]] = field(default_factory=lambda: {name: {} for name in DEALT})
    produced: set[tuple[str, str, int]] = field(default_factory=set)
    whole: bool = True

    def give(self, name: str, key: Key, times: float) -> None:
        """A thing had so many chances more."""
        known = self.chances[name]
        known[key] = known.get(key, 0.0) + times


def count_operations(found: Features, operations: Iterable[Exercised], dtypes: Sequence[str] = ()) -> None:
    """Count the operations of a program. ``dtypes`` are those of its policy; without them no dtype has a chance."""
    seen = found.seen
    for each in operations:
        name = each.operator.name
        seen["operators"][name,] += 1
        seen["forms"][name, each.operation.form] += 1
        if each.dtype:
            seen["dtypes"][name, each.dtype] += 1
            if dtypes:
                declared = each.operator.operands[0].dtypes
                even = [dtype for dtype in declared if dtype in dtypes] or declared
                for dtype in even:
                    found.give("dtypes", (name, dtype), 1.0)
        for producer in each.producers:
            seen["pairs"][producer, name] += 1
        for value in each.operation.results:
            if isinstance(value.type, TensorType):
                found.produced.add((name, value.type.dtype, value.type.rank))
        _count_classes(found, name, each.drawn)


def features(case: Case, operators: Sequence[str]) -> Features:
    """What a case exercises; ``operators`` are those that its campaign draws from."""
    found = Features()
    recipe, policy = case.recipe, case.recipe.get("policy") or {}
    left_out = set(policy.get("left_out", ()))
    held = [name for name in operators if name not in left_out]
    for name in held if policy else ():
        found.give("operators", (name,), case.operations / len(held))
    for option, value in flat(case.options):
        found.seen["options"][option, value] += 1
    for name, change in recipe.get("motifs") or ():
        found.seen["motifs"][str(name), str(change or WHOLE)] += 1
    if "opset" in recipe:
        found.seen["programs"]["opset", str(recipe["opset"])] += 1
    if "program" not in recipe:
        found.whole = False
        found.seen["operators"].update((name,) for name in case.operators)
        return found
    program = program_from_json(recipe["program"])
    count_operations(found, exercised(program), policy.get("dtypes", ()))
    _count_python(found, program)
    _count_inputs(found.seen["programs"], program)
    return found


def _count_classes(found: Features, name: str, drawn: Sequence[Drawn]) -> None:
    """Pairs of classes: what the specification declares beside the value of the first attribute, and what was drawn."""
    for one, two in combinations(drawn, 2):
        shares = _class_shares(two.legal)
        for first in one.classes:
            for second, share in shares.items():
                found.give("classes", _class_pair(name, one, first, two, second), share / len(one.classes))
            for second in two.classes:
                found.seen["classes"][_class_pair(name, one, first, two, second)] += 1


def _class_pair(name: str, one: Drawn, first: str, two: Drawn, second: str) -> Key:
    return name, f"{one.attribute}:{first}", f"{two.attribute}:{second}"


def _class_shares(legal: Mapping[str, Sequence[Any]]) -> dict[str, float]:
    """How often generation draws each class: the default seldom, the others evenly."""
    if "default" not in legal or len(legal) == 1:
        return {name: 1 / len(legal) for name in legal}
    rest = (1 - DEFAULT_SHARE) / (len(legal) - 1)
    return {name: DEFAULT_SHARE if name == "default" else rest for name in legal}


def _count_python(found: Features, program: Program) -> None:
    seen = found.seen
    for statement in walk(program.body):
        if isinstance(statement, Region):
            seen["regions"][_region(statement)] += 1
        elif isinstance(statement, PythonOperation):
            attributes = dict(statement.attributes)
            if statement.kind == "pick":
                seen["expressions"][attributes["form"],] += 1
            elif statement.kind == "test":
                seen["conditions"][attributes["form"],] += 1
            elif statement.kind == "call":
                seen["regions"]["call", attributes.get("through") or "plain"] += 1
            else:
                seen["expressions"][_written(statement)] += 1


def _region(region: Region) -> Key:
    attributes = dict(region.attributes)
    told = [str(attributes[name]) for name in ("trips", "context", "shape") if name in attributes]
    return (region.kind, *told)


def _written(statement: PythonOperation) -> Key:
    """The key of an operation on numbers and containers."""
    attributes = dict(statement.attributes)
    told = [str(attributes[name]) for name in ("symbol", "container") if name in attributes]
    return (statement.kind, *told)


def _count_inputs(seen: Counter[Key], program: Program) -> None:
    seen["sizes", "symbolic" if program.sizes else "static"] += 1
    seen["backward", "yes" if program.training else "no"] += 1
    seen["calls", str(len(program.calls))] += 1
    seen["style", program.style] += 1
    for entry in program.inputs:
        tensor = isinstance(entry.value.type, TensorType)
        seen["input", entry.role if tensor else "number"] += 1
        if tensor:
            for kind in {call.argument(entry.name).layout.kind for call in program.calls}:
                seen["layout", kind] += 1


def flat(options: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Options and their values; those of a mapping by the names of both, those of a list one by one.

    >>> list(flat({"dynamic": None, "config": {"cse": False}, "without": ["a", "b"]}))
    [('dynamic', 'None'), ('config.cse', 'False'), ('without', 'a'), ('without', 'b')]
    """
    for name, value in options.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        else:
            for item in value if isinstance(value, list | tuple) else (value,):
                yield prefix + name, str(item)


@dataclass(slots=True)
class Tally:
    """Features of many cases: how often each thing was seen, how often where the target was engaged, its chances."""

    cases: int = 0
    whole_cases: int = 0
    engaged_cases: int = 0
    seen: dict[str, Counter[Key]] = field(default_factory=lambda: {name: Counter() for name in TITLES})
    engaged: dict[str, Counter[Key]] = field(default_factory=lambda: {name: Counter() for name in TITLES})
    chances: dict[str, dict[Key, float]] = field(default_factory=lambda: {name: {} for name in DEALT})
    produced: set[tuple[str, str, int]] = field(default_factory=set)

    def add(self, features: Features, engaged: bool) -> None:
        """Count one case."""
        self.cases += 1
        self.whole_cases += features.whole
        self.engaged_cases += engaged
        self._count(features.seen, features.seen if engaged else {}, features.chances, features.produced)

    def merge(self, other: Tally) -> None:
        """Count the cases of another tally too."""
        self.cases += other.cases
        self.whole_cases += other.whole_cases
        self.engaged_cases += other.engaged_cases
        self._count(other.seen, other.engaged, other.chances, other.produced)

    def _count(
        self,
        seen: Mapping[str, Counter[Key]],
        engaged: Mapping[str, Counter[Key]],
        chances: Mapping[str, Mapping[Key, float]],
        produced: Iterable[tuple[str, str, int]],
    ) -> None:
        for name in TITLES:
            self.seen[name].update(seen[name])
            self.engaged[name].update(engaged.get(name, {}))
        for name in DEALT:
            known = self.chances[name]
            for key, times in chances[name].items():
                known[key] = known.get(key, 0.0) + times
        self.produced.update(produced)


def declared(name: str, tally: Tally, opsets: bool = False) -> set[Key]:
    """All that could be exercised, as specifications and the generator say it; of pairs of attribute classes and of
    operators, what was possible beside what was seen. Empty for options. Which operations of a motif may be written in
    place follows from its draw, so that such a change is of it once it was seen."""
    operators = load()
    match name:
        case "operators":
            return {(operator,) for operator in operators}
        case "dtypes":
            return {(each.name, dtype) for each in operators.values() for dtype in each.operands[0].dtypes}
        case "forms":
            return {(each.name, form) for each in operators.values() for form in forms(each, _defaults(each))}
        case "classes":
            return set(tally.chances["classes"]) | set(tally.seen["classes"])
        case "pairs":
            return compatible(tally.produced)
        case "motifs":
            changes = {each.name: (WHOLE, *each.changes, CAST, USE) for each in load_motifs().values()}
            return {(motif, change) for motif, all_of_it in changes.items() for change in all_of_it}
        case "expressions":
            return {*((form,) for form in PICKS), *WRITTEN}
        case "conditions":
            return {(form,) for form in TESTS}
        case "regions":
            return set(REGIONS)
        case "programs":
            return {*PROGRAMS, *((("opset", str(opset)) for opset in OPSETS) if opsets else ())}
        case _:
            return set()


def _defaults(operator: Operator) -> dict[str, Any]:
    return {attribute.name: attribute.default for attribute in operator.attributes}


def compatible(produced: Iterable[tuple[str, str, int]]) -> set[Key]:
    """Pairs of operators of which the second takes some dtype and rank that the first has produced."""
    made: dict[tuple[str, int], set[str]] = {}
    for producer, dtype, rank in produced:
        made.setdefault((dtype, rank), set()).add(producer)
    found: set[Key] = set()
    for name, operator in load().items():
        taken = {(dtype, rank) for operand in operator.operands for dtype in operand.dtypes for rank in operand.ranks}
        found |= {(producer, name) for kind in taken for producer in made.get(kind, ())}
    return found
