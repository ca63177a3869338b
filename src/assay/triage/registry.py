"""Reducers register themselves here. One is a file of `reducers`, or of a package that names it under `assay.reducers`.

    @reducer("contiguous", order=38)
    def contiguous(subject: Subject) -> Iterator[Subject]: ...

It is a pure generator of simpler subjects, the coarsest first. What it yields need not be well typed nor free of dead
code: every candidate is typed anew, cleaned and verified before anything runs. `assay.triage.conformance` checks one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from types import ModuleType

from assay.plugins import collected
from assay.triage.subject import Subject

Candidates = Callable[[Subject], Iterator[Subject]]


@dataclass(frozen=True, slots=True)
class Reducer:
    """A named way to make a subject simpler.

    Reducers are asked by ``order``. After one of its candidates was taken, a reducer is asked about that one: where
    ``sweep``, from the candidate of the same number on (its list is by place, and what came before has just failed),
    else from its first, coarsest one.
    """

    name: str
    order: int
    candidates: Candidates
    sweep: bool = True


def reducer(name: str, *, order: int, sweep: bool = True) -> Callable[[Candidates], Reducer]:
    """Make a `Reducer` of a pure generator of simpler subjects."""

    def made(candidates: Candidates) -> Reducer:
        return Reducer(name, order, candidates, sweep)

    return made


def reducers_of(module: ModuleType) -> tuple[Reducer, ...]:
    """The reducers that a module defines, as against those that it imports."""
    found = (value for value in vars(module).values() if isinstance(value, Reducer))
    return tuple(each for each in found if each.candidates.__module__ == module.__name__)


@cache
def reducers() -> tuple[Reducer, ...]:
    """Every reducer of the folder and of installed packages, by order and then by name.

    Raises ValueError where two have one name.
    """
    found = collected(f"{__package__}.reducers", "assay.reducers", reducers_of)
    return tuple(sorted(found.values(), key=lambda each: (each.order, each.name)))
