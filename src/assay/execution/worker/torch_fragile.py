"""Where rounding may tip a decision: equalities and comparisons of uncertain numbers, and what fragile integers and
truth values may be instead.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from .torch_bounds import Call, Leaf

FRAGILE = 4.0
"""Multiples of its bound by which an operand is moved before a jump: what an element may be accused at."""

COMPARISONS = frozenset(["eq", "ne", "le", "ge", "lt", "gt"])
EQUALITIES = frozenset(["eq", "ne", "eq_", "ne_"])


def meeting(call: Call) -> torch.Tensor:
    """Where the two sides of an equality may be one number, which the ends of their bounds do not show."""
    sides = []
    leaves = iter(call.leaves)
    for side in call.args[:2]:
        if not isinstance(side, torch.Tensor):
            sides.append((torch.tensor(side), torch.zeros((), dtype=torch.float64)))
            continue
        leaf = next(leaves)
        off = torch.zeros((), dtype=torch.float64) if leaf.e is None else leaf.e * (FRAGILE if leaf.fractions else 1.0)
        sides.append((leaf.h if leaf.fractions else leaf.h.to(torch.float64), off))
    (a, reach), (b, other) = sides
    return ((a - b).abs() <= reach + other) & (reach + other > 0)


def tied(call: Call) -> torch.Tensor:
    """Where two operands are one number, moved from one place: an extreme and the element that it is, if no other
    element that it is compared with comes near. Numbers that are equal by chance seldom have the same bound."""
    if len(call.leaves) != 2:
        return torch.zeros((), dtype=torch.bool)
    a, b = call.leaves
    off = [torch.zeros(leaf.h.shape, dtype=torch.float64) if leaf.e is None else leaf.e for leaf in (a, b)]
    same = (a.h == b.h) & (a.real.detach() == b.real.detach()) & torch.isclose(*off, rtol=1e-8, atol=0.0)
    numbers = [leaf.h if leaf.fractions else leaf.h.to(torch.float64) for leaf in (a, b)]
    rivals = (numbers[0] - numbers[1]).abs() <= FRAGILE * (off[0] + off[1])
    spread = [dim for dim in range(same.dim()) if _repeats(a, dim, same) != _repeats(b, dim, same)]
    return same & (rivals.sum(spread, keepdim=True) <= 1) if spread else same


def _repeats(leaf: Leaf, dim: int, result: torch.Tensor) -> bool:
    """Whether a result has one element of an operand all along a dimension."""
    own = dim - result.dim() + leaf.h.dim()
    return own < 0 or leaf.h.shape[own] != result.shape[dim] or leaf.real.stride(own) == 0


_INDEXING = (
    *("index", "_index", "_unsafe", "gather", "scatter", "take", "put", "embedding", "_embedding", "nll_loss"),
    *("max_pool", "max_unpool", "adaptive_max_pool", "fractional_max_pool", "value_selecting"),
)
"""How the names of operations begin that take integers for indices."""


def tipped(call: Call, number: int, sign: int) -> torch.Tensor:
    """Another value that fragile integers may have: all booleans true, or all false, integers one that is as far as
    they may be."""
    leaf = call.leaves[number]
    assert leaf.e is not None
    if leaf.h.dtype == torch.bool:
        return torch.where(leaf.e > 0, sign > 0, leaf.h)
    by = leaf.e.clamp(max=1e6).ceil().to(torch.int64) * sign
    moved = leaf.h.to(torch.int64) + by
    if not call.name.startswith(_INDEXING):
        return moved.to(leaf.h.dtype)
    # An index does not leave its range where that may be helped: the elements give the largest index there is.
    if leaf.h.numel() and bool((leaf.h >= 0).all()):
        moved = moved.clamp(0, max(int(leaf.h.max()), 1))
        moved = torch.where((moved == leaf.h) & (leaf.e > 0), (leaf.h.to(torch.int64) - sign).clamp(min=0), moved)
    else:
        # Indices that count from the end as well: the first and the last are always there.
        moved = torch.where(torch.isinf(leaf.e), torch.where(leaf.h == 0, -1, 0), moved)
    return moved.to(leaf.h.dtype)


def reached(call: Call, number: int, result: torch.Tensor) -> torch.Tensor:
    """Where in a result an index of which nothing is known may point: in pooling anywhere in its plane, along a
    dimension anywhere on its line, else anywhere at all."""
    leaf = call.leaves[number]
    assert leaf.e is not None
    wild = torch.isinf(leaf.e)
    if "max_pool" in call.name or "max_unpool" in call.name:
        spatial = next((int(sign) for sign in call.name if sign.isdigit()), 0)
        if 0 < spatial <= wild.dim() == result.dim():
            planes = wild.flatten(-spatial).any(-1)
            return planes[(..., *[None] * spatial)].expand(result.shape).clone()
    elif call.name.startswith("scatter") and wild.dim() == result.dim() > 0 and isinstance(call.args[1], int):
        dim = call.args[1] % result.dim()
        found = torch.zeros(result.shape, dtype=torch.bool)
        lines = found[tuple(slice(None if at == dim else size) for at, size in enumerate(wild.shape))]
        lines |= wild.any(dim, keepdim=True)
        return found
    return torch.ones(result.shape, dtype=torch.bool)


def masked(call: Call, masks: list[int]) -> list[dict[int, torch.Tensor]]:
    """The integer and boolean operands as they are, and moved where they are fragile."""
    ways: list[dict[int, torch.Tensor]] = [{}]
    if 0 < len(masks) <= 2:
        # Of two, one alone may be the other way: a and b.
        for signs in itertools.product((0, 1, -1), repeat=len(masks)):
            if any(signs):
                ways.append({n: tipped(call, n, sign) for n, sign in zip(masks, signs) if sign})  # noqa: B905
    elif masks:
        ways += [{number: tipped(call, number, sign) for number in masks} for sign in (1, -1)]
        ways += [{number: tipped(call, number, sign)} for number in masks for sign in (1, -1)]
    return ways
