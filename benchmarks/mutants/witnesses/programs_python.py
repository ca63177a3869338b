"""Witnesses for Dynamo: ordinary Python around tensors."""

# ruff: noqa: C416, C417 - idioms on purpose

from __future__ import annotations

import dataclasses
import functools
import itertools
import operator

import torch
from torch import ones, randn

from benchmarks.mutants.witnesses import witness


@witness(lambda: (randn(3, 4), 3))
def loop_over_range(x, n):
    total = torch.zeros_like(x)
    for i in range(n):
        total = total + x * i
    return total


@witness(lambda: (randn(4, 3),))
def loop_over_rows(x):
    rows = []
    for i, row in enumerate(x):
        if i % 2 == 0:
            rows.append(row * 2)
        else:
            rows.insert(0, row - 1)
    return torch.stack(rows), len(rows)


@witness(lambda: (randn(4),))
def closure_over_tensor(x):
    y = x + 1

    def inner(z):
        return y * z

    return inner(x), inner(y)


@witness(lambda: (randn(4),))
def closure_that_rebinds(x):
    count = 0

    def step(y):
        nonlocal count
        count += 1
        return y * count

    return step(x) + step(x) + step(x), count


@witness(lambda: (randn(3), randn(3)))
def dictionary_of_tensors(a, b):
    table = {"a": a, "b": b}
    table["sum"] = table["a"] + table["b"]
    del table["a"]
    table.update(c=b * 3)
    return {key: value * 2 for key, value in table.items()}, list(table.keys()), table.pop("b")


@witness(lambda: ({"x": randn(3), "y": [randn(3), randn(2, 3)]},))
def nested_containers_in(tree):
    first, second = tree["y"]
    return {"z": tree["x"] + first, "w": (second.sum(0), [first])}


@witness(lambda: ([randn(3)],))
def append_to_argument_list(items):
    items.append(items[0] * 2)
    items[0] = items[0] + 1
    return items[1] - 1


@witness(lambda: ({"x": randn(3)},))
def write_to_argument_dict(table):
    table["y"] = table["x"] * 2
    table["x"] = table["x"] + 1
    return table["y"].sum()


@witness(lambda: (randn(2, 3),), lambda: (randn(5, 3),), lambda: (randn(7, 2),))
def branch_on_size(x):
    if x.shape[0] > 4:
        return x * 2
    if x.size(1) == 3:
        return x.sum(0)
    return x - 1


@witness(lambda: (randn(2, 3), True), lambda: (randn(2, 3), False))
def branch_on_flag(x, flag):
    return x.relu() if flag else x.sigmoid()


@witness(lambda: (randn(3), 2), lambda: (randn(3), 5), lambda: (randn(3), 9))
def integer_argument(x, n):
    return x * n + n // 2, n * 2


@witness(lambda: (randn(3), 2.5), lambda: (randn(3), 0.5))
def float_argument(x, scale):
    return x * scale, scale + 1


@witness(lambda: (ones(3),), lambda: (-ones(3),))
def branch_on_data(x):
    y = x * 2
    if y.sum() > 0:
        return y + 1
    return y - 1


@witness(lambda: (ones(4) * 2,))
def item_in_arithmetic(x):
    n = int(x.sum().item())
    return x * n, n


@witness(lambda: (randn(6),))
def unpack_and_star(x):
    first, *middle, last = x.unbind()
    return torch.stack(middle) * first + last


def _scale_and_shift(x, *factors, shift=0.0, **others):
    for factor in factors:
        x = x * factor
    return x + shift + others.get("more", 1)


@witness(lambda: (randn(3),))
def variadic_calls(x):
    return _scale_and_shift(x, 2, 3, shift=1.5), _scale_and_shift(x, *[4], more=7)


@dataclasses.dataclass
class Pair:
    left: torch.Tensor
    right: torch.Tensor
    weight: float = 2.0

    def total(self):
        return self.left * self.weight + self.right


@witness(lambda: (randn(3), randn(3)))
def local_dataclass(a, b):
    pair = Pair(a, b)
    pair.weight = 3.0
    other = dataclasses.replace(pair, left=b)
    return pair.total(), other.total()


class Accumulator:
    factor = 3

    def __init__(self, start):
        self.value = start
        self.history = []

    def add(self, x):
        self.value = self.value + x * self.factor
        self.history.append(x)
        return self

    @property
    def mean(self):
        return self.value / len(self.history)

    def __call__(self, x):
        return self.value * x

    def __len__(self):
        return len(self.history)

    def __getitem__(self, i):
        return self.history[i]

    def __eq__(self, other):
        return len(self) == len(other)

    __hash__ = None


@witness(lambda: (randn(3),))
def local_object(x):
    acc = Accumulator(x)
    acc.add(x * 2).add(x + 1)
    return acc(x), acc.mean, len(acc), acc[-1], acc == Accumulator(x)


SHARED = Accumulator(torch.zeros(3))


@witness(lambda: (randn(3),), lambda: (randn(3),))
def mutate_global_object(x):
    SHARED.value = torch.zeros(3)
    SHARED.history.clear()
    SHARED.add(x)
    return SHARED.value * 2, len(SHARED.history)


COUNTS = {"calls": 0}


@witness(lambda: (randn(3),), lambda: (randn(3),))
def mutate_global_dict(x):
    COUNTS["calls"] = COUNTS["calls"] % 2 + 1
    return x * COUNTS["calls"]


@witness(lambda: (randn(3),))
def comprehensions(x):
    squares = [x * i for i in range(5) if i % 2]
    table = {i: s.sum() for i, s in enumerate(squares)}
    return sum(squares), table, {i for i in range(3)} == {0, 1, 2}


def _countdown(x, n):
    while n > 0:
        yield x * n
        n -= 1
    return x


@witness(lambda: (randn(3),))
def generators(x):
    return list(_countdown(x, 3)), sum(_countdown(x, 2)), next(_countdown(x, 1))


@witness(lambda: (randn(3), randn(3), randn(3)))
def zip_map_reduce(a, b, c):
    pairs = [p * q for p, q in zip([a, b, c], [c, b, a], strict=True)]
    mapped = list(map(lambda t: t + 1, pairs))
    return functools.reduce(operator.add, mapped), sorted([3, 1, 2], reverse=True), max(1, 5, 3)


@witness(lambda: (randn(3),))
def itertools_tour(x):
    chained = list(itertools.chain([x], [x * 2], (x * 3,)))
    products = [i * j for i, j in itertools.product([1, 2], [3, 4])]
    return sum(chained), products, list(itertools.accumulate([1, 2, 3])), list(itertools.islice(itertools.count(5), 3))
