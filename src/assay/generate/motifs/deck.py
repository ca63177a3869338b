"""Motifs are dealt from a shuffled deck and inserted: whole, or with one thing changed."""

from __future__ import annotations

from functools import cache

from assay.generate.builder import Builder
from assay.generate.motifs.catalogue import Motif, load
from assay.generate.motifs.draft import CAST, USE, WRITE, Draft
from assay.generate.shoe import Shoe
from assay.ops.facts import Unsatisfied

# Of the motifs, those that are to be changed; one in six cannot be at the place that was drawn.
CHANGED = 0.7
# Tries of one motif, and motifs that are tried at a step.
TRIES = 2
DEALT = 4
# By how many operations a motif may pass the number that the policy asks for, as a part of it.
SLACK = 0.5


class Deck:
    """Deals motifs that the policy of one program allows, that at ``turn`` of the shoe first."""

    def __init__(self, builder: Builder, seed: int, turn: int) -> None:
        self.builder = builder
        self._first = (seed, turn)
        self.slack = int(builder.policy.operations * SLACK)
        self._cards: list[Motif] = []

    def insert(self, room: int) -> Draft | None:
        """Insert the next motif that can be, and say how it was made; ``room`` is what is left of the policy's
        operations."""
        for _ in range(DEALT):
            motif = self._next()
            made = None if motif is None else insert(self.builder, motif, room + self.slack)
            if made is not None or motif is None:
                return made
        return None

    def _next(self) -> Motif | None:
        if not self._cards:
            rng = self.builder.rng
            known = [motif for motif in load().values() if suits(motif, self.builder)]
            # A weighted order without repetition (Efraimidis and Spirakis 2006): what few policies have room for comes
            # early where there is room.
            self._cards = sorted(known, key=lambda motif: rng.random() ** share(motif))
            first = set(shoe().deal(*self._first, 1))
            self._cards += [motif for motif in known if motif.name in first]
        return self._cards.pop() if self._cards else None


@cache
def shoe() -> Shoe:
    """All motifs, of each the more the fewer policies have room for it."""
    return Shoe("motifs", {motif.name: round(2 / share(motif)) for motif in load().values()})


@cache
def share(motif: Motif) -> float:
    """About which share of the policies has room for a motif."""
    count = len(motif.uses)
    # Half of the policies keep every operator, the others a share of them that is drawn evenly.
    low, high = 0.4, 0.9
    kept = (high ** (count + 1) - low ** (count + 1)) / ((count + 1) * (high - low))
    return (0.5 + 0.5 * kept) * (0.5 if motif.rounds else 1.0) * (0.75 if motif.writes else 1.0) / motif.weight


def suits(motif: Motif, builder: Builder) -> bool:
    """Whether the policy of a program has room for a motif, and what runs it may look for it."""
    policy = builder.policy
    if not builder.dialect.python and not motif.onnxruntime:
        return False
    if (motif.rounds and policy.exact) or (motif.writes and not policy.mutation):
        return False
    return builder.allowed.issuperset(motif.uses)


def insert(builder: Builder, motif: Motif, limit: int, change: str | None = None) -> Draft | None:
    """Append a motif of at most so many operations; how it was made, None where it was refused. ``change`` says what is
    to be changed ("": nothing), by default it is drawn."""
    for _ in range(TRIES):
        mark = builder.mark()
        draft = Draft(builder, _change(builder, motif) if change is None else change, limit)
        try:
            motif.build(draft)
            draft.finish()
        except Unsatisfied:
            builder.back_to(mark)
            continue
        builder.hide(draft.inside)
        builder.motifs.append((motif.name, draft.changed))
        return draft
    return None


def _change(builder: Builder, motif: Motif) -> str:
    """What is to be changed: rather what is the motif's own."""
    if builder.rng.random() >= CHANGED:
        return ""
    common = [USE, CAST] if builder.policy.mutation == 0 else [USE, CAST, WRITE]
    own = motif.changes
    return builder.rng.choice(own if own and builder.rng.random() < 0.7 else common)
