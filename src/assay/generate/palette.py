"""The sizes of a program: a small palette, so that shapes meet, with symbols that take another value in each call."""

from __future__ import annotations

import random

from assay.generate.policy import Policy
from assay.ir.sizes import Shape, Size, largest, product, symbol

_STATIC = (1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17)
_WEIGHTS = (5, 8, 10, 10, 8, 6, 5, 8, 3, 2, 2, 3, 2)
# Around the widths of vector registers, where kernels have tails.
_LARGE = (31, 32, 33, 63, 64, 65, 127, 128, 129)
_LIMIT = 4096
_LARGE_LIMIT = 1 << 15


class Palette:
    """Draws sizes and shapes; what specifications see as `Draw`."""

    def __init__(self, rng: random.Random, policy: Policy) -> None:
        self.random = rng
        self.instantiations = policy.calls if policy.symbols else 1
        self.table: dict[str, tuple[int, ...]] = {}
        static: list[Size] = list(rng.choices(_STATIC, _WEIGHTS, k=4))
        if policy.large:
            static.append(rng.choice(_LARGE))
        if policy.zero_sizes:
            static.append(0)
        self.symbolic: list[Size] = []
        for number in range(policy.symbols):
            values = self._instances(rng)
            size = symbol(f"s{number}", values)
            if not isinstance(size, int):
                self.table[f"s{number}"] = values
                self.symbolic.append(size)
        self.static = static
        self.limit = _LARGE_LIMIT if policy.large else _LIMIT

    def _instances(self, rng: random.Random) -> tuple[int, ...]:
        first = rng.choice((2, 3, 4, 5, 6, 7, 8, 10))
        others = (1, 2, 3, 4, 5, 6, 8, 9, 11, 16, 17, 33)
        values = [first, *(rng.choice(others) for _ in range(self.instantiations - 1))]
        if len(values) == 3 and rng.random() < 0.5:
            values[2] = first
        return tuple(values)

    def size(self) -> Size:
        """One size of the palette."""
        if self.symbolic and self.random.random() < 0.4:
            return self.random.choice(self.symbolic)
        return self.random.choice(self.static)

    def shape(self, rank: int) -> Shape:
        """A shape of the palette with a bounded number of elements: its largest sizes give way first."""
        shape = tuple(self.size() for _ in range(rank))
        while largest(product(shape)) > self.limit:
            position = max(range(rank), key=lambda dim: largest(shape[dim]))
            shape = (*shape[:position], self.random.choice((1, 2, 3)), *shape[position + 1 :])
        return shape
