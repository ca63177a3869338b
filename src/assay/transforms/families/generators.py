"""Generators and iterators: what they yield, where they stand, what they end with."""

from __future__ import annotations

from assay.transforms.registry import Writing, run, value


def _generator(w: Writing, name: str, *, before: tuple[str, ...] = ()) -> list[str]:
    lines = [*before, *w.body, *(f"yield {target}" for target in w.targets)]
    return [f"def {name}():", *(f"    {line}" for line in [*lines, "return", "yield"])]


@run("generators.drained")
def drained(w: Writing) -> list[str]:
    """A generator runs the statements on the way to its first yield, and yields the results in order."""
    g = w.fresh("generate")
    drain = ("list", "tuple", "iter")[w.number % 3]
    return [*_generator(w, g), w.unpack(f"{drain}({g}())") if w.targets else f"list({g}())"]


@run("generators.next_")
def next_(w: Writing) -> list[str]:
    """A generator that stands at its first yield has run the statements; it is never asked again."""
    f, g = w.fresh("generate"), w.fresh("g")
    return [
        f"def {f}():",
        *w.indented(),
        f"    yield {w.packed if w.targets else '()'}",
        "    raise AssertionError",
        f"{g} = {f}()",
        w.unpack(f"next({g})"),
    ]


@run("generators.yield_from")
def yield_from(w: Writing) -> list[str]:
    """The value of ``yield from`` is what the inner generator returns."""
    inner, outer, result = w.fresh("inner"), w.fresh("outer"), w.fresh("result")
    body = [*w.body, f"return {w.packed if w.targets else '()'}", "yield"]
    return [
        f"def {inner}():",
        *(f"    {line}" for line in body),
        f"def {outer}():",
        f"    {result} = yield from {inner}()",
        f"    yield {result}",
        w.unpack(f"next({outer}())"),
    ]


@run("generators.stop_value")
def stop_value(w: Writing) -> list[str]:
    """What a generator returns is the value of the exception that ends it."""
    f, g, stop = w.fresh("generate"), w.fresh("g"), w.fresh("stop")
    result = w.fresh("result")
    return [
        f"def {f}():",
        f"    yield {w.number % 10}",
        *w.indented(),
        f"    return {w.packed if w.targets else '()'}",
        f"{g} = {f}()",
        f"next({g})",
        "try:",
        f"    next({g})",
        f"except StopIteration as {stop}:",
        f"    {result} = {stop}.value",
        w.unpack(result),
    ]


@run("generators.send", extras=("int",))
def send(w: Writing) -> list[str]:
    """The generator goes on with what is sent, and runs the statements then."""
    f, g, got = w.fresh("generate"), w.fresh("g"), w.fresh("got")
    return [
        f"def {f}():",
        f"    {got} = yield 0",
        *w.indented(),
        f"    yield {got}, {w.packed if w.targets else '()'}",
        f"{g} = {f}()",
        f"next({g})",
        f"{w.extras[0]}, {got} = {g}.send({w.number % 10})",
        w.unpack(got),
    ]


@run("generators.throw")
def throw(w: Writing) -> list[str]:
    """What is thrown in arrives at the yield, where the handler runs the statements."""
    f, g = w.fresh("generate"), w.fresh("g")
    return [
        f"def {f}():",
        "    try:",
        "        yield None",
        "    except ValueError:",
        *w.indented(2),
        f"        yield {w.packed if w.targets else '()'}",
        f"{g} = {f}()",
        f"next({g})",
        w.unpack(f"{g}.throw(ValueError('in'))"),
    ]


@run("generators.close", extras=("str",))
def close(w: Writing) -> list[str]:
    """Closing a generator runs its finally, where the statements stand."""
    f, g, log, box = w.fresh("generate"), w.fresh("g"), w.fresh("log"), w.fresh("box")
    return [
        f"{log}, {box} = [], []",
        f"def {f}():",
        "    try:",
        "        yield 1",
        "        yield 2",
        "    finally:",
        f"        {log}.append('closed')",
        *w.indented(2),
        f"        {box}.append({w.packed if w.targets else '()'})",
        f"{g} = {f}()",
        f"{log}.append(str(next({g})))",
        f"{g}.close()",
        w.unpack(f"{box}[0]"),
        f"{w.extras[0]} = ' '.join({log})",
    ]


@run("generators.half_consumed", extras=("str",))
def half_consumed(w: Writing) -> list[str]:
    """An iterator goes on where it was left: before the statements and after them."""
    g = w.fresh("g")
    return [
        f"{g} = (k * k for k in range({3 + w.number % 4}))",
        f"next({g})",
        *w.body,
        f"{w.extras[0]} = str(next({g})) + str(list({g})) + str(next({g}, None))",
    ]


@run("generators.interleaved", extras=("str",))
def interleaved(w: Writing) -> list[str]:
    """Each of two generators of one code object keeps its own place."""
    f, a, b = w.fresh("count"), w.fresh("a"), w.fresh("b")
    return [
        f"def {f}(k):",
        # Where a graph breaks, Dynamo asks a generator for all of its items: an endless one costs it ten seconds.
        "    while k < 64:",
        "        yield k",
        "        k += 2",
        f"{a}, {b} = {f}(0), {f}({w.number % 5})",
        f"next({a})",
        *w.body,
        f"{w.extras[0]} = str([next({a}), next({b}), next({a}), next({b})])",
    ]


@run("generators.pipeline")
def pipeline(w: Writing) -> list[str]:
    """Each stage takes an item when it is asked for one; the last asks once."""
    f = w.fresh("inner")
    staged = f"(g() for g in (h for h in [{f}, None] if h is not None))"
    return [*w.def_(f), w.bind(f"next({staged})")]


@run("generators.sorted_by_key")
def sorted_by_key(w: Writing) -> list[str]:
    """Sorting is stable and calls its key once for each item."""
    f = w.fresh("inner")
    return [*w.def_(f), w.bind(f"sorted([(1, {f}), (0, None)], key=lambda pair: -pair[0])[0][1]()")]


@value("generators.expression")
def expression(w: Writing) -> list[str]:
    """The first item of a generator over one value is the value."""
    return [f"next(t for t in ({w.value},))"]


@value("generators.sent_through")
def sent_through(w: Writing) -> list[str]:
    """The generator yields back what it was sent."""
    echo = w.define(
        "echo", "def {}():", "    got = None", "    for _ in range(8):", "        got = yield got",
    )  # fmt: skip
    g = w.fresh("g")
    return [f"{g} = {echo}()", f"next({g})", f"{g}.send({w.value})"]


@value("iterators.class_")
def class_(w: Writing) -> list[str]:
    """The iterator returns the items of its list in order and then stops."""
    once = w.define(
        "Once", "class {}:", "    def __init__(self, *items):", "        self.items, self.at = items, 0",
        "    def __iter__(self):", "        return self", "    def __next__(self):",
        "        if self.at == len(self.items):", "            raise StopIteration", "        self.at += 1",
        "        return self.items[self.at - 1]",
    )  # fmt: skip
    a, b = w.fresh("a"), w.fresh("b")
    return [f"{a}, {b} = {once}(None, {w.value})", b]


@value("iterators.getitem_protocol")
def getitem_protocol(w: Writing) -> list[str]:
    """Iteration asks for items 0, 1 ... until an IndexError."""
    indexed = w.define(
        "Indexed", "class {}:", "    def __init__(self, *items):", "        self.items = items",
        "    def __getitem__(self, k):", "        return self.items[k]",
        "    def __len__(self):", "        return len(self.items)",
    )  # fmt: skip
    return [f"[t for t in {indexed}({w.value}, None)][0]"]


@value("iterators.callable_sentinel")
def callable_sentinel(w: Writing) -> list[str]:
    """``iter(function, sentinel)`` calls the function until it returns the sentinel."""
    items = w.fresh("items")
    return [f"{items} = [None, {w.value}]", f"next(iter(lambda: {items}.pop(), None))"]


@value("iterators.tee")
def tee(w: Writing) -> list[str]:
    """Each branch of a tee yields all items."""
    a, b = w.fresh("a"), w.fresh("b")
    return [f"{a}, {b} = itertools.tee([{w.value}, None])", f"next({a})", f"next({b})"]


@value("iterators.zip_star")
def zip_star(w: Writing) -> list[str]:
    """Zipping twice gives back the rows."""
    return [f"list(zip(*zip(({w.value}, 1), (2, 3))))[0][0]"]


@value("iterators.reversed_twice")
def reversed_twice(w: Writing) -> list[str]:
    """The reverse of the reverse begins with the first."""
    return [f"list(reversed(list(reversed([{w.value}, 1, 2]))))[0]"]


@value("iterators.chain_from_iterable")
def chain_from_iterable(w: Writing) -> list[str]:
    """Chained lists hold the items of the first, then those of the second."""
    return [f"list(itertools.chain.from_iterable([[1], [{w.value}], []]))[1]"]


@value("iterators.groupby")
def groupby(w: Writing) -> list[str]:
    """A group holds the neighbours of one key."""
    pairs = f"[(0, None), (1, {w.value}), (1, None)]"
    return [f"[[t for _, t in group] for key, group in itertools.groupby({pairs}, key=lambda p: p[0])][1][0]"]


@value("iterators.dropwhile")
def dropwhile(w: Writing) -> list[str]:
    """What is left begins with the first item that is not None."""
    return [f"next(itertools.dropwhile(lambda t: t is None, [None, None, {w.value}]))"]


@value("iterators.zip_longest")
def zip_longest(w: Writing) -> list[str]:
    """The shorter list is filled up with the value."""
    return [f"list(itertools.zip_longest([1, 2], [3], fillvalue={w.value}))[1][1]"]


@value("iterators.cycle")
def cycle(w: Writing) -> list[str]:
    """After its last item a cycle begins again."""
    return [f"list(itertools.islice(itertools.cycle([{w.value}, None]), 3))[2]"]


@value("iterators.enumerate_dict")
def enumerate_dict(w: Writing) -> list[str]:
    """A dict of an enumeration has the items under their positions."""
    return [f"dict(enumerate([None, {w.value}], start={w.number % 5}))[{w.number % 5 + 1}]"]


@value("iterators.max_by_key")
def max_by_key(w: Writing) -> list[str]:
    """The greatest by its key, and the first of equal ones."""
    return [f"max([(1, None), (3, {w.value}), (3, None)], key=lambda pair: pair[0])[1]"]


@value("iterators.map_two")
def map_two(w: Writing) -> list[str]:
    """``map`` over two lists ends with the shorter."""
    return [f"list(map(lambda a, b: b, [1, 2, 3], [None, {w.value}]))[-1]"]
