"""Motifs are dealt from a shuffled deck and inserted: whole, or with one thing changed."""

from __future__ import annotations

from assay.generate.builder import Builder
from assay.generate.motifs.catalogue import Motif, load
from assay.generate.motifs.draft import CAST, USE, WRITE, Draft
from assay.ops.facts import Unsatisfied

# Of the motifs, those that are changed.
CHANGED = 0.6
# Tries of one motif, and motifs that are tried at a step.
TRIES = 2
DEALT = 4
# By how many operations a motif may pass the number that the policy asks for, as a part of it.
SLACK = 0.34


class Deck:
    """Deals motifs that the policy of one program allows."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self.slack = int(builder.policy.operations * SLACK)
        self._cards: list[Motif] = []

    def insert(self, room: int) -> int:
        """Insert the next motif that can be; ``room`` is what is left of the policy's operations. The number of
        operations, 0 where none was inserted."""
        for _ in range(DEALT):
            motif = self._next()
            count = 0 if motif is None else insert(self.builder, motif, room + self.slack)
            if count or motif is None:
                return count
        return 0

    def _next(self) -> Motif | None:
        if not self._cards:
            known = [motif for motif in load().values() if suits(motif, self.builder)]
            self._cards = self.builder.rng.sample(known, len(known))
        return self._cards.pop() if self._cards else None


def suits(motif: Motif, builder: Builder) -> bool:
    """Whether the policy of a program has room for a motif."""
    policy = builder.policy
    if (motif.rounds and policy.exact) or (motif.writes and not policy.mutation):
        return False
    return builder.allowed.issuperset(motif.uses)


def insert(builder: Builder, motif: Motif, limit: int, change: str | None = None) -> int:
    """Append a motif of at most so many operations; how many they are, 0 where it was refused. ``change`` says what is
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
        builder.motifs.append((motif.name, draft.changed))
        return draft.count
    return 0


def _change(builder: Builder, motif: Motif) -> str:
    """What is to be changed: rather what is the motif's own."""
    if builder.rng.random() >= CHANGED:
        return ""
    common = [USE, CAST] if builder.policy.mutation == 0 else [USE, CAST, WRITE]
    own = motif.changes
    return builder.rng.choice(own if own and builder.rng.random() < 0.7 else common)
