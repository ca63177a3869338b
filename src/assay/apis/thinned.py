"""Seeds as a sweep can afford them: of the calls of one function those that differ most, of a long list of tensors its
beginning."""

from __future__ import annotations

import json
import random
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

MOST_SEEDS = 48
"""Of one function: a database has up to 864, the product of all its options."""

MOST_LISTED = 4
"""Tensors in a list: functions of lists do to each what they do to any, and are given up to 69."""

Seed = Mapping[str, Any]


def thinned(seeds: Sequence[Seed]) -> list[Seed]:
    """At most `MOST_SEEDS` of them, in their order: as many of each form as there are to have, drawn from all that
    have it. The form is what is given and of what ranks and dtypes, not the numbers."""
    if len(seeds) <= MOST_SEEDS:
        return list(seeds)
    forms: dict[str, list[int]] = defaultdict(list)
    for number, seed in enumerate(seeds):
        forms[form(seed)].append(number)
    turns = zip_longest(*map(_spread, forms.values()))
    taken = [number for turn in turns for number in turn if number is not None]
    return [seeds[number] for number in sorted(taken[:MOST_SEEDS])]


def form(seed: Seed) -> str:
    """What two calls have in common that differ in numbers alone."""
    tensors = [(each["dtype"], len(each["shape"]), 0 in each["shape"]) for each in seed["tensors"]]
    given = re.sub(r"-?\d+(\.\d+)?(e-?\d+)?", "0", json.dumps([seed["args"], seed["kwargs"]]))
    return json.dumps([tensors, given, seed.get("init") is None])


def _spread(numbers: Sequence[int]) -> list[int]:
    """The same numbers in an order of their own: evenly spaced ones would all have the same of the options that a
    database goes through in nested loops."""
    return random.Random(len(numbers)).sample(numbers, len(numbers))


def shortened(seed: Seed) -> Seed:
    """A call whose long lists, all of one length, have their first few elements only, and the tensors that are left."""
    lists = [each for each in [*seed["args"], *seed["kwargs"].values()] if isinstance(each, list)]
    if not lists or any(len(each) != len(lists[0]) for each in lists) or len(lists[0]) <= MOST_LISTED:
        return seed
    if not all(isinstance(each, dict) and "tensor" in each for each in lists[0]):
        return seed
    kept: dict[int, int] = {}
    args = [_cut(each, kept) for each in seed["args"]]
    kwargs = {name: _cut(each, kept) for name, each in seed["kwargs"].items()}
    return {**seed, "args": args, "kwargs": kwargs, "tensors": [seed["tensors"][number] for number in kept]}


def _cut(value: Any, kept: dict[int, int]) -> Any:
    if isinstance(value, list):
        return [_cut(each, kept) for each in value[:MOST_LISTED]]
    if isinstance(value, dict) and set(value) == {"tensor"}:
        return {"tensor": kept.setdefault(value["tensor"], len(kept))}
    return value
