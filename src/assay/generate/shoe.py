"""Shoes: several decks in one. Each program of a campaign begins with the next cards of a shoe, so that nothing depends
on luck alone for its share of a campaign; what follows them is drawn by the program itself."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import lru_cache


class Shoe:
    """Names, each as often as it is to be dealt among the others, in an order that follows from a seed."""

    def __init__(self, name: str, copies: Mapping[str, int]) -> None:
        self.name = name
        self.cards = tuple(card for card, count in copies.items() for _ in range(count))

    def deal(self, seed: int, turn: int, count: int) -> list[str]:
        """The cards of a turn, each turn being of so many.

        >>> shoe = Shoe("letters", {"a": 2, "b": 1})
        >>> sorted(shoe.deal(1, 0, 3))
        ['a', 'a', 'b']
        """
        size = len(self.cards)
        places = [divmod(turn * count + offset, size) for offset in range(count)]
        return [self.cards[_order(self.name, seed, block, size)[place]] for block, place in places]


@lru_cache(maxsize=8)
def _order(name: str, seed: int, block: int, size: int) -> tuple[int, ...]:
    return tuple(random.Random(f"{seed}/{block}/{name}").sample(range(size), size))
