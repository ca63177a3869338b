"""What maintainers have declared to be intended: derivatives that are not those of the function, by convention.

One table, each row with its reason and its source. A finding that a row explains is counted as unsupported under the
row's name, never reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from assay.ir.case import Case


@dataclass(frozen=True, slots=True)
class Convention:
    """``apis`` are globs of names, ``quantity`` and ``form`` what the finding is of (all where they are empty)."""

    name: str
    apis: tuple[str, ...]
    reason: str
    source: str
    quantity: str = ""
    form: str = ""


CONVENTIONS: tuple[Convention, ...] = ()


def convention_of(case: Case, quantity: str, wrong: frozenset[str], form: str) -> Convention | None:
    """The row that explains a finding."""
    for row in CONVENTIONS:
        fits = row.quantity in ("", quantity) and row.form in ("", form)
        if fits and any(fnmatchcase(name, glob) for name in case.operators for glob in row.apis):
            return row
    return None
