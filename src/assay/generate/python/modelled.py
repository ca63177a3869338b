"""What the installed Dynamo models of Python, and calls of it that CPython accepts: asked of the target's interpreter.

`probe_torch` is the program that finds out; a new release of torch brings a list of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from assay.collected import CannotTell, collect

PROBE = Path(__file__).with_name("probe_torch.py")
PROBE_SECONDS = 300


class NothingModelled(RuntimeError):
    """The interpreter has no torch that can be asked; the text says what it said."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A value as a call was tried with it: its type and an expression."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Sample:
    """A call that was tried. ``receiver`` is that of a method; ``result`` the type of the result, or of the exception
    where ``accepted`` is false."""

    name: str
    receiver: Drawn | None
    arguments: tuple[Drawn, ...]
    named: tuple[tuple[str, str], ...]
    result: str
    accepted: bool


@dataclass(frozen=True)
class Modelled:
    """All names that are modelled, the calls of those that can be called by themselves, the types of iterators of which
    a compiled program cannot return one, and the names at which graphs break all the same."""

    version: str
    names: tuple[str, ...]
    accepted: Mapping[str, Sequence[Sample]]
    refused: Sequence[Sample]
    unreturnable: frozenset[str]
    breaking: frozenset[str] = frozenset()


@cache
def modelled(python: str) -> Modelled:
    """What the torch of an interpreter models. Raises NothingModelled."""
    try:
        return from_json(collect(python, PROBE, "torch", ("_dynamo", "version.py"), PROBE_SECONDS))
    except CannotTell as why:
        raise NothingModelled(f"{python} has no torch whose Dynamo can be asked ({why})") from None


def from_json(data: Mapping[str, Any]) -> Modelled:
    """What the probe printed."""
    accepted: dict[str, Sequence[Sample]] = {}
    refused: list[Sample] = []
    for name, calls in sorted(data["calls"].items()):
        found = [_sample(name, call, accepted=True) for call in calls["accepted"]]
        if found:
            accepted[name] = found
        refused += [_sample(name, call, accepted=False) for call in calls["refused"]]
    return Modelled(
        data["version"],
        tuple(data["modelled"]),
        accepted,
        refused,
        frozenset(data["unreturnable"]),
        frozenset(data["breaking"]),
    )


def _sample(name: str, call: Sequence[Any], *, accepted: bool) -> Sample:
    receiver, arguments, named, result = call
    return Sample(
        name,
        None if receiver is None else Drawn(*receiver),
        tuple(Drawn(*each) for each in arguments),
        tuple(named.items()),
        result,
        accepted,
    )
