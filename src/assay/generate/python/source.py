"""The source ``python``: programs over Python values and tensors, whose reference is CPython itself.

    modelled names, features, changes --> statements of text with reads and writes --> Program --> Case

Statements come from three places: calls of what the installed Dynamo models (`modelled`), features of the language
(`feature`), and operations of tensors that Python values reach. What changes between the calls is drawn from `changes`.
Numbers are small integers and dyadic fractions, so everything is compared exactly.
"""

from __future__ import annotations

import ast
import random
import sys
from collections.abc import Sequence
from typing import Any

from assay import __version__
from assay.backends import find_backend
from assay.emit.cases import build_case
from assay.generate.python.changes import CHANGES, CONTEXTS, Change
from assay.generate.python.feature import FRESH, HOLE, Feature, features
from assay.generate.python.modelled import Modelled, Sample, modelled
from assay.generate.settings import Settings
from assay.ir.case import Case
from assay.ir.program import Argument, Call, Input, Opaque, Program, Value, mentioned
from assay.ir.types import ScalarType

SOURCE = "python"
STATEMENTS = (1, 4)
# Of the programs, those in which something changes between the calls: compiled again, they are twice as dear, and in
# 16,000 cases a CPU second of them found a quarter of the causes that one of the others found.
CHANGING = 0.22
# Of the features, those whose purpose is what Dynamo does around what it cannot trace; of the calls, those that it
# leaves to Python.
BREAKING = 0.05
GUARDED = 0.8
# Of the definitions of a feature, those that stand in the program instead of its module.
INLINED = 0.12
INLINED_CLASS = 0.03
# Of the iterators that Dynamo cannot return, those that a program returns as they are.
RETURNED_ALL_THE_SAME = 0.1
OBJECT = ScalarType("object")
MOST_OUTPUTS = 12

LITERALS = {
    "int": ("0", "1", "-1", "2", "3", "-4", "7", "10"),
    "float": ("0.5", "-1.5", "2.0", "7.25"),
    "str": ("'abc'", "''", "'Hello World'", "'a,b,c'"),
    "list": ("[1, 2, 3]", "[3, 1, 2, 1]", "[]", "[0, 5, -2, 5]"),
    "tuple": ("(1, 2)", "(3, 1, 3)"),
    "dict": ("{'a': 1, 'b': 2}", "{1: 'x', 2: 'y'}"),
    "bool": ("True", "False"),
}
TENSOR_INPUTS = (
    "torch.arange(4.) - 1",
    "torch.arange(6.).reshape(2, 3) - 2",
    "torch.arange(3)",
    "torch.tensor(2.)",
    "torch.ones(5)",
    "torch.arange(4., dtype=torch.float64).reshape(2, 2)",
)
# Operations of tensors that a Python value reaches: {t} a tensor, the others values by type.
TENSOR_STATEMENTS = (
    ("{t} + {int}", "t"),
    ("{int} - {t}", "t"),
    ("({t} * {int}).clamp(-99, 99)", "t"),
    ("({t} * {float}).clamp(-99, 99)", "t"),
    ("{t} if {bool} else -{t}", "t"),
    ("torch.stack([{t}, {t}]).sum(0).clamp(-99, 99)", "t"),
    ("{t}.reshape(-1)[:{int}]", "t"),
    ("{t}.sum() + sum({list})", "t"),
    ("torch.tensor({list})", "t"),
    ("{t}.abs().reshape(-1)", "t"),
    ("{t}.shape", "tuple"),
    ("{t}.numel()", "int"),
    ("{t}.dim() + {int}", "int"),
    ("{t}.reshape(-1).shape[0] // 2", "int"),
    ("[{t}, {t}, {int}]", "list"),
    ("{{'t': {t}, 'n': {int}}}", "dict"),
    ("({t}, {str})", "tuple"),
)

# Those that are an operation whatever the values are: a size or a container of tensors leaves the graph empty.
COMPUTING = tuple(each for each in TENSOR_STATEMENTS if each[1] == "t" and " if " not in each[0])


def make_python_case(settings: Settings, index: int) -> Case:
    """The case at an index. Raises NothingModelled where the target's interpreter cannot be asked what it models."""
    rng = random.Random(f"{__version__}/{settings.seed}/{index}/python")
    target = rng.choices(settings.targets, [_weight(each) for each in settings.targets])[0]
    backend = find_backend(target)
    program = compose(rng, modelled(backend.python or sys.executable))
    options = dict(backend.module.options(rng, program.training))
    if "dynamic" in options:
        options["dynamic"] = rng.choices((None, True, False), (70, 10, 20))[0]
        if rng.random() < 0.1:
            limit = rng.choice(("dynamo.recompile_limit", "dynamo.accumulated_recompile_limit"))
            options["config"] = {**options.get("config", {}), limit: rng.choice((1, 2))}
    recipe = {"version": __version__, "seed": settings.seed, "index": index}
    return build_case(program, source=SOURCE, target=target, options=options, recipe=recipe)


def compose(rng: random.Random, known: Modelled) -> Program:
    """A program with its calls, of what is modelled and of the features of the language."""
    return Composer(rng, known).program()


def _weight(target: str) -> float:
    """What is wrong with Python shows without code generation, and without decompositions."""
    return {0: 0.2, 1: 3.0, 2: 1.5}.get(find_backend(target).rung, 0.15)


class Composer:
    """Builds one program. ``scope`` holds the names of values by type; ``t`` stands for tensors."""

    def __init__(self, rng: random.Random, known: Modelled) -> None:
        self.rng = rng
        self.known = known
        self.count = 0
        self.scope: dict[str, list[str]] = {}
        self.made: list[str] = []
        self.inputs: list[str] = []
        self.arguments: list[tuple[str, str]] = []
        self.globals: list[str] = []
        self.definitions: list[Opaque] = []
        self.body: list[Opaque] = []
        self.watched: list[str] = []
        self.before: list[tuple[str, str]] = []

    def program(self) -> Program:
        """The program with its calls."""
        rng = self.rng
        training = rng.random() < 0.25
        for _ in range(rng.choice((1, 1, 2))):
            text = rng.choice(TENSOR_INPUTS)
            grad = training and text != "torch.arange(3)" and rng.random() < 0.7
            self.argument("t", f"({text}).requires_grad_()" if grad else text)
        for _ in range(rng.choice((0, 1, 1, 2))):
            kind = rng.choice(sorted(LITERALS))
            self.argument(kind, rng.choice(LITERALS[kind]))
        changes = rng.sample(CHANGES, rng.random() < CHANGING)
        steps = rng.randint(*STATEMENTS)
        places = sorted(rng.randrange(steps + 1) for _ in changes)
        for step in range(steps + 1):
            while places and places[0] == step:
                places.pop(0)
                self.change(changes[len(places)])
            if step < steps:
                self.statement()
        # Something of a tensor that every value before it could reach, so that there is a graph to compile.
        self.tensor_statement(COMPUTING)
        return self.finished(training)

    def argument(self, kind: str, text: str, other: str | None = None, name: str = "") -> str:
        """One more input."""
        name = name or self.fresh("x")
        self.inputs.append(name)
        self.arguments.append((text, text if other is None else other))
        if kind:
            self.scope.setdefault(kind, []).append(name)
        return name

    def fresh(self, stem: str) -> str:
        self.count += 1
        return f"{stem}{self.count}"

    def value(self, kind: str, share: float = 0.6) -> str:
        """A value of a type: one of the program's, or a constant."""
        names = self.scope.get(kind, [])
        # Most lists of a program hold anything; what wants one computes with its numbers.
        if kind == "t" or (names and self.rng.random() < (share / 3 if kind == "list" else share)):
            return self.rng.choice(names)
        return self.rng.choice(LITERALS[kind])

    # --- statements

    def statement(self) -> None:
        way = self.rng.random()
        if way < 0.5 and self.known.accepted:
            breaking = self.rng.random() < BREAKING
            names = [name for name in sorted(self.known.accepted) if (name in self.known.breaking) == breaking]
            name = self.rng.choice(names or sorted(self.known.accepted))
            self.call(self.rng.choice(self.known.accepted[name]))
        elif way < 0.55 and self.known.refused:
            self.call(self.rng.choice(self.known.refused))
        elif way < 0.82:
            breaking = self.rng.random() < BREAKING
            self.feature(self.rng.choice([each for each in features() if each.breaks == breaking]))
        else:
            self.tensor_statement()

    def add(self, text: str, gives: list[tuple[str, str]], label: str, returned: bool = True) -> None:
        """A statement that gives values, by name and type."""
        results = tuple(Value(name, OBJECT) for name, _ in gives)
        self.body.append(Opaque(text, self.read_by(text), tuple(name for name, _ in gives), results, label))
        for name, kind in gives:
            self.scope.setdefault(kind, []).append(name)
            if returned:
                self.made.append(name)

    def read_by(self, text: str) -> tuple[str, ...]:
        known = {*self.inputs, *self.globals, *(name for each in self.body for name in each.writes)}
        return tuple(sorted(known & mentioned(text)))

    def call(self, sample: Sample) -> None:
        """A call of what is modelled; some of its operands may be values of the program of the same type."""
        rng, replaced = self.rng, False
        texts = []
        for drawn in sample.arguments:
            names = self.scope.get(drawn.kind, ())
            if names and rng.random() < 0.3:
                texts.append(rng.choice(names))
                replaced = True
            else:
                texts.append(drawn.text)
        texts += [f"{key}={text}" for key, text in sample.named]
        if sample.receiver is not None:
            kind, text = sample.receiver.kind, sample.receiver.text
            names = self.scope.get(kind, ())
            if names and rng.random() < 0.5:
                receiver, replaced = rng.choice(names), True
            else:
                receiver = self.fresh("v")
                self.add(f"{receiver} = {text}", [(receiver, kind)], "")
            function = f"{receiver}.{sample.name.rpartition('.')[2]}"
        else:
            function = sample.name.removeprefix("builtins.")
        name = self.fresh("v")
        text = f"{name} = {function}({', '.join(texts)})"
        # What Dynamo refuses though CPython takes it would leave the whole program to CPython: guarded, the refusal is
        # a result like any other, and wrong.
        guarded = rng.random() < (GUARDED if sample.accepted and not replaced else 0.97)
        if guarded:
            text = _guarded(text, name)
        kind = sample.result if sample.accepted and not replaced else "object"
        self.add(text, [(name, kind)], sample.name if sample.accepted else f"{sample.name}(refused)")

    def feature(self, chosen: Feature) -> None:
        """A feature of the language, its classes and functions in the module or in the program."""
        names: dict[str, str] = {}
        label = "; ".join((chosen.name, *chosen.exercises))
        definition, text = chosen.definition, chosen.text
        # Dynamo makes no classes: one that the program itself defines breaks the graph.
        inside = INLINED_CLASS if "class " in definition else INLINED
        if definition and ("global " in definition or self.rng.random() >= inside):
            self.define(self.filled(definition, names))
        elif definition:
            text = f"{definition}\n{text}"
        text = self.filled(text, names)
        gives = [(names[stem], kind) for stem, kind in chosen.gives]
        self.add(text, gives, label)

    def define(self, text: str) -> None:
        writes = _assigned(text)
        self.definitions.append(Opaque(text, tuple(sorted({*self.globals} & mentioned(text))), writes))
        self.globals += writes

    def tensor_statement(self, among: Sequence[tuple[str, str]] = TENSOR_STATEMENTS) -> None:
        text, kind = self.rng.choice(among)
        name = self.fresh("t" if kind == "t" else "v")
        kinds = ("t", "int", "float", "bool", "str", "list")
        filled = text.format(**{each: self.value(each) if "{" + each + "}" in text else "" for each in kinds})
        if kind == "t" and ("{list}" in text or self.rng.random() < 0.4):
            # A value that came from elsewhere may be of any size: what is refused then is behaviour too.
            filled = f"try:\n    {name} = {filled}\nexcept Exception as error:\n    {name} = {self.value('t')}"
        else:
            filled = f"{name} = {filled}"
        self.add(filled, [(name, kind)], "")

    # --- between the calls

    def change(self, chosen: Change) -> None:
        """What reads something that changes, and the change."""
        names: dict[str, str] = {}
        for hole, *_ in chosen.arguments:
            names[hole[1:]] = self.fresh("p")
        reads = chosen.reads
        if reads.definition:
            definition = self.named(reads.definition, names)
            self.define(definition)
        for hole, one, other in chosen.arguments:
            one, other = self.named(one, names), self.named(other, names)
            self.argument("", one, other, names[hole[1:]])
        text = self.filled(reads.text, names)
        self.add(text, [(names[stem], kind) for stem, kind in reads.gives], chosen.name)
        if chosen.there:
            self.before.append((self.named(chosen.there, names), self.named(chosen.back, names)))
        self.watched += [names[each[1:]] for each in chosen.watched]

    def filled(self, text: str, names: dict[str, str]) -> str:
        """A text with values in its holes, and its names."""
        return self.named(HOLE.sub(lambda hole: self.value(hole[1]), text), names)

    def named(self, text: str, names: dict[str, str]) -> str:
        """A text with fresh names in place of its own; ``names`` are those that it already got."""
        text = text.replace("@@", "\0")
        for stem in dict.fromkeys(FRESH.findall(text)):
            if stem not in names:
                names[stem] = self.fresh(stem)
        return FRESH.sub(lambda hole: names[hole[1]], text).replace("\0", "@")

    def finished(self, training: bool) -> Program:
        rng = self.rng
        # The same, changed, back; or changed at once. The states of the calls, one of the two each.
        states: tuple[int, ...] = (0, 0, 1, 0) if rng.random() < 0.2 else (0, 1, 0)
        if not self.before and all(one == other for one, other in self.arguments):
            states = (0, 0, 0) if rng.random() < 0.3 else (0, 0)
        context = rng.choice(CONTEXTS) if rng.random() < 0.15 else ""
        calls: list[Call] = []
        for number, state in enumerate(states):
            arguments = tuple(
                (name, Argument(text=texts[state])) for name, texts in zip(self.inputs, self.arguments, strict=True)
            )
            turned = number > 0 and state != states[number - 1]
            before = tuple(_statement(texts[0 if state else 1]) for texts in self.before) if turned else ()
            calls.append(Call(0, arguments, before, context if state or len(set(states)) == 1 else ""))
        outputs = list(dict.fromkeys(self.made))
        if len(outputs) > MOST_OUTPUTS:
            outputs = sorted(rng.sample(outputs, MOST_OUTPUTS), key=outputs.index)
        for kind in sorted(self.known.unreturnable):
            for name in self.scope.get(kind, ()):
                if name in outputs and rng.random() >= RETURNED_ALL_THE_SAME:
                    # The items that are left are what can be told of it.
                    left = self.fresh("v")
                    text = _guarded(f"{left} = list({name})", left)
                    self.body.append(Opaque(text, (name,), (left,), (Value(left, OBJECT),), ""))
                    outputs[outputs.index(name)] = left
        if rng.random() < 0.1:
            outputs.append(rng.choice(self.inputs))
        return Program(
            (),
            1,
            tuple(Input(Value(name, OBJECT)) for name in self.inputs),
            tuple(self.body),
            ("tuple", tuple(outputs), ()),
            tuple(calls),
            training,
            definitions=tuple(self.definitions),
            watched=tuple(dict.fromkeys(self.watched)),
        )


def _guarded(text: str, name: str) -> str:
    """A statement whose exception, if there is one, becomes the value of ``name``."""
    return f"try:\n    {text}\nexcept Exception as error:\n    {name} = type(error).__name__"


def _statement(text: str) -> Opaque:
    return Opaque(text, (), _assigned(text))


def _assigned(text: str) -> tuple[str, ...]:
    """The names that a text binds in its own scope."""
    found: list[str] = []
    for statement in ast.parse(text).body:
        targets: list[Any] = []
        match statement:
            case ast.Assign():
                targets = statement.targets
            case ast.AugAssign() | ast.AnnAssign():
                targets = [statement.target]
            case ast.FunctionDef() | ast.ClassDef():
                found.append(statement.name)
        for target in targets:
            parts = target.elts if isinstance(target, ast.Tuple) else [target]
            found += [part.id for part in parts if isinstance(part, ast.Name)]
    return tuple(dict.fromkeys(found))
