"""What eager and the target show in the same place, paired: the walk that the comparing oracles share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from assay.ir.case import Case
from assay.oracles.outcome import CallRecord, ContainerRecord, Execution, TensorRecord, Tree
from assay.oracles.verdict import Kind

AnyTree = TypeVar("AnyTree", bound=Tree)
EVERYTHING = "everything"
"""What the flags of a case whose arithmetic is exact throughout name."""

_BEFORE = ("load", "inputs")


class Place(StrEnum):
    """What a recorded tree is to the program."""

    output = "output"
    argument = "argument"
    state = "state"
    gradient = "gradient"

    def kind(self, of_output: Kind) -> Kind:
        """The kind of a discrepancy here that would be ``of_output`` in an output."""
        return {
            Place.output: of_output,
            Place.argument: Kind.mutation,
            Place.state: Kind.state,
            Place.gradient: Kind.gradient,
        }[self]


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a recorded tree. ``path`` says where it is, as in "output 1['mean']"; ``exact`` whether its
    arithmetic is.
    """

    place: Place
    path: str
    tree: Tree
    exact: bool


@dataclass(frozen=True, slots=True)
class Pair(Generic[AnyTree]):
    """One place as eager (``reference``) and the ``target`` have it."""

    call: int
    place: Place
    path: str
    reference: AnyTree
    target: AnyTree
    exact: bool

    @property
    def where(self) -> str:
        """The place in words, as in "call 1, output 0"."""
        return f"call {self.call}, {self.path}"


def calls_of(reference: Execution | None, target: Execution | None) -> Iterator[tuple[int, CallRecord, CallRecord]]:
    """The calls that both sides came through, or raised in at the same stage, with their number."""
    if reference is None or target is None:
        return
    for number, (eager, compiled) in enumerate(zip(reference.calls, target.calls, strict=False)):
        if eager.status == compiled.status and eager.stage == compiled.stage and eager.stage not in _BEFORE:
            yield number, eager, compiled


def pairs(case: Case, reference: Execution | None, target: Execution | None) -> Iterator[Pair[Tree]]:
    """Every place that both sides have, containers before what they contain."""
    for number, eager, compiled in calls_of(reference, target):
        theirs = {node.path: node.tree for node in nodes(compiled, case.exact)}
        for node in nodes(eager, case.exact):
            if node.path in theirs:
                yield Pair(number, node.place, node.path, node.tree, theirs[node.path], node.exact)


def tensor_pairs(case: Case, reference: Execution | None, target: Execution | None) -> Iterator[Pair[TensorRecord]]:
    """The places where both sides have a tensor."""
    for pair in pairs(case, reference, target):
        if isinstance(pair.reference, TensorRecord) and isinstance(pair.target, TensorRecord):
            yield Pair(pair.call, pair.place, pair.path, pair.reference, pair.target, pair.exact)


def comparable(pair: Pair[TensorRecord]) -> bool:
    """Whether element by element is a sensible question; where it is not, another oracle says why."""
    return pair.reference.dtype == pair.target.dtype and pair.reference.shape == pair.target.shape


def find(execution: Execution | None, call: int, path: str) -> Tree | None:
    """What ``execution`` has in that place; None where it has nothing, or came to an exception."""
    if execution is None or call >= len(execution.calls) or execution.calls[call].status != "ok":
        return None
    return next((node.tree for node in nodes(execution.calls[call], {}) if node.path == path), None)


def nodes(call: CallRecord, exact: Mapping[str, Any]) -> Iterator[Node]:
    """All nodes of a call, in the order arguments, state, outputs, gradients; gradients are never exact."""
    yield from _flagged(Place.argument, ((f"argument {n}", tree) for n, tree in enumerate(call.arguments)), exact)
    state = exact.get("state") or {}
    for name, tree in call.state.items():
        for path, node in _walk(f"state {name!r}", tree):
            yield Node(Place.state, path, node, bool(exact.get(EVERYTHING) or state.get(name, False)))
    if call.outputs is not None:
        yield from _flagged(Place.output, (("output", call.outputs),), exact)
    for name, gradient in call.gradients.items():
        if gradient is not None:
            yield Node(Place.gradient, gradient_path(name), gradient, False)


def gradient_path(name: str) -> str:
    """The path of the gradient of an argument or parameter."""
    return f"gradient of {name}"


def _flagged(place: Place, trees: Iterable[tuple[str, Tree]], exact: Mapping[str, Any]) -> Iterator[Node]:
    """The nodes of ``trees``. Flags go to tensors in turn; among arguments, to those outside containers."""
    if exact.get(EVERYTHING):
        yield from (Node(place, path, node, True) for start, tree in trees for path, node in _walk(start, tree))
        return
    flags = iter(exact.get(f"{place}s") or ())
    for start, tree in trees:
        for path, node in _walk(start, tree):
            flagged = isinstance(node, TensorRecord) and (place is Place.output or node is tree)
            yield Node(place, path, node, flagged and bool(next(flags, False)))


def _walk(path: str, tree: Tree) -> Iterator[tuple[str, Tree]]:
    yield path, tree
    if isinstance(tree, ContainerRecord):
        for number, item in enumerate(tree.items):
            if tree.keys is not None and number < len(tree.keys):
                step = f"{path}[{tree.keys[number]}]"
            else:
                # the usual tuple of outputs reads "output 0", what is deeper "output 0[1]"
                step = f"output {number}" if path == "output" else f"{path}[{number}]"
            yield from _walk(step, item)
