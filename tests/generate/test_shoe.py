"""Shoes deal every card as often as it lies in them, whatever is drawn elsewhere."""

from __future__ import annotations

from collections import Counter

from assay.generate.shoe import Shoe

SHOE = Shoe("letters", {"a": 3, "b": 1, "c": 2})


def test_a_shoe_is_dealt_out_before_it_is_shuffled_again() -> None:
    cards = [card for turn in range(6) for card in SHOE.deal(1, turn, 2)]
    for block in (cards[:6], cards[6:]):
        assert Counter(block) == Counter(a=3, b=1, c=2)


def test_the_order_follows_from_the_seed_and_changes_with_the_block() -> None:
    assert SHOE.deal(1, 3, 6) == SHOE.deal(1, 3, 6)
    assert len({tuple(SHOE.deal(seed, turn, 6)) for seed in range(3) for turn in range(3)}) > 1
