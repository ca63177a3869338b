"""The oracle of Python objects: lists, dicts and objects of the program's own are one object, or several, exactly where
eager has it so.

A list that is returned twice, or handed back to the caller who passed it, is written to later; a copy in its place
loses those writes.
"""

from __future__ import annotations

from collections.abc import Iterator

from assay.oracles.outcome import CallRecord, ContainerRecord
from assay.oracles.pairs import Place, calls_of, nodes
from assay.oracles.registry import Question, oracle
from assay.oracles.verdict import Discrepancy, Kind


@oracle("objects", order=75)
def objects(question: Question) -> Iterator[Discrepancy]:
    """Pairs of objects of one call that are the same on one side only."""
    for number, eager, compiled in calls_of(question.outcome.reference, question.outcome.target):
        reference, target = _objects(eager), _objects(compiled)
        common = [path for path in reference if path in target]
        in_eager, on_target = (_partners(common, side) for side in (reference, target))
        for path in common:
            lost, added = in_eager[path], on_target[path]
            if lost == added:
                continue
            if lost != path and target[lost][1].identity != target[path][1].identity:
                detail = f"is the object {lost} in eager, another on the target"
                yield _discrepancy(number, path, detail, "lost", reference[path], reference[lost])
            if added != path and reference[added][1].identity != reference[path][1].identity:
                detail = f"is the object {added} on the target, another in eager"
                yield _discrepancy(number, path, detail, "added", reference[path], reference[added])


Found = tuple[Place, ContainerRecord]


def _discrepancy(number: int, path: str, detail: str, how: str, one: Found, other: Found) -> Discrepancy:
    signature = f"alias|object {how}|{one[0]}-{other[0]}|{one[1].type}"
    return Discrepancy(Kind.alias, f"call {number}, {path}", detail, signature)


def _objects(call: CallRecord) -> dict[str, Found]:
    """The objects of a call whose identity counts, by their path."""
    return {
        node.path: (node.place, node.tree)
        for node in nodes(call, {})
        if isinstance(node.tree, ContainerRecord) and node.tree.identity >= 0
    }


def _partners(paths: list[str], found: dict[str, Found]) -> dict[str, str]:
    """For each path, the first of the same object."""
    first: dict[int, str] = {}
    return {path: first.setdefault(found[path][1].identity, path) for path in paths}
