"""The oracle of aliasing: outputs, arguments and state share storage, and are the same object, exactly where eager
has it so.

Who shares decides what a later write is seen through, so both a lost and an added alias are wrong. torch.compile
keeps to eager here, also among outputs that are views of one intermediate. Outputs that have no element in common do
not count as sharing: no write to one is seen through the other, whatever storage they lie in.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from assay.oracles.numerics.decode import itemsize
from assay.oracles.outcome import CallRecord, TensorRecord
from assay.oracles.pairs import Node, Place, calls_of, nodes
from assay.oracles.registry import ALIASES, Question, oracle
from assay.oracles.strides import significant
from assay.oracles.verdict import Discrepancy, Kind

MOST_ELEMENTS = 1 << 16
"""Above, tensors whose spans meet count as meeting."""

Tensors = dict[str, tuple[Place, TensorRecord]]


@oracle("alias", order=70)
def alias(question: Question) -> Iterator[Discrepancy]:
    """Pairs of tensors of one call that share on one side only, or share at another distance."""
    if ALIASES not in question.promises:
        return
    for number, eager, compiled in calls_of(question.outcome.reference, question.outcome.target):
        reference, target = _tensors(eager), _tensors(compiled)
        common = [path for path in reference if path in target]
        stored = [path for path in common if _occupies(reference[path][1]) and _occupies(target[path][1])]
        yield from _storages(number, stored, reference, target)
        told = _partners(stored, reference, _storage) != _partners(stored, target, _storage)
        if not told:
            yield from _objects(number, common, reference, target)


def _storages(number: int, paths: list[str], reference: Tensors, target: Tensors) -> Iterator[Discrepancy]:
    """Who shares memory with whom, and how far on. Where a view starts follows from the layout of what it is a view of:
    other strides are the business of the oracle of strides.
    """
    in_eager, on_target = (_partners(paths, side, _storage) for side in (reference, target))
    for path in paths:
        lost, added = in_eager[path], on_target[path]
        if lost == added:
            ours, theirs = _apart(reference, lost, path), _apart(target, lost, path)
            alike = all(significant(reference[each][1]) == significant(target[each][1]) for each in (lost, path))
            if lost != path and ours != theirs and alike:
                detail = f"shares storage with {lost}, but starts elsewhere: eager {ours} elements on, target {theirs}"
                yield _discrepancy(number, reference, path, lost, detail, "offset")
            continue
        if lost != path and (partner := _partner(paths, path, reference, target)) is not None:
            detail = f"shares storage with {partner} in eager, not on the target"
            yield _discrepancy(number, reference, path, partner, detail, "lost")
        if added != path and (partner := _partner(paths, path, target, reference)) is not None:
            detail = f"shares storage with {partner} on the target, not in eager"
            yield _discrepancy(number, reference, path, partner, detail, "added")


def _objects(number: int, paths: list[str], reference: Tensors, target: Tensors) -> Iterator[Discrepancy]:
    """Who is the same object. Two outputs on the same memory that have become one object, or two, are let be: no write
    can tell, and autograd's own functions hand back a tensor each. So is an argument that comes back as another object
    where two arguments share memory: AOTAutograd then passes one tensor for both, and makes views of it.
    """
    in_eager, on_target = (_partners(paths, side, _identity) for side in (reference, target))
    passed = Counter(record.storage for place, record in reference.values() if place is not Place.output)
    shared = any(count > 1 for count in passed.values())
    for path in paths:
        lost, added = in_eager[path], on_target[path]
        if lost == added or reference[path][0] is reference[lost][0] is reference[added][0] is Place.output:
            continue
        if lost != path and target[lost][1].identity != target[path][1].identity and not shared:
            yield _discrepancy(
                number, reference, path, lost, f"is the object {lost} in eager, another on the target", "object lost"
            )
        if added != path and reference[added][1].identity != reference[path][1].identity:
            yield _discrepancy(
                number, reference, path, added, f"is the object {added} on the target, another in eager", "object added"
            )


def _discrepancy(number: int, tensors: Tensors, path: str, partner: str, detail: str, how: str) -> Discrepancy:
    signature = f"alias|{how}|{tensors[path][0]}-{tensors[partner][0]}"
    return Discrepancy(Kind.alias, f"call {number}, {path}", detail, signature)


def _tensors(call: CallRecord) -> Tensors:
    """The tensors of a call by their path; gradients have storages of their own, which were not numbered with the
    others.
    """
    found: Iterable[Node] = (node for node in nodes(call, {}) if node.place is not Place.gradient)
    return {node.path: (node.place, node.tree) for node in found if isinstance(node.tree, TensorRecord)}


def _occupies(record: TensorRecord) -> bool:
    """Whether there is memory to share: some element, in a storage that could be seen."""
    return record.storage >= 0 and 0 not in record.shape


def _partners(paths: list[str], tensors: Tensors, number: Callable[[TensorRecord], int]) -> dict[str, str]:
    """For each path, the first with the same number; it stands for the whole group, so that equal groups are equal
    dicts.
    """
    first: dict[int, str] = {}
    return {path: first.setdefault(number(tensors[path][1]), path) for path in paths}


def _apart(tensors: Tensors, first: str, second: str) -> int:
    """Elements of the second's dtype between the starts; offsets into a storage that only outputs share are the
    allocator's business.
    """
    return tensors[second][1].offset - tensors[first][1].offset


def _partner(paths: list[str], path: str, there: Tensors, here: Tensors) -> str | None:
    """The first of ``paths`` before ``path`` whose memory it meets in ``there`` and does not share in ``here``."""
    for other in paths[: paths.index(path)]:
        stored = (here[other][1].storage == here[path][1].storage, there[other][1].storage)
        if stored == (False, there[path][1].storage) and _meet(there, other, path):
            return other
    return None


def _meet(tensors: Tensors, first: str, second: str) -> bool:
    """Whether a write to one may be seen through the other: outputs apart in one pool of memory share nothing, nor do
    parts of one intermediate that take turns in it.

    An argument's storage is the caller's, and nothing else belongs there.
    """
    if not tensors[first][0] is tensors[second][0] is Place.output:
        return True
    one, other = tensors[first][1], tensors[second][1]
    (start, end), (other_start, other_end) = _span(one), _span(other)
    if not (start < other_end and other_start < end):
        return False
    if max(math.prod(one.shape), math.prod(other.shape)) > MOST_ELEMENTS:
        return True
    return bool(np.intersect1d(_bytes(one), _bytes(other)).size)


def _span(record: TensorRecord) -> tuple[int, int]:
    """The bytes of the storage from its first element to the end of its last."""
    last = sum((size - 1) * step for size, step in zip(record.shape, record.stride, strict=True))
    size = itemsize(record.dtype)
    return record.offset * size, (record.offset + last + 1) * size


def _bytes(record: TensorRecord) -> NDArray[np.int64]:
    """Every byte of the storage that belongs to an element."""
    at = np.full(record.shape, record.offset, np.int64)
    for dimension, (size, step) in enumerate(zip(record.shape, record.stride, strict=True)):
        along = [1] * len(record.shape)
        along[dimension] = size
        at = at + (np.arange(size) * step).reshape(along)
    size = itemsize(record.dtype)
    return np.unique(at.reshape(-1, 1) * size + np.arange(size))


def _storage(record: TensorRecord) -> int:
    return record.storage


def _identity(record: TensorRecord) -> int:
    return record.identity
