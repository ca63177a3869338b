"""What scripts tell apart of Python objects."""

from __future__ import annotations

import collections
import functools
import itertools
import sys
from typing import Any

import pytest
import torch

from assay.triage.describing import DESCRIBED

SPACE: dict[str, Any] = {"torch": torch, "sys": sys, "__name__": __name__}
exec("\n".join(DESCRIBED), SPACE)


class Own(Exception):
    pass


class Slotted:
    __slots__ = ("v",)

    def __init__(self, v: int) -> None:
        self.v = v


def described(value: Any) -> str:
    return repr(SPACE["described"](value, {}))


def hidden(error: Exception) -> Exception:
    error.__suppress_context__ = True
    return error


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ValueError(), hidden(ValueError())),
        (Own(1), Own(2)),
        (functools.partial(int, 1), functools.partial(int, 2)),
        (functools.partial(int, 1), functools.partial(float, 1)),
        (Slotted(1), Slotted(2)),
        (collections.defaultdict(int), collections.defaultdict(list)),
        (enumerate([1]), iter([(0, 1)])),
        (itertools.groupby([1, 1, 2]), iter([(1, iter([1, 1])), (2, iter([2]))])),
        (zip, map),
        (slice(1, 2), slice(1, 3)),
        ({1: 0}, {2: 0}),
        ({zip([1]): 0}, {iter([1]): 0}),
        (itertools.groupby([1, 2]), iter([(1, iter([1])), (2, iter([2]))])),
        ((each for each in (1,)), iter([1])),
    ],
)
def test_what_is_recorded_apart_is_described_apart(one: Any, other: Any) -> None:
    assert described(one) != described(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (iter([1, 2]), iter((1, 2))),
        (reversed([2, 1]), iter(collections.deque([1, 2]))),
        (itertools.repeat(1, 2), iter([1, 1])),
        (itertools.groupby([1, 1, 2]), iter([(1, iter([])), (2, iter([]))])),
        (type(iter(())), type(iter([]))),
        ({itertools.repeat(1, 2): 0}, {iter([1, 1]): 0}),
        ({(1, Slotted(1)): 0}, {(1, Slotted(1)): 0}),
        (slice(iter({7})), slice(iter((7,)))),
        (ValueError("one text"), ValueError("another")),
    ],
)
def test_what_nobody_promises_is_described_alike(one: Any, other: Any) -> None:
    assert described(one) == described(other)
