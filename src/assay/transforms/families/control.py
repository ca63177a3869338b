"""Control flow around statements that run exactly once: loops of one trip, branches that are known to be taken."""

from __future__ import annotations

from assay.transforms.registry import Writing, point, run, value


@run("control.for_break")
def for_break(w: Writing) -> list[str]:
    """The first trip runs the statements and leaves the loop; its else never runs."""
    return [f"for {w.fresh('i')} in range(3):", *w.indented(), "    break", "else:", "    raise AssertionError"]


@run("control.for_else")
def for_else(w: Writing) -> list[str]:
    """A loop over nothing runs its else, once."""
    return [f"for {w.fresh('i')} in ():", "    raise AssertionError", "else:", *w.indented()]


@run("control.while_else")
def while_else(w: Writing) -> list[str]:
    """A loop that ends without break runs its else, once."""
    n = w.fresh("n")
    return [f"{n} = {1 + w.number % 2}", f"while {n} > 0:", f"    {n} -= 1", "else:", *w.indented()]


@run("control.while_true")
def while_true(w: Writing) -> list[str]:
    """Left at the end of the first trip."""
    return ["while True:", *w.indented(), "    break"]


@run("control.continue_")
def continue_(w: Writing) -> list[str]:
    """Every trip but one is skipped."""
    i, count = w.fresh("i"), 2 + w.number % 2
    return [f"for {i} in range({count}):", f"    if {i} != {w.number % count}:", "        continue", *w.indented()]


@run("control.continue_in_finally")
def continue_in_finally(w: Writing) -> list[str]:
    """A finally that goes on with a loop of one trip ends the loop after the statements."""
    return [f"for {w.fresh('i')} in (0,):", "    try:", *w.indented(2), "    finally:", "        continue"]


@run("control.nested_loops")
def nested_loops(w: Writing) -> list[str]:
    """The inner loop runs the statements once and is left, then the outer one by its flag."""
    done = w.fresh("done")
    return [
        f"{done} = False",
        f"for {w.fresh('i')} in range(2):",
        f"    for {w.fresh('j')} in range(2):",
        *w.indented(2),
        f"        {done} = True",
        "        break",
        f"    if {done}:",
        "        break",
    ]


@run("control.early_return")
def early_return(w: Writing) -> list[str]:
    """The function returns from the middle of a loop; what follows is never reached."""
    f, i = w.fresh("early"), w.fresh("i")
    return [
        f"def {f}():",
        f"    for {i} in range(4):",
        f"        if {i} == {w.number % 4}:",
        *w.indented(3),
        f"            {w.returned}",
        "    raise AssertionError",
        w.bind(f"{f}()"),
    ]


@run("control.match_value")
def match_value(w: Writing) -> list[str]:
    """The subject meets the guard of the second case."""
    n = w.fresh("n")
    number = w.number % 5
    return [
        f"match {number}:",
        f"    case {number + 1} | {number + 2}:",
        "        raise AssertionError",
        f"    case int() as {n} if {n} == {number}:",
        *w.indented(2),
        "    case _:",
        "        raise AssertionError",
    ]


@run("control.match_sequence")
def match_sequence(w: Writing) -> list[str]:
    """The subject is a pair with a mapping, as the second pattern says."""
    a, b = w.fresh("a"), w.fresh("rest")
    return [
        f"match [{w.number % 7}, {{'k': 1, 'l': 2}}]:",
        "    case [_, {'missing': _}]:",
        "        raise AssertionError",
        f"    case [{a}, {{'k': 1, **{b}}}] if len({b}) == 1:",
        *w.indented(2),
        "    case _:",
        "        raise AssertionError",
    ]


@run("control.match_class")
def match_class(w: Writing) -> list[str]:
    """The class pattern compares the attributes that ``__match_args__`` names."""
    point_ = w.define(
        "Point", "class {}:", "    __match_args__ = ('x', 'y')", "    def __init__(self, x, y):",
        "        self.x, self.y = x, y",
    )  # fmt: skip
    y = w.fresh("y")
    return [
        f"match {point_}(1, {w.number % 9}):",
        f"    case {point_}(0, _):",
        "        raise AssertionError",
        f"    case {point_}(1, {y}) if {y} == {w.number % 9}:",
        *w.indented(2),
    ]


@run("control.both_arms", breaks=True, bounded=True)
def both_arms(w: Writing) -> list[str]:
    """Both arms hold the same statements, so what the data decide changes nothing."""
    middle = (w.choices["low"] + w.choices["high"]) / 2
    return [f"if ({w.operands[-1]} > {middle}).any():", *w.indented(), "else:", *w.indented()]


@run("control.taken_branch", breaks=True, bounded=True)
def taken_branch(w: Writing) -> list[str]:
    """The bounds that are known of the tensor make the condition true, and no compiler knows them."""
    return [
        f"if ({w.operands[-1]} <= {w.choices['high']}).all():",
        *w.indented(),
        "else:",
        "    raise AssertionError('out of its bounds')",
    ]


@run("control.dead_arm", breaks=True, bounded=True)
def dead_arm(w: Writing) -> list[str]:
    """The arm is for elements beyond the bounds of the tensor, of which there are none."""
    dead = [f"    {name} = {name} is None" for name in w.targets] or ["    pass"]
    return [*w.body, f"if ({w.operands[-1]} > {w.choices['high']}).any():", *dead]


@run("control.dead_return", breaks=True, bounded=True)
def dead_return(w: Writing) -> list[str]:
    """The function would return nothing for elements below the bounds of the tensor, of which there are none."""
    f = w.fresh("early")
    dead = [f"if bool(({w.operands[-1]} < {w.choices['low']}).any()):", "    return None"]
    return [*w.def_(f, before=dead), w.bind(f"{f}()")]


@point("control.empty_branch", breaks=True, bounded=True)
def empty_branch(w: Writing) -> list[str]:
    """An arm without a statement does nothing, taken or not."""
    middle = (w.choices["low"] + w.choices["high"]) / 2
    return [f"if ({w.operands[-1]} > {middle}).any():", "    pass"]


@run("control.while_on_data", breaks=True, bounded=True)
def while_on_data(w: Writing) -> list[str]:
    """The condition holds by the bounds of the tensor; the first trip leaves the loop."""
    return [f"while not ({w.operands[-1]} > {w.choices['high']}).any():", *w.indented(), "    break"]


@run("control.size_branch", bounded=True)
def size_branch(w: Writing) -> list[str]:
    """A number of elements is never negative."""
    return [f"if {w.operands[-1]}.numel() >= 0:", *w.indented(), "else:", "    raise AssertionError"]


@run("control.walrus", bounded=True)
def walrus(w: Writing) -> list[str]:
    """The name that the condition binds equals the number of dimensions."""
    n, x = w.fresh("n"), w.operands[-1]
    return [f"if ({n} := {x}.dim()) == len({x}.shape) and {n} >= 0:", *w.indented()]


@run("control.short_circuit")
def short_circuit(w: Writing) -> list[str]:
    """The operands after the one that decides are not evaluated."""
    return [f"if ({w.number % 3 + 1} or [][0]) and not (0 and [][0]):", *w.indented()]


@value("control.conditional_expression")
def conditional_expression(w: Writing) -> list[str]:
    """A tensor's rank is what it is."""
    return [f"{w.value} if {w.value}.dim() < 99 else None"]


@point("control.assertion", bounded=True)
def assertion(w: Writing) -> list[str]:
    """A tensor has as many dimensions as its shape."""
    x = w.operands[-1]
    return [f"assert {x}.dim() == len({x}.shape), f'rank {{{x}.dim()}}'"]


@point("control.data_assertion", bounded=True)
def data_assertion(w: Writing) -> list[str]:
    """No element is beyond the bounds that are known of the tensor."""
    return [f"assert ({w.operands[-1]} <= {w.choices['high']}).all(), 'out of its bounds'"]


@point("control.check", bounded=True)
def check(w: Writing) -> list[str]:
    """A number of elements is never negative."""
    return [f"torch._check({w.operands[-1]}.numel() >= 0)"]


@run("control.compiling")
def compiling(w: Writing) -> list[str]:
    """Both arms hold the same statements, compiled or not."""
    return ["if torch.compiler.is_compiling():", *w.indented(), "else:", *w.indented()]
