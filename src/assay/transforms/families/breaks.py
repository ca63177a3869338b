"""What Dynamo cannot trace, put anywhere: it has no effect on the program."""

from __future__ import annotations

from assay.transforms.registry import Writing, point, run, value


@point("breaks.graph_break", breaks=True, weight=3.0)
def graph_break(w: Writing) -> list[str]:
    """A break is no part of the meaning."""
    return ["torch._dynamo.graph_break()"]


@point("breaks.print_", breaks=True)
def print_(w: Writing) -> list[str]:
    """Nothing is printed."""
    return ["print(end='')"]


@point("breaks.time", breaks=True)
def time(w: Writing) -> list[str]:
    """The time is not used."""
    return ["time.perf_counter()"]


@point("breaks.frames", breaks=True)
def frames(w: Writing) -> list[str]:
    """The frame is not used."""
    return ["sys._getframe()"]


@point("breaks.collect", breaks=True)
def collect(w: Writing) -> list[str]:
    """Only what nothing reaches is collected."""
    return ["gc.collect(0)"]


@point("breaks.logged", breaks=True)
def logged(w: Writing) -> list[str]:
    """A message below the level of the logger goes nowhere."""
    return ["logging.getLogger('assay').debug('here')"]


@point("breaks.warned", breaks=True)
def warned(w: Writing) -> list[str]:
    """The warning is ignored."""
    return ["with warnings.catch_warnings():", "    warnings.simplefilter('ignore')", "    warnings.warn('ignored')"]


@run("breaks.disabled", breaks=True)
def disabled(w: Writing) -> list[str]:
    """A function that is not compiled computes the same."""
    f = w.fresh("inner")
    return ["@torch._dynamo.disable", *w.def_(f), w.bind(f"{f}()")]


@run("breaks.in_lock", breaks=True)
def in_lock(w: Writing) -> list[str]:
    """Nobody else wants the lock."""
    return ["with threading.Lock():", *w.indented()]


@run("breaks.in_loop", breaks=True)
def in_loop(w: Writing) -> list[str]:
    """A break in each trip of a loop; the last trip runs the statements."""
    i, k = w.fresh("i"), 1 + w.number % 3
    return [f"for {i} in range({k}):", "    torch._dynamo.graph_break()", f"    if {i} == {k - 1}:", *w.indented(2)]


@run("breaks.in_with", breaks=True)
def in_with(w: Writing) -> list[str]:
    """A break inside of a context is left with the context in place."""
    return [
        "with torch.set_grad_enabled(torch.is_grad_enabled()):", "    torch._dynamo.graph_break()", *w.indented(),
    ]  # fmt: skip


@run("breaks.in_try", breaks=True)
def in_try(w: Writing) -> list[str]:
    """A break inside of a try is left with the handler in place."""
    return ["try:", "    torch._dynamo.graph_break()", *w.indented(), "finally:", "    pass"]


@run("breaks.in_function", breaks=True)
def in_function(w: Writing) -> list[str]:
    """A break in a function that is called twice deep."""
    f, g = w.fresh("inner"), w.fresh("outer")
    before = ["torch._dynamo.graph_break()"]
    return [*w.def_(f, before=before), f"def {g}():", f"    return {f}()", w.bind(f"{g}()")]


@run("breaks.in_generator", breaks=True)
def in_generator(w: Writing) -> list[str]:
    """A generator goes on where it stood before the break."""
    g = w.fresh("g")
    return [f"{g} = iter([1, 2, 3])", f"next({g})", "torch._dynamo.graph_break()", *w.body, f"assert next({g}) == 2"]


@run("breaks.containers_survive", extras=("str",), breaks=True)
def containers_survive(w: Writing) -> list[str]:
    """A list, an object and a cell hold after the break what they held before."""
    bag = w.define("Bag", "class {}:", "    kept = None")
    items, o = w.fresh("items"), w.fresh("owner")
    return [
        f"{items}, {o} = [1], {bag}()",
        f"{o}.kept = {items}",
        f"{items}.append(2)",
        "torch._dynamo.graph_break()",
        f"{o}.kept.append({w.number % 5})",
        *w.body,
        f"{w.extras[0]} = str(({items}, {o}.kept is {items}))",
    ]


@value("breaks.evaluated", breaks=True)
def evaluated(w: Writing) -> list[str]:
    """The text of a name is the name."""
    return [f"eval('t', {{'t': {w.value}}})"]


@value("breaks.context_variable", breaks=True)
def context_variable(w: Writing) -> list[str]:
    """A context variable holds what was set."""
    v = w.fresh("variable")
    return [f"{v} = contextvars.ContextVar('v', default=None)", f"{v}.set({w.value})", f"{v}.get()"]


@value("breaks.item_of_shape", breaks=True, rank=1, unwritten=True)
def item_of_shape(w: Writing) -> list[str]:
    """The number of rows, through a tensor that is read in Python."""
    return [f"{w.value}[: torch.tensor({w.value}.shape[0]).item()]"]
