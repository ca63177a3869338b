"""Attributes that many operators share, with their legal values in classes: default, boundary, negative, other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

from assay.ir.sizes import smallest
from assay.ops.protocol import MISSING, Attribute, Binding

Classes = Mapping[str, Sequence[Any]]


def flag(name: str, default: bool = False) -> Attribute:
    """A boolean."""
    return Attribute(name, lambda b: {"default": (default,), "other": (not default,)}, default)


def choice(name: str, default: Any, *others: Any, **rest: Any) -> Attribute:
    """One of a few constants."""
    return Attribute(name, lambda b: {"default": (default,), "other": others}, default, **rest)


def values(name: str, default: Any = MISSING, positional: bool = False, **classes: Sequence[Any]) -> Attribute:
    """Constants by class (``boundary=(0,), negative=(-1, -2), other=(2, 3)``)."""
    table: dict[str, Sequence[Any]] = dict(classes)
    if default is not MISSING:
        table = {"default": (default,), **table}
    return Attribute(name, lambda b: table, default, positional=positional)


def keepdim() -> Attribute:
    """Whether reduced dimensions stay; most reductions only take it beside ``dim``."""
    return Attribute(
        "keepdim", lambda b: {"default": (False,), "other": () if b.dim is None else (True,)}, default=False
    )


def dim(
    name: str = "dim", of: str = "x", default: int | None = None, nonempty: bool = False, optional: bool = False
) -> Attribute:
    """One dimension, from either end, or all (None) if ``optional``; ``nonempty`` ones have at least one element."""

    def classes(b: Binding) -> Classes:
        shape = getattr(b, of).shape
        rank = len(shape)
        everything = (None,) if optional else ()
        if rank == 0:
            return {"default": everything, "boundary": (0,), "negative": (-1,)}
        legal = [d for d in range(rank) if not nonempty or smallest(shape[d]) > 0]
        usual = () if default is None or not -rank <= default < rank or default % rank not in legal else (default,)
        return {
            "default": everything or usual,
            "boundary": tuple(d for d in legal if d in (0, rank - 1) and d not in usual),
            "negative": tuple(d - rank for d in legal if d - rank not in usual),
            "other": tuple(d for d in legal if 0 < d < rank - 1 and d not in usual),
        }

    return Attribute(name, classes, MISSING if default is None and not optional else default)


def dims(
    name: str = "dim", of: str = "x", optional: bool = True, nonempty: bool = False, default: Any = None
) -> Attribute:
    """Dimensions to reduce: all of them (the default, if ``optional``), one, or several, from either end."""

    def classes(b: Binding) -> Classes:
        shape = getattr(b, of).shape
        rank = len(shape)
        if rank == 0 and not optional:
            return {"boundary": (0,), "negative": (-1,)}
        legal = [d for d in range(rank) if not nonempty or smallest(shape[d]) > 0]
        several = [each for count in (2, 3) for each in combinations(legal, count) if count < rank]
        return {
            "default": (default,) if optional and len(legal) == rank else (),
            "boundary": tuple((d,) for d in legal if d in (0, rank - 1))
            + ((tuple(legal),) if rank == len(legal) and rank > 1 else ()),
            "negative": tuple((d - rank,) for d in legal) + tuple((a, b - rank) for a, b in combinations(legal, 2)),
            "other": tuple(several) + tuple((d,) for d in legal if 0 < d < rank - 1),
        }

    return Attribute(name, classes, default if optional else MISSING)


def small(name: str, low: int, high: int, default: int, negative: bool = False) -> Attribute:
    """An integer of a small range; its ends are the boundary."""

    def classes(b: Binding) -> Classes:
        return {
            "default": (default,),
            "boundary": tuple(v for v in {low, high} if v != default),
            "negative": tuple(range(low, 0)) if negative else (),
            "other": tuple(v for v in range(max(low, 0), high + 1) if v not in (default, low, high)),
        }

    return Attribute(name, classes, default)


def hidden(name: str, classes: Callable[[Binding], Classes]) -> Attribute:
    """A number that shapes operands (a kernel's size, the channels of an output) and is not written."""
    return Attribute(name, classes, hidden=True)
