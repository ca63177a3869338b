"""What a transform sees of the program when it writes its text, and how it is found by name.

A rewrite is a region of the program (`assay.ir.program`); what its text looks like is the transform's. The transforms
stand above this package, so they are looked up here by name only, as installed plug-ins are.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from assay.ops.facts import Unsatisfied

INDENT = "    "
REGISTRY_MODULE = "assay.transforms.registry"


@dataclass(frozen=True, slots=True)
class Change:
    """What is done ahead of every second call, and ahead of the others, the first among them: statements that lead to a
    state from any other. ``names`` are those of the module that they bind."""

    there: tuple[str, ...]
    back: tuple[str, ...]
    names: tuple[str, ...] = ()


@dataclass(slots=True)
class Definitions:
    """What the texts of one module add beside the program: definitions in order, each once; fresh names; what is
    changed between the calls."""

    taken: set[str]
    lines: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    known: dict[tuple[str, ...], str] = field(default_factory=dict)

    def fresh(self, hint: str) -> str:
        """A name that nothing has."""
        number, name = 1, hint
        while name in self.taken:
            number += 1
            name = f"{hint}{number}"
        self.taken.add(name)
        return name

    def add(self, name: str, lines: Sequence[str]) -> str:
        """Define at the module's level what the lines say, whose text calls itself by ``{}``; the name that it got.
        The same lines are defined once."""
        key = (name, *lines)
        if key not in self.known:
            self.known[key] = self.fresh(name)
            self.lines += [*(line.replace("{}", self.known[key]) for line in lines), "", ""]
        return self.known[key]


@dataclass(frozen=True, slots=True)
class Writing:
    """One site as its transform sees it: texts, all of them valid where the site stands.

    ``body`` are the lines of the statements, which bind ``targets``; ``reads`` are the local names that they read.
    ``operands`` are the values that the transform reads beside them: for a value transform the value itself first.
    ``extras`` are names that the transform has to bind beside the targets; ``number`` tells variants apart.
    ``function``, ``arguments`` and ``receiver`` are the parts of an operation, for transforms of operations.
    """

    body: tuple[str, ...]
    targets: tuple[str, ...]
    reads: tuple[str, ...]
    operands: tuple[str, ...]
    extras: tuple[str, ...]
    choices: dict[str, Any]
    definitions: Definitions
    expression: str = ""
    function: str = ""
    arguments: tuple[str, ...] = ()

    @property
    def value(self) -> str:
        """The text of the value that a value transform is about."""
        return self.operands[0]

    @property
    def number(self) -> int:
        """Drawn once for the site."""
        return int(self.choices.get("number", 0))

    @property
    def bound(self) -> str:
        """The targets as the left side of an assignment."""
        return ", ".join(self.targets)

    @property
    def returned(self) -> str:
        """A statement that returns the targets."""
        return f"return {self.bound}" if self.targets else "return None"

    @property
    def packed(self) -> str:
        """A tuple of the targets."""
        return f"({self.bound},)" if len(self.targets) == 1 else f"({self.bound})"

    def bind(self, expression: str) -> str:
        """The statement that binds the targets to what a function ending in ``returned`` gave."""
        return f"{self.bound} = {expression}" if self.targets else expression

    def unpack(self, expression: str) -> str:
        """The statement that binds the targets to the items of a tuple."""
        if not self.targets:
            return expression
        return f"{self.bound}, = {expression}" if len(self.targets) == 1 else f"{self.bound} = {expression}"

    def indented(self, levels: int = 1) -> list[str]:
        """The body, indented; ``pass`` where it is empty."""
        return [INDENT * levels + line for line in self.body or ("pass",)]

    def def_(self, name: str, parameters: str = "", *, before: Sequence[str] = ()) -> list[str]:
        """A function of the body that returns the targets."""
        lines = [*before, *self.body, self.returned]
        return [f"def {name}({parameters}):", *(INDENT + line for line in lines)]

    def fresh(self, hint: str) -> str:
        """A name that nothing else has."""
        return self.definitions.fresh(hint)

    def change(self, there: str, back: str, *names: str) -> None:
        """Do what ``there`` says ahead of every second call, outside of the program, and ``back`` ahead of the others;
        ``names`` are those of the module that they bind."""
        change = Change(tuple(there.splitlines()), tuple(back.splitlines()), names)
        if change not in self.definitions.changes:
            self.definitions.changes.append(change)

    def define(self, name: str, *lines: str) -> str:
        """Define at the module's level what the lines say of ``{}``, once; its name."""
        return self.definitions.add(name, lines)


Write = Callable[[Writing], list[str]]


def writer_of(name: str) -> tuple[str, Write]:
    """The kind of a transform and the function that writes its text. Raises Unsatisfied where none has the name."""
    known = importlib.import_module(REGISTRY_MODULE).transforms()
    if name not in known:
        raise Unsatisfied(f"no transform is called {name}")
    return known[name].kind, known[name].write
