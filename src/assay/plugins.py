"""What the files of a folder define, and those of installed packages: how a transform, an oracle, a reducer or a
feature is found without being listed anywhere.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from importlib.metadata import entry_points
from types import ModuleType
from typing import Protocol, TypeVar


class Named(Protocol):
    """What has a name of its own."""

    @property
    def name(self) -> str:
        """By which it is asked for."""


Found = TypeVar("Found", bound=Named)


def collected(package: str, group: str, of: Callable[[ModuleType], Iterable[Found]]) -> dict[str, Found]:
    """By name what ``of`` takes from each module of a package, and from those that installed packages name under a
    group of entry points. Raises ValueError where two have one name."""
    path = importlib.import_module(package).__path__
    names = [f"{package}.{entry.name}" for entry in pkgutil.iter_modules(path) if not entry.ispkg]
    names += [entry.value for entry in entry_points(group=group)]
    found: dict[str, Found] = {}
    for name in names:
        for each in of(importlib.import_module(name)):
            if found.setdefault(each.name, each) is not each:
                kind = group.partition(".")[2]
                raise ValueError(f"two {kind} are called {each.name!r}; the one in {name} needs another name")
    return found
