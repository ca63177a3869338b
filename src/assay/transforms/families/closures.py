"""Statements in inner functions, what they need through cells, what they make through cells."""

from __future__ import annotations

from assay.transforms.registry import Writing, run, value


@run("closures.call")
def call(w: Writing) -> list[str]:
    """The function reads what it needs through its closure, and is called once."""
    f = w.fresh("inner")
    return [*w.def_(f), w.bind(f"{f}()")]


@run("closures.two_levels")
def two_levels(w: Writing) -> list[str]:
    """The cells go through a function that does not read them itself."""
    outer, inner = w.fresh("outer"), w.fresh("inner")
    return [
        f"def {outer}():",
        *(f"    {line}" for line in w.def_(inner)),
        f"    return {inner}",
        w.bind(f"{outer}()()"),
    ]


@run("closures.factory_twice")
def factory_twice(w: Writing) -> list[str]:
    """One code object with two captures: the one with False does nothing, the one with True runs the statements."""
    make, inner, flag = w.fresh("make"), w.fresh("inner"), w.fresh("flag")
    first, second = w.fresh("first"), w.fresh("second")
    body = w.def_(inner, before=[f"if not {flag}:", "    return None"])
    calls = [f"{first}()", w.bind(f"{second}()")]
    return [
        f"def {make}({flag}):",
        *(f"    {line}" for line in body),
        f"    return {inner}",
        f"{first}, {second} = {make}(False), {make}(True)",
        *(calls if w.number % 2 else calls[::-1]),
    ]


@run("closures.nonlocal_results")
def nonlocal_results(w: Writing) -> list[str]:
    """The function hands its results out through cells of the function around it."""
    f = w.fresh("inner")
    if not w.targets:
        return [*w.def_(f), f"{f}()"]
    start = [f"{name} = None" for name in w.targets]
    body = [f"nonlocal {w.bound}", *w.body]
    return [*start, f"def {f}():", *(f"    {line}" for line in body), f"{f}()"]


@run("closures.siblings", extras=("int",))
def siblings(w: Writing) -> list[str]:
    """Two functions share a cell: what one adds the other reads."""
    count, add, read = w.fresh("count"), w.fresh("add"), w.fresh("read")
    return [
        f"{count} = {w.number % 10}",
        *w.def_(add, before=[f"nonlocal {count}", f"{count} += 1"]),
        f"def {read}():",
        f"    return {count}",
        w.bind(f"{add}()"),
        f"{w.extras[0]} = {read}()",
    ]


@run("closures.late_binding", extras=("int",))
def late_binding(w: Writing) -> list[str]:
    """A closure reads its variable when it is called, so that it sees the last value."""
    last, f = w.fresh("last"), w.fresh("inner")
    return [
        f"{last} = 1",
        *w.def_(f, before=[f"assert {last} == 2"]),
        f"{last} = 2",
        w.bind(f"{f}()"),
        f"{w.extras[0]} = {last}",
    ]


@run("closures.log", extras=("str",))
def log(w: Writing) -> list[str]:
    """What the function appends to a captured list is there afterwards, in order."""
    log_, f = w.fresh("log"), w.fresh("inner")
    return [
        f"{log_} = ['before']",
        *w.def_(f, before=[f"{log_}.append('in')"]),
        w.bind(f"{f}()"),
        f"{log_}.append('after')",
        f"{w.extras[0]} = ' '.join({log_})",
    ]


@run("closures.method_capture", extras=("int",))
def method_capture(w: Writing) -> list[str]:
    """A method of a local class reaches the captured list as the function itself would."""
    log_, local, f = w.fresh("log"), w.fresh("Local"), w.fresh("inner")
    return [
        f"{log_} = []",
        *w.def_(f),
        f"class {local}:",
        "    def touch(self):",
        f"        {log_}.append(1)",
        f"        return {f}()",
        w.bind(f"{local}().touch()"),
        f"{w.extras[0]} = len({log_})",
    ]


@run("closures.stored")
def stored(w: Writing) -> list[str]:
    """Called through the containers that hold it, a function is the same function."""
    f, table = w.fresh("inner"), w.fresh("table")
    return [*w.def_(f), f"{table} = {{'f': [{f}, None]}}", w.bind(f"{table}['f'][0]()")]


@run("closures.returned_pair")
def returned_pair(w: Writing) -> list[str]:
    """Of two functions that escape with one cell, one sets it and the other returns it."""
    make, box = w.fresh("make"), w.fresh("box")
    set_, get = w.fresh("set_"), w.fresh("get")
    return [
        f"def {make}():",
        f"    {box} = None",
        f"    def {set_}():",
        f"        nonlocal {box}",
        *w.indented(2),
        f"        {box} = {w.packed}",
        f"    def {get}():",
        f"        return {box}",
        f"    return {set_}, {get}",
        f"{set_}, {get} = {make}()",
        f"{set_}()",
        w.unpack(f"{get}()"),
    ]


@value("closures.lambda_")
def lambda_(w: Writing) -> list[str]:
    """A lambda without parameters returns what it captured."""
    return [f"(lambda: {w.value})()"]


@value("closures.default_capture")
def default_capture(w: Writing) -> list[str]:
    """A default is evaluated when the function is made."""
    f, x = w.fresh("inner"), w.fresh("t")
    return [f"def {f}({x}={w.value}):", f"    return {x}", f"{f}()"]


@value("closures.loop_lambdas")
def loop_lambdas(w: Writing) -> list[str]:
    """Each lambda has kept the item of its own trip in its default."""
    t, k = w.fresh("t"), w.number % 3
    items = ", ".join(w.value if position == k else "None" for position in range(3))
    return [f"[lambda {t}={t}: {t} for {t} in ({items})][{k}]()"]


@value("closures.cell_contents")
def cell_contents(w: Writing) -> list[str]:
    """A cell holds what was captured."""
    f, t = w.fresh("inner"), w.fresh("t")
    return [f"{t} = {w.value}", f"def {f}():", f"    return {t}", f"{f}.__closure__[0].cell_contents"]
