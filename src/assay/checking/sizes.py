"""Which dimensions of the inputs may vary: eager is asked, by calls at other sizes.

Dimensions of one size are changed together first, since most of them are one and the same; where eager refuses that,
each alone. What eager refuses is fixed, and its message says why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from assay.campaign.examine import Run
from assay.checking.described import Described, Leaf, bare_case, eager_beside, ending
from assay.checking.texts import Way, case_text
from assay.oracles.signature import first_line

MOST = 24
"""How many groups of dimensions are tried."""

Dimension = tuple[int, int]
"""A leaf's place among the leaves that are tensors, and a dimension of it."""


@dataclass(frozen=True)
class Varying:
    """What eager takes: groups of dimensions that may change together, and in words what may and may not. ``calls``
    are the shapes of further calls, by the number of the leaf, from the gentlest on."""

    groups: tuple[tuple[Dimension, ...], ...]
    told: tuple[str, ...]
    calls: tuple[dict[int, tuple[int, ...]], ...] = ()


def varying(described: Described, run: Run, target: str) -> Varying:
    """What of the inputs' sizes may vary."""
    leaves = described.leaves
    by_size: dict[int, list[Dimension]] = {}
    for place, leaf in enumerate(leaves):
        for dim, size in enumerate(leaf.shape):
            if size > 0:
                by_size.setdefault(size, []).append((place, dim))
    groups = [tuple(group) for group in by_size.values()][:MOST]
    refused = dict(zip(groups, _tried(described, run, target, [_grown([g], leaves, 1) for g in groups]), strict=True))
    alone = [each for group in groups if refused[group] and len(group) > 1 for each in group][:MOST]
    again: list[tuple[Dimension, ...]] = []
    again += [(each,) for each in alone]
    # What begins with the first dimension of everything is a batch, whatever else has its size.
    first = tuple((place, 0) for place, leaf in enumerate(leaves) if leaf.shape)
    if len(first) > 1 and first not in groups:
        again.append(first)
    refused |= dict(zip(again, _tried(described, run, target, [_grown([g], leaves, 1) for g in again]), strict=True))
    free: list[tuple[Dimension, ...]] = []
    for group in [*groups, *sorted(again, key=len, reverse=True)]:
        if not refused[group] and not any(set(group) & set(other) for other in free):
            free.append(group)
    return Varying(tuple(free), tuple(_told(leaves, free, refused)), tuple(_calls(described, run, target, free)))


def _calls(
    described: Described, run: Run, target: str, free: Sequence[tuple[Dimension, ...]]
) -> list[dict[int, tuple[int, ...]]]:
    """Shapes with every free dimension changed at once: one more, about twice, one; those that eager takes."""
    if not free:
        return []
    leaves = described.leaves
    wanted = [_grown(free, leaves, 1), _grown(free, leaves, 5), _of_size(free, leaves, 1)]
    refused = _tried(described, run, target, wanted)
    found = [shapes for shapes, why in zip(wanted, refused, strict=True) if not why]
    return found or [_grown(free[:1], leaves, 1)]


def _grown(groups: Sequence[tuple[Dimension, ...]], leaves: Sequence[Leaf], by: int) -> dict[int, tuple[int, ...]]:
    return _changed(groups, leaves, lambda size: size + by)


def _of_size(groups: Sequence[tuple[Dimension, ...]], leaves: Sequence[Leaf], size: int) -> dict[int, tuple[int, ...]]:
    return _changed(groups, leaves, lambda _: size)


def _changed(
    groups: Sequence[tuple[Dimension, ...]], leaves: Sequence[Leaf], change: Callable[[int], int]
) -> dict[int, tuple[int, ...]]:
    shapes: dict[int, list[int]] = {}
    for place, dim in (each for group in groups for each in group):
        shape = shapes.setdefault(leaves[place].number, list(leaves[place].shape))
        shape[dim] = change(leaves[place].shape[dim])
    return {number: tuple(shape) for number, shape in shapes.items()}


def _tried(described: Described, run: Run, target: str, wanted: Sequence[dict[int, tuple[int, ...]]]) -> list[str]:
    """For each of some shapes why eager refuses them; empty where it does not."""
    if not wanted:
        return []
    way = Way(len(wanted), sizes=dict(enumerate(wanted)))
    outcome = run(bare_case(case_text(described.subject, way), eager_beside(target), way))
    if outcome.ended != "completed" or outcome.reference is None:
        return [ending(outcome)] * len(wanted)
    said = []
    for call in outcome.reference.calls:
        raised = call.exception
        said.append("" if raised is None else f"{raised.type}: {first_line(raised.message)}")
    return said + ["it was not reached"] * (len(wanted) - len(said))


def _told(
    leaves: Sequence[Leaf], free: Sequence[tuple[Dimension, ...]], refused: dict[tuple[Dimension, ...], str]
) -> list[str]:
    """One line of what varies, and one for each reason of what does not."""
    varied = {each for group in free for each in group}
    lines = []
    if free:
        named = [" = ".join(f"{leaves[place].name}[{dim}]" for place, dim in group) for group in free]
        lines.append(f"{', '.join(named)} {'varies' if len(varied) == 1 else 'vary'}")
    reasons: dict[str, list[str]] = {}
    for group, why in refused.items():
        if (why and len(group) == 1) or (why and len(refused) == 1):
            for place, dim in group:
                if (place, dim) not in varied:
                    reasons.setdefault(why, []).append(f"{leaves[place].name}[{dim}]")
    for why, names in reasons.items():
        lines.append(f"{', '.join(dict.fromkeys(names))} fixed: {why[:120]}")
    return lines
