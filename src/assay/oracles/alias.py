"""The oracle of aliasing: outputs, arguments and state share storage, and are the same object, exactly where eager
has it so.

Who shares decides what a later write is seen through, so both a lost and an added alias are wrong. torch.compile
keeps to eager here, also among outputs that are views of one intermediate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from assay.oracles.outcome import CallRecord, TensorRecord
from assay.oracles.pairs import Node, Place, calls_of, nodes
from assay.oracles.registry import Question, oracle
from assay.oracles.verdict import Discrepancy, Kind

Tensors = dict[str, tuple[Place, TensorRecord]]


@oracle("alias", order=70)
def alias(question: Question) -> Iterator[Discrepancy]:
    """Pairs of tensors of one call that share on one side only, or share at another distance."""
    for number, eager, compiled in calls_of(question.outcome.reference, question.outcome.target):
        reference, target = _tensors(eager), _tensors(compiled)
        common = [path for path in reference if path in target]
        stored = [path for path in common if _occupies(reference[path][1]) and _occupies(target[path][1])]
        yield from _storages(number, stored, reference, target)
        told = _partners(stored, reference, _storage) != _partners(stored, target, _storage)
        if not told:
            yield from _objects(number, common, reference, target)


def _storages(number: int, paths: list[str], reference: Tensors, target: Tensors) -> Iterator[Discrepancy]:
    in_eager, on_target = (_partners(paths, side, _storage) for side in (reference, target))
    for path in paths:
        lost, added = in_eager[path], on_target[path]
        if lost == added:
            ours, theirs = _apart(reference, lost, path), _apart(target, lost, path)
            if lost != path and ours != theirs:
                detail = f"shares storage with {lost}, but starts elsewhere: eager {ours} elements on, target {theirs}"
                yield _discrepancy(number, reference, path, lost, detail, "offset")
            continue
        if lost != path and target[lost][1].storage != target[path][1].storage:
            yield _discrepancy(
                number, reference, path, lost, f"shares storage with {lost} in eager, not on the target", "lost"
            )
        if added != path and reference[added][1].storage != reference[path][1].storage:
            yield _discrepancy(
                number, reference, path, added, f"shares storage with {added} on the target, not in eager", "added"
            )


def _objects(number: int, paths: list[str], reference: Tensors, target: Tensors) -> Iterator[Discrepancy]:
    """Who is the same object. Two outputs on the same memory that have become one object, or two, are let be: no write
    can tell, and autograd's own functions hand back a tensor each. So is an argument that comes back as another object
    where a second argument shares its memory: AOTAutograd then passes one tensor for both, and makes views of it.
    """
    in_eager, on_target = (_partners(paths, side, _identity) for side in (reference, target))
    passed = Counter(record.storage for place, record in reference.values() if place is not Place.output)
    for path in paths:
        lost, added = in_eager[path], on_target[path]
        if lost == added or reference[path][0] is reference[lost][0] is reference[added][0] is Place.output:
            continue
        one_of_several = passed[reference[path][1].storage] > 1
        if lost != path and target[lost][1].identity != target[path][1].identity and not one_of_several:
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


def _storage(record: TensorRecord) -> int:
    return record.storage


def _identity(record: TensorRecord) -> int:
    return record.identity
