"""Witnesses for guards: the same program called again after something that it depends on has changed."""

from __future__ import annotations

import torch
from torch import nn, ones, randn

from benchmarks.mutants.witnesses import witness


@witness(lambda: (randn(4),), lambda: (randn(4).double(),), lambda: (torch.arange(4),))
def changed_dtype(x):
    return x * 2 + (1 if x.dtype == torch.float32 else 5), x.is_floating_point()


@witness(lambda: (randn(4),), lambda: (randn(4, 2),), lambda: (randn(()),))
def changed_rank(x):
    return x.sum(-1) if x.dim() else x + 3, x.dim()


@witness(lambda: (randn(4, 4),), lambda: (randn(4, 4).t(),), lambda: (randn(4, 8)[:, ::2],))
def changed_strides(x):
    return x + 1, x.stride(0) * 2, x.is_contiguous()


@witness(lambda: (randn(3),), lambda: (randn(3, requires_grad=True),))
def changed_requires_grad(x):
    return x * (2 if x.requires_grad else 3), x.requires_grad


@witness(lambda: ([randn(2)],), lambda: ([randn(2), randn(2)],), lambda: ([],))
def changed_list_length(items):
    return sum(items) if items else None, len(items)


@witness(lambda: ({"a": ones(2)},), lambda: ({"a": ones(2), "b": ones(2) * 3},), lambda: ({"b": ones(2)},))
def changed_dict_keys(table):
    return [value * (i + 1) for i, value in enumerate(table.values())], "b" in table, sorted(table)


@witness(lambda: (ones(2), "add"), lambda: (ones(2), "mul"), lambda: (ones(2), None))
def changed_string(x, mode):
    if mode == "add":
        return x + 1
    return x * 5 if mode is not None else x


@witness(lambda: (ones(2), 1), lambda: (ones(2), 1.0), lambda: (ones(2), True), lambda: (ones(2), 0))
def changed_scalar_type(x, k):
    return x * k, type(k).__name__, isinstance(k, bool)


@witness(lambda: (ones(2), (1, 2)), lambda: (ones(2), (1, 3)), lambda: (ones(2), [1, 3]), lambda: (ones(2), (1, 3, 4)))
def changed_tuple(x, sizes):
    return x * sizes[-1] + len(sizes), isinstance(sizes, tuple)


class Settings:
    scale = 2
    kind = "plain"

    def __init__(self, **fields):
        self.__dict__.update(fields)


class Other(Settings):
    kind = "other"


@witness(
    lambda: (ones(2), Settings()),
    lambda: (ones(2), Settings(scale=4)),
    lambda: (ones(2), Other(bias=1)),
    lambda: (ones(2), Other()),
)
def changed_attributes(x, settings):
    y = x * settings.scale
    if hasattr(settings, "bias"):
        y = y + settings.bias
    return y - 1 if settings.kind == "other" else y


FACTOR = 1
ITEMS = [1]
TABLE = {"k": 1}


def _set(factor, items, entry):
    def arguments():
        global FACTOR
        FACTOR = factor
        ITEMS[:] = items
        TABLE.clear()
        TABLE.update(entry)
        return (ones(2),)

    return arguments


@witness(
    _set(1, [1], {"k": 1}),
    _set(2, [1], {"k": 1}),
    _set(2, [1, 5], {"k": 1}),
    _set(2, [1, 5], {"k": 3}),
    _set(2, [1, 5], {"j": 3}),
)
def changed_globals(x):
    return x * FACTOR + len(ITEMS) * 10 + ITEMS[-1] * 100 + TABLE.get("k", 7) * 1000


def _mode(enabled):
    def arguments():
        return randn(3, requires_grad=True), enabled

    return arguments


@witness(_mode(True), _mode(False), _mode(True))
def changed_grad_mode(x, enabled):
    with torch.set_grad_enabled(enabled):
        return _inner(x)


def _inner(x):
    y = x * 2
    torch._dynamo.graph_break()
    return y * 3, y.requires_grad, torch.is_grad_enabled()


class Switch(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(3, 3), nn.Linear(3, 3)])
        self.depth = 1
        self.register_buffer("scale", torch.ones(1))
        self.drop = nn.Dropout(0.999)

    def forward(self, x):
        for layer in self.layers[: self.depth]:
            x = layer(x)
        x = x * self.scale
        return self.drop(x) if not self.training else x + 1


def _switch(change):
    def arguments():
        return randn(2, 3), change

    return arguments


@witness(*(_switch(each) for each in (0, 1, 2, 3, 4)), state=Switch)
def changed_module(model, x, step):
    _apply(model, step)
    return model(x)


@torch._dynamo.disable
def _apply(model, step):
    if step == 1:
        model.eval()
    if step == 2:
        model.depth = 2
    if step == 3:
        model.scale = torch.full((1,), 4.0)
    if step == 4:
        model.layers = nn.ModuleList([nn.Identity(), nn.Linear(3, 3)])
        model.train()


@witness(lambda: (ones(3), torch.add), lambda: (ones(3), torch.mul), lambda: (ones(3), lambda a, b: a - b * 3))
def changed_function(x, f):
    return f(x, x + 1)


def _closure(k):
    def scale(x):
        return x * k

    return lambda: (ones(3), scale)


@witness(_closure(2), _closure(3), _closure(3.5))
def changed_closure(x, f):
    return f(x) + 1


@witness(
    lambda: (ones(3), slice(0, 2)),
    lambda: (ones(3), slice(1, None)),
    lambda: (ones(3), range(2)),
    lambda: (ones(3), range(1, 3)),
)
def changed_slice(x, where):
    return x[where] * 2 if isinstance(where, slice) else sum(x[i] * (i + 1) for i in where)


@witness(lambda: (ones(3), torch.float64), lambda: (ones(3), torch.int32), lambda: (ones(3), torch.bfloat16))
def changed_dtype_argument(x, dtype):
    return (x * 2.5).to(dtype), torch.zeros(2, dtype=dtype)


@witness(lambda: (ones(3), {1, 2}), lambda: (ones(3), {1, 3}), lambda: (ones(3), frozenset([3])))
def changed_set(x, chosen):
    return x * (2 if 2 in chosen else 5) + len(chosen)


@witness(lambda: (randn(4, 3),), lambda: (randn(1, 3),), lambda: (randn(0, 3),), lambda: (randn(9, 3),), dynamic=True)
def special_sizes(x):
    return x.sum(0, keepdim=True) * 2, x.shape[0] == 1, x.reshape(-1), x + torch.ones(1, 3)


@witness(lambda: (randn(4, 6), randn(4, 6)), lambda: (randn(5, 6), randn(5, 6)), lambda: (randn(6, 6), randn(1, 6)))
def sizes_that_stop_being_equal(x, y):
    return x + y, (x.t() @ y if x.shape == y.shape else x @ y.t()), x.size(0) * y.size(0)


def _shared(same):
    def arguments():
        x = ones(4)
        return x, x[:2] if same else ones(2)

    return arguments


@witness(_shared(True), _shared(False), _shared(True))
def changed_aliasing(x, y):
    y.mul_(3)
    x.add_(1)
    return x[:2] * y


@witness(
    lambda: (ones(2), 2, 3), lambda: (ones(2), 3, 3), lambda: (ones(2), 5, 4), lambda: (ones(2), -1, 0), dynamic=True
)
def comparisons_of_integers(x, a, b):
    y = x + a * 2 if a < b else x * b
    if a == b or a % 2 == 1:
        y = y - 10
    return y + (a // max(b, 1)), a > b, min(a, b)
