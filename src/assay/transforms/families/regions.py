"""Higher-order operators of torch in each other: branches in branches and in loops, loops in loops and in branches,
checkpoints in branches, scans of tuples, repeated regions of two shapes."""

from __future__ import annotations

from typing import Any

from assay.transforms.families.higher import (
    ARMS,
    REGION,
    ROWS,
    arms,
    conditional,
    is_captured,
    looping,
    mapping,
    of_arguments,
    operands,
    plainly,
    region,
    scanning,
)
from assay.transforms.registry import Writing, run, value

TWO: dict[str, Any] = {**ROWS, "rank": 2}


def _tests(w: Writing) -> tuple[str, str]:
    """Two conditions on what the statements read."""
    if not w.reads:
        return "torch.tensor(True)", "torch.tensor(False)"
    return f"{w.reads[0]}.sum() > 0", f"{w.reads[-1]}.sum() < 3"


def _branch(w: Writing) -> tuple[list[str], str]:
    """A function of a tensor that is a copy of it by either of two arms, as its sum says."""
    f = w.fresh("branch")
    lines = [
        f"def {f}(t):",
        f"    return {conditional(w)}(t.sum() > 0, lambda t: t.clone(), lambda t: t.neg().neg(), (t,))",
    ]
    return lines, f


def _trips(w: Writing, f: str, count: int) -> tuple[list[str], str]:
    """A function of a tensor that hands it through another in a loop of some trips."""
    test, step, loop = w.fresh("test"), w.fresh("step"), w.fresh("trips")
    lines = [
        f"def {test}(i, t):",
        f"    return i < {count}",
        f"def {step}(i, t):",
        f"    return i + 1, {f}(t)",
        f"def {loop}(t):",
        f"    return {looping(w)}({test}, {step}, (torch.tensor(0), t.contiguous()))[1]",
    ]
    return lines, loop


def _steps(w: Writing, f: str) -> tuple[list[str], str]:
    """A function of a tensor that hands its rows through another in a scan."""
    step, scan = w.fresh("step"), w.fresh("steps")
    lines = [
        f"def {step}(carry, row):",
        f"    return carry + 1, {f}(row)",
        f"def {scan}(t):",
        f"    return {scanning(w)}({step}, torch.zeros(1), t)[1]",
    ]
    return lines, scan


def _copy(w: Writing) -> str:
    return w.define("copied", "def {}(t):", "    return t.clone()")


@run("higher.cond_in_cond", **ARMS)
def cond_in_cond(w: Writing) -> list[str]:
    """All three arms hold the same statements."""
    lines, a, b = arms(w)
    c, pick = w.fresh("other"), w.fresh("pick")
    given, (outer, inner), cond = ", ".join(w.reads), _tests(w), conditional(w)
    return [
        *lines,
        *w.def_(c, given),
        f"def {pick}({given}):",
        f"    return {cond}({inner}, {a}, {b}, {operands(w)})",
        w.bind(f"{cond}({outer}, {pick}, {c}, {operands(w)})"),
    ]


@run("higher.checkpoint_in_cond", **{**ARMS, "training": True})
def checkpoint_in_cond(w: Writing) -> list[str]:
    """Both arms hold the same statements, of which one keeps nothing for backward."""
    lines, a, b = arms(w)
    kept, given = w.fresh("kept"), ", ".join(w.reads)
    return [
        *lines,
        f"def {kept}({given}):",
        f"    return torch.utils.checkpoint.checkpoint({', '.join((a, *w.reads))}, use_reentrant=False)",
        w.bind(f"{conditional(w)}({_tests(w)[0]}, {kept}, {b}, {operands(w)})"),
    ]


@run("higher.cond_in_checkpoint", **{**ARMS, "training": True})
def cond_in_checkpoint(w: Writing) -> list[str]:
    """Backward runs the branch again; both arms hold the same statements."""
    lines, a, b = arms(w)
    pick, given = w.fresh("pick"), ", ".join(w.reads)
    return [
        *lines,
        f"def {pick}({given}):",
        f"    return {conditional(w)}({_tests(w)[0]}, {a}, {b}, {operands(w)})",
        w.bind(f"torch.utils.checkpoint.checkpoint({', '.join((pick, *w.reads))}, use_reentrant=False)"),
    ]


@value("higher.cond_in_while_loop", **ROWS)
def cond_in_while_loop(w: Writing) -> list[str]:
    """Each trip hands on a copy, by either arm."""
    lines, f = _branch(w)
    more, loop = _trips(w, f, 1 + w.number % 3)
    return [*lines, *more, f"{loop}({w.value})"]


@value("higher.cond_in_scan", **ROWS)
def cond_in_scan(w: Writing) -> list[str]:
    """Each step yields its row, by either arm."""
    lines, f = _branch(w)
    more, scan = _steps(w, f)
    return [*lines, *more, f"{scan}({w.value})"]


@value("higher.cond_in_map", **ROWS)
def cond_in_map(w: Writing) -> list[str]:
    """The identity, row by row, by either arm."""
    lines, f = _branch(w)
    return [*lines, f"{mapping(w)}({f}, {w.value})"]


@value("higher.while_loop_in_cond", **ROWS)
def while_loop_in_cond(w: Writing) -> list[str]:
    """Both arms hand the value on, in one trip and in more."""
    lines, a = _trips(w, _copy(w), 1)
    more, b = _trips(w, _copy(w), 2 + w.number % 2)
    return [*lines, *more, f"{conditional(w)}({w.value}.sum() > 0, {a}, {b}, ({w.value},))"]


@value("higher.scan_in_cond", **ROWS)
def scan_in_cond(w: Writing) -> list[str]:
    """One arm yields the rows, the other the whole: of a contiguous one, since arms are to give the same strides."""
    lines, scan = _steps(w, _copy(w))
    return [*lines, f"{conditional(w)}({w.value}.sum() > 0, {scan}, {_copy(w)}, ({w.value}.contiguous(),))"]


@value("higher.map_in_cond", **ROWS)
def map_in_cond(w: Writing) -> list[str]:
    """One arm is the identity row by row, the other of the whole."""
    f = w.fresh("rows")
    return [
        f"def {f}(t):",
        f"    return {mapping(w)}({_copy(w)}, t)",
        f"{conditional(w)}({w.value}.sum() > 0, {f}, {_copy(w)}, ({w.value}.contiguous(),))",
    ]


@value("higher.while_loop_in_while_loop", **ROWS)
def while_loop_in_while_loop(w: Writing) -> list[str]:
    """Each trip of each loop hands the value on."""
    lines, inner = _trips(w, _copy(w), 1 + w.number % 2)
    more, outer = _trips(w, inner, 2)
    return [*lines, *more, f"{outer}({w.value})"]


@value("higher.scan_in_while_loop", **ROWS)
def scan_in_while_loop(w: Writing) -> list[str]:
    """Each trip yields the rows."""
    lines, scan = _steps(w, _copy(w))
    more, loop = _trips(w, scan, 1 + w.number % 3)
    return [*lines, *more, f"{loop}({w.value})"]


@value("higher.while_loop_in_scan", **ROWS)
def while_loop_in_scan(w: Writing) -> list[str]:
    """Each step hands its row on, trip by trip."""
    lines, loop = _trips(w, _copy(w), 1 + w.number % 3)
    more, scan = _steps(w, loop)
    return [*lines, *more, f"{scan}({w.value})"]


@value("higher.scan_in_scan", **TWO)
def scan_in_scan(w: Writing) -> list[str]:
    """Each step yields the rows of its row."""
    lines, inner = _steps(w, _copy(w))
    more, outer = _steps(w, inner)
    return [*lines, *more, f"{outer}({w.value})"]


@value("higher.map_in_map", **TWO)
def map_in_map(w: Writing) -> list[str]:
    """The identity, row by row of each row."""
    rows, f = mapping(w), _copy(w)
    return [f"{rows}(lambda row: {rows}({f}, row), {w.value})"]


@value("higher.map_in_scan", **TWO)
def map_in_scan(w: Writing) -> list[str]:
    """Each step is the identity, row by row."""
    f = w.fresh("rows")
    lines, scan = _steps(w, f)
    return [f"def {f}(t):", f"    return {mapping(w)}({_copy(w)}, t)", *lines, f"{scan}({w.value})"]


@value("higher.associative_scan_of_tuple", **ROWS)
def associative_scan_of_tuple(w: Writing) -> list[str]:
    """Of two leaves, the first row of one and the last of the other so far: each row in its turn."""
    scan = plainly(
        w, "scan_tuple", "torch._higher_order_ops.associative_scan(combine, rows, dim, reverse, mode)",
        "made = [tuple(leaf[0] for leaf in rows)]", "for i in range(1, len(rows[0])):",
        "    made.append(combine(made[-1], tuple(leaf[i] for leaf in rows)))",
        "return tuple(torch.stack(leaf) for leaf in zip(*made))",
    )  # fmt: skip
    combine, t = w.fresh("combine"), w.fresh("t")
    return [
        f"def {combine}(a, b):",
        "    return a[0].clone(), b[1].clone()",
        f"{t} = {scan}({combine}, ({w.value}, {w.value}), 0, False, 'generic')",
        f"torch.cat(({t}[0][:1], {t}[1][1:]))",
    ]


@value("higher.scan_of_tuple", **ROWS)
def scan_of_tuple(w: Writing) -> list[str]:
    """Of two carries one counts and one is the row before; each step yields its row, and what came before it."""
    scan = plainly(
        w, "scan_two", "torch._higher_order_ops.scan(step, carry, rows)", "made = []", "for pair in zip(*rows):",
        "    carry, each = step(carry, pair)", "    made.append(each)",
        "return carry, tuple(torch.stack(leaf) for leaf in zip(*made))",
    )  # fmt: skip
    step, last, before = w.fresh("step"), w.fresh("last"), w.fresh("before")
    return [
        f"def {step}(carry, pair):",
        "    return (carry[0] + 1, pair[1].clone()), (pair[0].clone(), carry[1].clone())",
        f"(_, {last}), (_, {before}) = "
        f"{scan}({step}, (torch.zeros(1), torch.zeros_like({w.value}[0])), ({w.value}, {w.value}))",
        f"torch.cat(({before}[1:], {last}.unsqueeze(0)))",
    ]


@value("higher.region_of_two_shapes", quiet=True, training=False, rank=1)
def region_of_two_shapes(w: Writing) -> list[str]:
    """A function that is to be compiled as one region, called with two shapes and with the first again: copies."""
    f = region(w)
    return [f"{f}({f}({f}({w.value}).unsqueeze(0)).flatten(0, 1))"]


@value("higher.region_in_region", quiet=True, training=False)
def region_in_region(w: Writing) -> list[str]:
    """A region that calls one twice, called twice: copies of copies."""
    lines = ["@torch.compiler.nested_compile_region", "def {}(value):", f"    return {region(w)}({region(w)}(value))"]
    f = w.define("regions", *lines)
    return [f"{f}({f}({w.value}))"]


@value("higher.region_in_cond", **ROWS)
def region_in_cond(w: Writing) -> list[str]:
    """Both arms are copies by one region, once and twice."""
    f, a, b = region(w), w.fresh("yes"), w.fresh("no")
    return [
        f"def {a}(t):",
        f"    return {f}(t)",
        f"def {b}(t):",
        f"    return {f}({f}(t))",
        f"{conditional(w)}({w.value}.sum() > 0, {a}, {b}, ({w.value},))",
    ]


def gives_the_same_again(told: Any) -> bool:
    """Whether an operation gives the same when it is called again."""
    return bool(told.operator.family != "chance" and is_captured(told))


@run("higher.region_of_statements", **{**REGION, "training": True, "accepts": gives_the_same_again})
def region_of_statements(w: Writing) -> list[str]:
    """Statements that write nothing, compiled as one region, give the same when they are called again."""
    inner, given = of_arguments(w)
    if not given:
        return [*w.body]
    lines = inner.def_("{}", ", ".join(inner.reads))
    f = w.define("region", "@torch.compiler.nested_compile_region", *lines)
    return [w.bind(f"{f}({given})"), w.bind(f"{f}({given})")]
