"""What a worker says of a subject, and the questions that it is asked. The user's code runs there and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from assay.backends import split_target
from assay.campaign.examine import Run
from assay.campaign.mistake import UserMistake
from assay.checking.texts import Subject, Way, case_text
from assay.ir.case import Case
from assay.oracles.outcome import Outcome

SOURCE = "module"
"""The source of the cases of a user's own subject."""


class Bench(Protocol):
    """Where cases run."""

    @property
    def run(self) -> Run:
        """Runs a case."""


@dataclass(frozen=True)
class Leaf:
    """A tensor among the inputs; ``number`` is its place among all leaves."""

    name: str
    number: int
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Described:
    """A subject as a worker found it."""

    subject: Subject
    leaves: tuple[Leaf, ...]
    constants: tuple[str, ...]
    outputs: int
    returns: str
    version: str
    facts: Mapping[str, Any]

    @property
    def trains(self) -> bool:
        """Whether there is anything that gradients could be asked of."""
        floats = any("float" in leaf.dtype or "complex" in leaf.dtype for leaf in self.leaves)
        return floats or bool(self.facts.get("trainable"))


def bare_case(text: str, target: str, way: Way | None = None, **options: Any) -> Case:
    """A case of a text that is no program of ours."""
    way = way or Way()
    return Case(SOURCE, target, options, text, way.training, way.calls, {}, {}, (), 0)


def eager_beside(target: str) -> str:
    """Eager on the interpreter of a target."""
    _, python = split_target(target)
    return "eager" if python is None else f"eager@{python}"


def ask(run: Run, case: Case, question: str, what: str) -> Mapping[str, Any]:
    """The answer to a question about a case's subject. Raises UserMistake where the process did not survive it."""
    outcome = run(case, (question,))
    if outcome.ended != "completed":
        raise UserMistake(f"{what}: {ending(outcome)} when it was run eagerly; nothing was compared")
    return outcome.engagement


def ending(outcome: Outcome) -> str:
    """How a process ended that should not have."""
    if outcome.ended == "timeout":
        return "it took too long"
    if outcome.ended == "memory":
        return "it ran out of memory"
    how = f"signal {outcome.signal}" if outcome.signal else f"status {outcome.status}"
    return f"its process ended with {how}"


def describe(subject: Subject, run: Run, target: str) -> Described:
    """The subject, its inputs named. Raises UserMistake with one line: what does not import, is missing, or does not
    fit."""
    title = subject.title
    told = ask(run, bare_case(case_text(subject, Way()), eager_beside(target)), "describe", title)
    if "failed" in told:
        raise UserMistake(f"{title}: {told['failed']}")
    names = _distinct([*told["names"], *told["keywords"]])
    positional = len(told["names"])
    known = replace(
        subject,
        names=tuple(names[:positional]),
        keywords=tuple(told["keywords"]),
        module="parameters" in told,
    )
    if not told["outputs"]:
        raise UserMistake(
            f"{title}: it returns {told['returns']}, in which no tensor was found; wrap it in a function that "
            "returns tensors, or lists, tuples and dicts of them"
        )
    leaves = tuple(Leaf(each["name"], each["number"], each["dtype"], tuple(each["shape"])) for each in told["leaves"])
    return Described(
        known, leaves, tuple(told["constants"]), len(told["outputs"]), told["returns"], told["version"], told
    )


def _distinct(names: list[str]) -> list[str]:
    taken = {"model", "torch", "math", "os", "sys", "importlib", "fill", "load", "named", "given", "inputs", "state"}
    found: list[str] = []
    for name in names:
        while name in taken or name in found:
            name += "_"
        found.append(name)
    return found


def told_where(where: str, subject: Subject) -> str:
    """A place in words of the user's: arguments by their names.

    >>> told_where("call 1, gradient of argument 0", Subject("f.py", "f", names=("x",)))
    'gradient of x (call 1)'
    """
    names = [*subject.names, *subject.keywords]

    def named(match: re.Match[str]) -> str:
        number = int(match[1])
        return names[number] if number < len(names) else match[0]

    call, _, place = where.partition(", ")
    place = re.sub(r"argument (\d+)", named, place or call)
    if not where.startswith("call ") or call == "call 0":
        return place
    return f"{place} ({call})"
