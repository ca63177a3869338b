"""What a reducer must keep to, for its author to check against: `problems(reducer, subjects)` is empty where it does.

The loop of reduction relies on it: candidates follow from the subject alone, are finite, differ from what they came
from, and a fair part of them are programs; reducing by the one reducer comes to an end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from assay.ops.facts import Unsatisfied
from assay.triage.reduction import prepared
from assay.triage.registry import Reducer
from assay.triage.subject import Subject

MOST = 5_000
"""Candidates of one subject: more could not be run anyway."""

LONGEST = 200
"""Steps of one reducer alone until nothing of it is left to do."""


def problems(reducer: Reducer, subjects: Iterable[Subject]) -> list[str]:
    """What is wrong with a reducer, shown on some subjects; each in one line."""
    found = [] if reducer.candidates.__doc__ else [f"{reducer.name} has no docstring"]
    for number, subject in enumerate(subjects):
        found += [f"{reducer.name}, subject {number}: {problem}" for problem in _of_one(reducer, subject)]
    return found


def _of_one(reducer: Reducer, subject: Subject) -> Iterator[str]:
    try:
        first = list(islice(reducer.candidates(subject), MOST + 1))
        again = list(islice(reducer.candidates(subject), MOST + 1))
    except Unsatisfied as raised:
        yield f"raises Unsatisfied ({raised}); leave such a candidate out"
        return
    if len(first) > MOST:
        yield f"yields more than {MOST} candidates"
        return
    if first != again:
        yield "yields other candidates the second time; it must be a pure function of the subject"
    if any(candidate == subject for candidate in first):
        yield "yields what it was given"
    if any(candidate.target != subject.target for candidate in first):
        yield "changes the target"
    if not _ends(reducer, subject):
        yield f"goes on for more than {LONGEST} steps if every candidate is taken"


def _ends(reducer: Reducer, subject: Subject) -> bool:
    """Whether taking the first new candidate again and again comes to an end."""
    seen = {subject.case().id}
    for _ in range(LONGEST):
        for candidate in reducer.candidates(subject):
            made = prepared(candidate)
            if made is not None and made[1].id not in seen:
                seen.add(made[1].id)
                subject = made[0]
                break
        else:
            return True
    return False
