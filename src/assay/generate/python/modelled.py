"""What the installed Dynamo models of Python, and calls of it that CPython accepts: asked of the target's interpreter.

`probe_torch` is the program that finds out; a new release of torch brings a list of its own.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

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
    """All names that are modelled, and the calls of those that can be called by themselves."""

    version: str
    names: tuple[str, ...]
    accepted: Mapping[str, Sequence[Sample]]
    refused: Sequence[Sample]


@cache
def modelled(python: str) -> Modelled:
    """What the torch of an interpreter models. Raises NothingModelled."""
    try:
        done = subprocess.run(
            [python, str(PROBE)], capture_output=True, text=True, check=False, timeout=PROBE_SECONDS,
            env={"PYTHONHASHSEED": "0", "PATH": ""},
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NothingModelled(f"{python} does not say what it models ({error})") from None
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise NothingModelled(f"{python} has no torch whose Dynamo can be asked ({said[-1] if said else 'no reason'})")
    return from_json(json.loads(done.stdout))


def from_json(data: Mapping[str, Any]) -> Modelled:
    """What the probe printed."""
    accepted: dict[str, Sequence[Sample]] = {}
    refused: list[Sample] = []
    for name, calls in sorted(data["calls"].items()):
        found = [_sample(name, call, accepted=True) for call in calls["accepted"]]
        if found:
            accepted[name] = found
        refused += [_sample(name, call, accepted=False) for call in calls["refused"]]
    return Modelled(data["version"], tuple(data["modelled"]), accepted, refused)


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
