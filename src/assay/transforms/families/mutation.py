"""Results that arrive by writing: buffers, copies, views of one storage in every order, memory that is lent."""

from __future__ import annotations

import random
from typing import Any

from assay.ops.text import forms
from assay.transforms.registry import Writing, operation, value


def _makes_new(told: Any) -> bool:
    """Whether the operation makes a tensor of its own, dense in memory."""
    operator = told.operator
    return (
        told.statement.form in ("function", "method", "operator")
        and operator.view is None
        and operator.maybe_view is None
        and len(told.statement.results) == 1
    )


def _takes_out(told: Any) -> bool:
    statement = told.statement
    return (
        _makes_new(told) and statement.form == "function" and "out" in forms(told.operator, dict(statement.attributes))
    )


@operation("mutation.buffer", accepts=_makes_new, training=False)
def buffer(w: Writing) -> list[str]:
    """Copied into a buffer of its own kind, the result is the buffer."""
    made, buf = w.fresh("made"), w.fresh("buf")
    write = (f"{buf}[...] = {made}", f"{buf}.copy_({made})", f"torch.add({made}, 0, out={buf})")[w.number % 2]
    return [f"{made} = {w.expression}", f"{buf} = torch.empty_like({made})", write, buf]


@operation("mutation.out", accepts=_takes_out, plain=True, training=False)
def out(w: Writing) -> list[str]:
    """An operation writes into ``out`` what it would return."""
    made, buf = w.fresh("made"), w.fresh("buf")
    return [
        f"{made} = {w.expression}",
        f"{buf} = torch.empty_like({made})",
        f"{w.function}({', '.join([*w.arguments, f'out={buf}'])})",
    ]


@operation("mutation.in_halves", accepts=_makes_new, training=False)
def in_halves(w: Writing) -> list[str]:
    """The first rows and the others are written one after the other, each once."""
    made, buf = w.fresh("made"), w.fresh("buf")
    k = 1 + w.number % 2
    return [
        f"{made} = {w.expression}",
        f"{buf} = torch.zeros_like({made})",
        f"if {made}.dim():",
        f"    {buf}[{k}:] = {made}[{k}:]",
        f"    {buf}[:{k}] = {made}[:{k}]",
        "else:",
        f"    {buf}.copy_({made})",
        buf,
    ]


@operation("mutation.rows", accepts=_makes_new, training=False)
def rows(w: Writing) -> list[str]:
    """Every second row, then the rows between."""
    made, buf = w.fresh("made"), w.fresh("buf")
    return [
        f"{made} = {w.expression}",
        f"{buf} = torch.full_like({made}, 1)",
        f"if {made}.dim():",
        f"    {buf}[1::2] = {made}[1::2]",
        f"    {buf}[::2].copy_({made}[::2])",
        "else:",
        f"    {buf}.copy_({made})",
        buf,
    ]


@value("mutation.clone_written", quiet=True, training=False)
def clone_written(w: Writing) -> list[str]:
    """Zeroed and filled again from what it was copied from."""
    buf = w.fresh("buf")
    return [f"{buf} = {w.value}.clone()", f"{buf}.zero_()", f"{buf}.copy_({w.value})", buf]


@value("mutation.masked", quiet=True, training=False)
def masked(w: Writing) -> list[str]:
    """Every element is written through a mask or its complement."""
    buf, mask = w.fresh("buf"), w.fresh("mask")
    return [
        f"{buf} = torch.zeros_like({w.value})",
        f"{mask} = {w.value} != 0" if w.number % 2 else f"{mask} = torch.ones_like({buf}, dtype=torch.bool)",
        f"{buf} = torch.where({mask}, {w.value}, {buf})",
        f"torch.where({mask}, {buf}, {w.value})",
    ]


@value("mutation.index_put", quiet=True, training=False, rank=1, filled=True)
def index_put(w: Writing) -> list[str]:
    """Rows are written at their own places, in reverse order."""
    buf, places = w.fresh("buf"), w.fresh("places")
    return [
        f"{buf} = torch.zeros_like({w.value})",
        f"{places} = torch.arange({w.value}.shape[0] - 1, -1, -1)",
        f"{buf}.index_put_(({places},), {w.value}[{places}])",
        buf,
    ]


@value("mutation.index_copy", quiet=True, training=False, rank=1, filled=True)
def index_copy(w: Writing) -> list[str]:
    """Rows are copied to their own places."""
    buf = w.fresh("buf")
    return [
        f"{buf} = torch.zeros_like({w.value})",
        f"{buf}.index_copy_(0, torch.arange({w.value}.shape[0]), {w.value})",
        buf,
    ]


@value("mutation.through_view", quiet=True, training=False)
def through_view(w: Writing) -> list[str]:
    """What is written through a view is read through the base."""
    buf, view = w.fresh("buf"), w.fresh("view")
    way = ("{}.unsqueeze(0)", "{}.mT", "{}[...]", "{}.detach()")[w.number % 4]
    source, made = way.format(w.value), way.format(buf)
    if ".mT" in way:
        made, source = f"({made} if {buf}.dim() > 1 else {buf})", f"({source} if {buf}.dim() > 1 else {w.value})"
    return [f"{buf} = torch.zeros_like({w.value})", f"{view} = {made}", f"{view}.copy_({source})", buf]


@value("mutation.older_view", quiet=True, training=False, breaks=True)
def older_view(w: Writing) -> list[str]:
    """Written before and after a graph break, the storage is read through a view that is older than both writes."""
    buf, view = w.fresh("buf"), w.fresh("view")
    return [
        f"{buf} = {w.value}.clone()",
        f"{view} = {buf}.unsqueeze(0)",
        f"{buf}.zero_()",
        "torch._dynamo.graph_break()",
        f"{buf}.copy_({w.value})",
        f"{view}[0]",
    ]


@value("mutation.resized_slices", quiet=True, training=False, rank=1)
def resized_slices(w: Writing) -> list[str]:
    """The middle of a larger buffer is written and read back."""
    buf = w.fresh("buf")
    return [
        f"{buf} = torch.zeros(({w.value}.shape[0] + 3, *{w.value}.shape[1:]), dtype={w.value}.dtype)",
        f"{buf}[1:-2] = {w.value}",
        f"{buf}.narrow(0, 1, {w.value}.shape[0])",
    ]


@value("mutation.set_data", quiet=True, training=False)
def set_data(w: Writing) -> list[str]:
    """A tensor that is given another's data has its elements."""
    buf = w.fresh("buf")
    return [f"{buf} = torch.zeros_like({w.value})", f"{buf}.data = {w.value}.clone()", buf]


_VIEWS = ("{0}[...]", "{0}.unsqueeze(0)", "{0}.flatten()", "{0}[1:]", "{0}[::2]", "{0}.detach()", "{0}.view_as({0})")
_COPIES = ("{0}.clone()", "{0} + 0", "{0}.to(torch.int64, copy=True)")
_WRITES = ("{0}.fill_({1})", "{0}.zero_()", "{0}.add_({1})", "{0}[...] = {1}", "{0}.mul_(2)", "{0}.copy_({0} + {1})")


def _order(rng: random.Random, names: list[str], fresh: Any, steps: int, breaks: bool) -> tuple[list[str], list[str]]:
    """Views, copies, writes and reads of one storage in a drawn order; the lines, and the names of what was read."""
    lines: list[str] = []
    seen: list[str] = []
    names = list(names)
    for _ in range(steps):
        way = rng.random()
        name = rng.choice(names)
        if way < 0.25:
            made = fresh("view")
            lines.append(f"{made} = {rng.choice(_VIEWS).format(name)}")
            names.append(made)
        elif way < 0.6:
            lines.append(rng.choice(_WRITES).format(name, rng.randint(1, 3)))
        elif way < 0.75 and breaks:
            lines.append("torch._dynamo.graph_break()")
        elif way < 0.85:
            made = fresh("copied")
            lines.append(f"{made} = {rng.choice(_COPIES).format(name)}")
            seen.append(made)
        else:
            made = fresh("read")
            lines.append(f"{made} = {name}.sum()")
            seen.append(made)
    return lines, [*seen, *names]


def _told(extra: str, seen: list[str], length: int) -> str:
    """What was read, as so many integers."""
    chosen = (seen * length)[-length:]
    return f"{extra} = torch.stack([{', '.join(f'{name}.sum().to(torch.int64)' for name in chosen)}])"


def _storage_order(w: Writing, breaks: bool) -> list[str]:
    base = w.fresh("base")
    rng = random.Random(w.number)
    lines, seen = _order(rng, [base], w.fresh, 4 + w.number % 5, breaks)
    shape = ("(5,)", "(2, 3)", "(4, 1)", "(1, 6)")[w.number % 4]
    return [
        f"{base} = torch.arange({shape[1:-1].replace(', ', ' * ').rstrip(' *,') or 1}).reshape({shape})",
        *lines,
        _told(w.extras[0], seen, 2 + w.number % 3),
        w.value,
    ]


@value("storage.order", extras=("tensor",), weight=3.0)
def order(w: Writing) -> list[str]:
    """The value is handed through; beside it one storage is read, written, viewed and copied in a drawn order."""
    return _storage_order(w, breaks=False)


@value("storage.order_with_breaks", extras=("tensor",), weight=3.0, breaks=True)
def order_with_breaks(w: Writing) -> list[str]:
    """The same, in several graphs."""
    return _storage_order(w, breaks=True)


def _borrowed(w: Writing, breaks: bool) -> list[str]:
    """Lines that write the value's own memory, tell what was read, and put the elements back."""
    saved, zero = w.fresh("saved"), w.fresh("zero")
    rng = random.Random(w.number)
    row = w.fresh("row")
    lines, seen = _order(rng, [row], w.fresh, 3 + w.number % 4, breaks)
    told = [f"({name} * 1).to(torch.int64).sum()" for name in (seen * 5)[-(2 + w.number % 3) :]]
    return [
        f"{saved} = {w.value}.clone()",
        f"{zero} = {w.value}.fill_(1)",
        # A single number is sliced as a row of one.
        f"{row} = {w.value} if {w.value}.dim() else {w.value}.unsqueeze(0)",
        *lines,
        f"{w.extras[0]} = torch.stack([{', '.join(told)}])",
        f"{w.value}.copy_({saved})",
        zero,
    ]


@value(
    "storage.borrowed",
    extras=("tensor",),
    training=False,
    writable=True,
    dtypes=("float32", "float64", "int32", "int64"),
    weight=3.0,
)
def borrowed(w: Writing) -> list[str]:
    """The value's own memory is written, viewed and read in a drawn order, and put back as it was."""
    return _borrowed(w, breaks=False)


@value(
    "storage.borrowed_with_breaks", extras=("tensor",), training=False, writable=True,
    dtypes=("float32", "float64", "int32", "int64"), weight=3.0, breaks=True,
)  # fmt: skip
def borrowed_with_breaks(w: Writing) -> list[str]:
    """The same, in several graphs."""
    return _borrowed(w, breaks=True)


@value("storage.written_and_returned", training=False, writable=True)
def written_and_returned(w: Writing) -> list[str]:
    """A copy is made, the memory written, and the copy put back."""
    saved = w.fresh("saved")
    return [f"{saved} = {w.value}.clone()", f"{w.value}.zero_()", f"{w.value}.copy_({saved})"]


@value("storage.swapped", training=False, writable=True, rank=1)
def swapped(w: Writing) -> list[str]:
    """The rows are reversed in place, through a copy, twice."""
    x = w.value
    return [f"{x}.copy_({x}.flip(0))", f"{x}[...] = {x}.flip(0)", x]


@value("storage.scattered", training=False, writable=True, rank=1, filled=True)
def scattered(w: Writing) -> list[str]:
    """The first row is overwritten through an older view and put back through the tensor."""
    first, kept = w.fresh("first"), w.fresh("kept")
    return [
        f"{first} = {w.value}[0]",
        f"{kept} = {first}.clone()",
        f"{first}.fill_(1)",
        f"{w.value}[0] = {kept}",
        w.value,
    ]
