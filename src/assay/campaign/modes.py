"""Which ways to differentiate each function of a library supports: its first seed, differentiated twice in all of them.

What was found is kept beside the seeds, and asked again when the library's files or the ways change.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import suppress
from pathlib import Path
from typing import Any

from assay.apis.seeds import WATCHED, Seeds
from assay.apis.source import case_of
from assay.backends import find_backend
from assay.campaign.assemble import WARM
from assay.collected import keep, kept_folder, key_of
from assay.execution import Worker
from assay.execution.client import PROGRAM
from assay.oracles.derivatives import quantities_of

ORDERS = ("first", "second")
SECONDS = 60.0
EVERY = 25
"""After how many functions what is known is written down."""

Modes = Mapping[str, Any]
"""``ways`` that gave a number, as "first reverse"; where there is none, ``why``."""


def known_modes(target: str) -> dict[str, Modes]:
    """What is known of the functions of a target's library, by name."""
    return _read(_place(target))


def find_modes(seeds: Seeds, target: str, tell: Callable[[int, int], None]) -> dict[str, Modes]:
    """The same, once all functions of ``seeds`` have been tried; ``tell`` hears how many have, of how many. What was
    known is not tried again. Raises what `Worker` raises when it starts."""
    place = _place(target)
    found = _read(place)
    left = [each for each in seeds.apis if each.name not in found]
    if not left:
        return found
    with Worker(targets=[target], environment=WARM) as worker:
        for number, api in enumerate(left):
            case = case_of(api.seeds[0], {"order": len(ORDERS)}, {}, target)
            told = worker.run(case, seconds=SECONDS).derivatives or {}
            refused = str(told.get("refused", {}).get("message", ""))
            why = told.get("nothing") or refused.partition("\n")[0] or "it does not come to an end"
            ways = list(quantities_of(told))
            found[api.name] = {"ways": ways} if ways else {"ways": [], "why": why}
            if (number + 1) % EVERY == 0 or number + 1 == len(left):
                keep(place, json.dumps(found))
                tell(number + 1, len(left))
    return found


def said_modes(modes: Modes | None, whole: Set[str]) -> str:
    """A function's modes in few words, held against the ways that any function of the library has."""
    if modes is None:
        return ""
    if not modes["ways"]:
        return f"none: {modes['why']}"
    return "; ".join(_said(order, {*modes["ways"]}, whole) for order in ORDERS)


def _said(order: str, ways: Set[str], whole: Set[str]) -> str:
    wanted, had = (sorted(_of(order, each)) for each in (whole, ways))
    if not had:
        return f"no {order}"
    left = [each for each in wanted if each not in had]
    if not left:
        return order
    return f"{order} but {', '.join(left)}" if len(left) <= len(had) else f"{order} by {', '.join(had)}"


def _of(order: str, ways: Iterable[str]) -> Iterator[str]:
    return (way.removeprefix(f"{order} ") for way in ways if way.startswith(f"{order} "))


def _read(place: Path) -> dict[str, Modes]:
    with suppress(OSError, ValueError):
        found: dict[str, Modes] = json.loads(place.read_text())
        return found
    return {}


def _place(target: str) -> Path:
    backend = find_backend(target)
    python = backend.python or sys.executable
    library = backend.framework
    program = PROGRAM / f"{library}_modes.py"
    return kept_folder() / f"modes-{library}-{key_of(python, program, library, WATCHED[library])}.json"
