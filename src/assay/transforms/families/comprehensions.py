"""Comprehensions: scopes of their own, conditions, nesting, names that they leave behind."""

from __future__ import annotations

from assay.transforms.registry import Writing, run, value


@run("comprehensions.called")
def called(w: Writing) -> list[str]:
    """A comprehension over one item calls the function once."""
    f = w.fresh("inner")
    return [*w.def_(f), w.bind(f"[{f}() for _ in range(1)][0]")]


@run("comprehensions.conditional")
def conditional(w: Writing) -> list[str]:
    """The condition lets one item through, and is asked before the function is called."""
    f, k = w.fresh("inner"), w.number % 4
    return [*w.def_(f), w.bind(f"[{f}() for i in range(4) if i == {k}][0]")]


@run("comprehensions.dict_")
def dict_(w: Writing) -> list[str]:
    """Of equal keys the last value stays; the function is called for the last alone."""
    f = w.fresh("inner")
    return [*w.def_(f), w.bind(f"{{i % 2: {f}() if i == 3 else None for i in range(4)}}[1]")]


@run("comprehensions.nested")
def nested(w: Writing) -> list[str]:
    """The inner comprehension sees the variable of the outer one."""
    f = w.fresh("inner")
    return [*w.def_(f), w.bind(f"[[{f}() for j in range(i)] for i in range(2)][1][0]")]


@run("comprehensions.set_", extras=("int",))
def set_(w: Writing) -> list[str]:
    """Equal items are one item of a set."""
    return [*w.body, f"{w.extras[0]} = len({{i // 2 for i in range({2 + w.number % 5})}})"]


@value("comprehensions.list_")
def list_(w: Writing) -> list[str]:
    """A comprehension over one value holds it."""
    return [f"[t for t in [{w.value}]][0]"]


@value("comprehensions.dict_swap")
def dict_swap(w: Writing) -> list[str]:
    """Keys and positions swapped twice are what they were."""
    table = w.fresh("table")
    return [
        f"{table} = {{'a': {w.value}, 'b': None}}",
        f"{{value: key for key, value in {{0: 'a', 1: 'b'}}.items()}}['a'] or {table}['a']",
    ]


@value("comprehensions.walrus")
def walrus(w: Writing) -> list[str]:
    """A name bound in a comprehension is bound around it, to the last item."""
    last = w.fresh("last")
    return [f"[{last} := t for t in (None, {w.value})]", last]


@value("comprehensions.flattened")
def flattened(w: Writing) -> list[str]:
    """Two loops in one comprehension give the items row by row."""
    return [f"[t for row in [[None], [{w.value}, 1]] for t in row][1]"]


@value("comprehensions.unpacking")
def unpacking(w: Writing) -> list[str]:
    """The starred target takes what the others leave."""
    return [f"[rest for first, *rest in [(1, 2, {w.value})]][0][-1]"]
