"""Shapes are bounded whatever the sizes are."""

from __future__ import annotations

import random

from assay.generate.palette import Palette
from assay.generate.policy import draw_policy
from assay.ir.sizes import Sym, largest, product


def palette(**forced: object) -> Palette:
    rng = random.Random(0)
    return Palette(rng, draw_policy(rng, ("unary.neg",), 5, False, forced))


def test_a_palette_of_large_sizes_still_gives_shapes_of_every_rank() -> None:
    drawn = palette(symbols=0)
    drawn.static = [17, 129]
    for rank in range(6):
        shape = drawn.shape(rank)
        assert len(shape) == rank
        assert largest(product(shape)) <= drawn.limit


def test_symbols_take_a_value_in_each_call() -> None:
    drawn = palette(symbols=3, calls=3, changing=True)
    assert any(isinstance(drawn.size(), Sym) for _ in range(50))
    assert all(len(values) == 3 for values in drawn.table.values())
