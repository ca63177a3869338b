"""The catalogue of operators: every family of this package and of the entry points `assay.operators`, by name.

Adding a family is adding a file to `families` (or an entry point that names a module); nothing else is edited.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from importlib.metadata import entry_points

from assay.ops import families
from assay.ops.protocol import REGISTRY, Operator

DETERMINED = ("determined.", "algebra.lstsq", "algebra.cov", "chance.random_")
"""How the names of operators begin that data decide about: they break a graph, or end in symbols without a value."""


class UnknownOperator(ValueError):
    """A name or glob of the user's matches no operator."""


@cache
def load() -> Mapping[str, Operator]:
    """All operators by name, in a fixed order (by name)."""
    for module in sorted(info.name for info in pkgutil.iter_modules(families.__path__)):
        importlib.import_module(f"{families.__name__}.{module}")
    for entry in sorted(entry_points(group="assay.operators"), key=lambda entry: entry.name):
        entry.load()
    return {name: REGISTRY.operators[name] for name in sorted(REGISTRY.operators)}


def select(include: Sequence[str] = (), exclude: Sequence[str] = ()) -> list[str]:
    """Names that match any of ``include`` (all if empty) and none of ``exclude``; both take names and globs.

    Raises UnknownOperator for a pattern that matches nothing.
    """
    names = list(load())
    for pattern in (*include, *exclude):
        if not any(fnmatchcase(name, pattern) for name in names):
            raise UnknownOperator(f"no operator matches {pattern!r}; `assay ops` lists them")
    return [
        name
        for name in names
        if (not include or any(fnmatchcase(name, pattern) for pattern in include))
        and not any(fnmatchcase(name, pattern) for pattern in exclude)
    ]
