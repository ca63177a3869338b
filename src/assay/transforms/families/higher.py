"""Higher-order operators of torch over statements without Python: branches, loops, repeated regions."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from assay.ops.catalogue import DETERMINED
from assay.transforms.registry import Writing, run, value

NUMBERS = ("float32", "float64", "int32", "int64")


def arms(w: Writing) -> tuple[list[str], str, str]:
    """Two functions of the same statements, and their names."""
    a, b = w.fresh("yes"), w.fresh("no")
    given = ", ".join(w.reads)
    return [*w.def_(a, given), *w.def_(b, given)], a, b


def operands(w: Writing) -> str:
    return f"({', '.join(w.reads)},)" if w.reads else "()"


def of_arguments(w: Writing) -> tuple[Writing, str]:
    """The site with what it reads of a module as local names, and what is handed in for all that it reads; nothing
    where it reads of a module what has no name of its own, or a size by name."""
    names: dict[str, str] = {}

    def local(found: re.Match[str]) -> str:
        if found[0] not in names:
            names[found[0]] = w.fresh(found[1])
        return names[found[0]]

    # A method calls its module self, a function that is handed one calls it model.
    body = tuple(re.sub(r"\b(?:self|model)\.([bp]\d+)\b", local, line) for line in w.body)
    # Sizes that a program names are local to it.
    if any(re.search(r"\b(?:self|model|s\d+)\b", line) for line in body):
        return w, ""
    given = ", ".join((*w.reads, *names))
    return replace(w, body=body, reads=(*w.reads, *names.values())), given


def is_captured(told: Any) -> bool:
    """Whether an operation goes into a graph, so that an operator that takes nothing else can hold it."""
    return not told.operator.name.startswith(DETERMINED)


REGION: dict[str, Any] = {
    "pure": True, "fresh": True, "unwritten": True, "tensors": True, "training": False, "opaque": True,
    "accepts": is_captured,
}  # fmt: skip
ARMS: dict[str, Any] = {**REGION, "rank": 1, "dtypes": NUMBERS}
ROWS: dict[str, Any] = {"quiet": True, "training": False, "rank": 1, "filled": True, "dtypes": NUMBERS}


def plainly(w: Writing, name: str, call: str, *otherwise: str) -> str:
    """A function that calls an operator where it is compiled, and is plain Python elsewhere: outside of a compiled
    region the operators compile themselves, and would be compared with themselves."""
    return w.define(
        name, f"def {{}}({call.partition('(')[2]}:", "    if torch.compiler.is_compiling():", f"        return {call}",
        *(f"    {line}" for line in otherwise),
    )  # fmt: skip


def conditional(w: Writing) -> str:
    return plainly(w, "cond", "torch.cond(test, yes, no, given)", "return yes(*given) if test else no(*given)")


@run("higher.cond", **ARMS)
def cond(w: Writing) -> list[str]:
    """Both arms hold the same statements."""
    lines, a, b = arms(w)
    test = f"{w.reads[0]}.sum() > 0" if w.reads else "torch.tensor(True)"
    return [*lines, w.bind(f"{conditional(w)}({test}, {a}, {b}, {operands(w)})")]


@run("higher.cond_on_size", **ARMS)
def cond_on_size(w: Writing) -> list[str]:
    """Both arms hold the same statements; the condition is a Python truth value."""
    lines, a, b = arms(w)
    test = f"{w.reads[0]}.shape[0] > 2" if w.reads else "True"
    return [*lines, w.bind(f"{conditional(w)}({test}, {a}, {b}, {operands(w)})")]


def looping(w: Writing) -> str:
    """The name of a function that is ``while_loop``."""
    return plainly(
        w, "while_loop", "torch._higher_order_ops.while_loop(test, step, given)", "while test(*given):",
        "    given = step(*given)", "return given",
    )  # fmt: skip


@value("higher.while_loop", **ROWS)
def while_loop(w: Writing) -> list[str]:
    """Each trip hands the value on; the counter ends the loop."""
    loop = looping(w)
    test, step, k = w.fresh("test"), w.fresh("step"), 1 + w.number % 3
    return [
        f"def {test}(i, t):",
        f"    return i < {k}",
        f"def {step}(i, t):",
        "    return i + 1, t.clone()",
        f"{loop}({test}, {step}, (torch.tensor(0), {w.value}.contiguous()))[1]",
    ]


def scanning(w: Writing) -> str:
    """The name of a function that is ``scan``."""
    return plainly(
        w, "scan", "torch._higher_order_ops.scan(step, carry, rows)", "made = []", "for row in rows:",
        "    carry, each = step(carry, row)", "    made.append(each)", "return carry, torch.stack(made)",
    )  # fmt: skip


@value("higher.scan", **ROWS)
def scan(w: Writing) -> list[str]:
    """Each step yields its row."""
    scan_ = scanning(w)
    step = w.fresh("step")
    return [
        f"def {step}(carry, row):",
        "    return carry + 1, row.clone()",
        f"{scan_}({step}, torch.zeros(1), {w.value})[1]",
    ]


def mapping(w: Writing) -> str:
    """The name of a function that is ``map``."""
    return plainly(
        w, "map_rows", "torch._higher_order_ops.map(function, rows)",
        "return torch.stack([function(row) for row in rows])",
    )  # fmt: skip


@value("higher.map", **ROWS)
def map_(w: Writing) -> list[str]:
    """The identity, row by row."""
    return [f"{mapping(w)}(lambda row: row.clone(), {w.value})"]


@value("higher.associative_scan", **ROWS)
def associative_scan(w: Writing) -> list[str]:
    """The scan of one row is the row."""
    scan_ = plainly(
        w, "associative_scan", "torch._higher_order_ops.associative_scan(combine, rows, dim, reverse, mode)",
        "return rows.clone()",
    )  # fmt: skip
    return [f"{scan_}(lambda a, b: a + b, {w.value}.unsqueeze(0), 0, False, 'generic').squeeze(0)"]


def region(w: Writing) -> str:
    """The name of a copy that is to be compiled as one region."""
    lines = ["@torch.compiler.nested_compile_region", "def {}(value):", "    return value.clone()"]
    return w.define("region", *lines)


@value("higher.nested_compile_region", quiet=True, training=False)
def nested_compile_region(w: Writing) -> list[str]:
    """A function that is to be compiled as one region, called twice: copies of copies."""
    f = region(w)
    return [f"{f}({f}({w.value}))"]


@run("higher.nonstrict_trace", **REGION)
def nonstrict_trace(w: Writing) -> list[str]:
    """A function that is traced without Dynamo computes what it computes."""
    f = w.fresh("inner")
    given = ", ".join(w.reads)
    before = w.define("call_traced", "@torch._dynamo.nonstrict_trace", "def {}(value):", "    return value.clone()")
    if not w.reads:
        return [*w.body]
    return [*w.def_(f, given), f"{before}({w.reads[0]})", w.bind(f"{f}({given})")]


@value("higher.allowed_in_graph", quiet=True, training=False)
def allowed_in_graph(w: Writing) -> list[str]:
    """A function that goes into the graph as it is."""
    f = w.define("in_graph", "@torch.compiler.allow_in_graph", "def {}(value):", "    return value.clone()")
    return [f"{f}({w.value})"]


@value("higher.constant_result")
def constant_result(w: Writing) -> list[str]:
    """A function whose result is taken for a constant returns one."""
    f = w.define("constant", "@torch.compiler.assume_constant_result", "def {}():", f"    return {w.number % 2}")
    return [f"(({w.value}, None), (None, {w.value}))[{f}()][{w.number % 2}]"]
