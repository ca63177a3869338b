"""State that changes between the calls and back again. What the program reads of it is handed out, so that compiled
code which has assumed the first state is found out in the second call, and what has assumed the second in the third.

`Writing.change` says what is done ahead of every second call, outside of the program, and what ahead of the others.
"""

from __future__ import annotations

from typing import Any

from assay.transforms.registry import Writing, point, run, value

READ: dict[str, Any] = {"between": True, "extras": ("str",)}


def _told(w: Writing, expression: str) -> str:
    return f"{w.extras[0]} = str({expression})"


@run("between.global_number", **READ)
def global_number(w: Writing) -> list[str]:
    """Both arms hold the same statements, whatever the number is."""
    g = w.define("NUMBER", "{} = 3")
    w.change(f"{g} = 4", f"{g} = 3", g)
    return [f"if {g} > 3:", *w.indented(), "else:", *w.indented(), _told(w, f"{g} * 2")]


@point("between.global_type", **READ)
def global_type(w: Writing) -> list[str]:
    """An integer and the float that equals it are told apart by their types alone."""
    g = w.define("TYPED", "{} = 2")
    w.change(f"{g} = 2.0", f"{g} = 2", g)
    return [_told(w, f"({g} == 2, type({g}).__name__, {g} / 2)")]


@value("between.global_none", **READ)
def global_none(w: Writing) -> list[str]:
    """The value does not depend on whether a number is there."""
    g = w.define("PERHAPS", "{} = None")
    w.change(f"{g} = {w.number % 5}", f"{g} = None", g)
    return [_told(w, g), f"{w.value} if {g} is None else ({w.value}, {g})[0]"]


@value("between.global_function", **READ)
def global_function(w: Writing) -> list[str]:
    """Either of two functions returns what it is given."""
    a = w.define("return_it", "def {}(value):", "    return value")
    b = w.define("return_it_too", "def {}(value):", "    return [value][-1]")
    g = w.define("FUNCTION", f"{{}} = {a}")
    w.change(f"{g} = {b}", f"{g} = {a}", g)
    return [_told(w, f"{g} is {a}"), f"{g}({w.value})"]


@value("between.global_tensor", **READ)
def global_tensor(w: Writing) -> list[str]:
    """A tensor that gets another size and dtype; the value is independent of it."""
    g = w.define("TENSOR", "{} = torch.ones(2)")
    w.change(f"{g} = torch.ones(3, dtype=torch.int64)", f"{g} = torch.ones(2)", g)
    return [_told(w, f"({g}.shape[0], {g}.dtype is torch.int64, ({g} + 1).dim())"), w.value]


@point("between.class_attribute", **READ)
def class_attribute(w: Writing) -> list[str]:
    """An object sees the attribute that its class has at the moment."""
    c = w.define("Settings", "class {}:", "    scale = 1")
    w.change(f"{c}.scale = 2", f"{c}.scale = 1")
    return [_told(w, f"({c}().scale, {c}.scale)")]


@value("between.method_replaced", **READ)
def method_replaced(w: Writing) -> list[str]:
    """Either method returns what it is given."""
    c = w.define(
        "Replaceable", "class {}:", "    def plain(self, value):", "        return value",
        "    def other(self, value):", "        return (value,)[0]", "    call = plain",
    )  # fmt: skip
    w.change(f"{c}.call = {c}.other", f"{c}.call = {c}.plain")
    return [_told(w, f"{c}.call is {c}.plain"), f"{c}().call({w.value})"]


@point("between.base_attribute", **READ)
def base_attribute(w: Writing) -> list[str]:
    """An attribute of a base that the subclass gets in the way of, and does not."""
    base = w.define("Lower", "class {}:", "    depth = 1")
    c = w.define("Upper", f"class {{}}({base}):", "    pass")
    w.change(f"{c}.depth = 2", f"if 'depth' in {c}.__dict__:\n    del {c}.depth")
    return [_told(w, f"({c}().depth, {base}.depth)")]


@point("between.instance_attribute", **READ)
def instance_attribute(w: Writing) -> list[str]:
    """An object of the module's with another value in the same attribute."""
    o = w.define("OBJECT", "{} = types.SimpleNamespace(count=1)")
    w.change(f"{o}.count = 2", f"{o}.count = 1")
    return [_told(w, f"{o}.count + 1")]


@value("between.attribute_there", **READ)
def attribute_there(w: Writing) -> list[str]:
    """An attribute that is there and is not."""
    o = w.define("MAYBE", "{} = types.SimpleNamespace()")
    w.change(f"{o}.extra = 1", f"{o}.__dict__.pop('extra', None)")
    return [_told(w, f"(hasattr({o}, 'extra'), getattr({o}, 'extra', 0))"), w.value]


@value("between.class_of_object", **READ)
def class_of_object(w: Writing) -> list[str]:
    """An object that becomes one of another class, whose method does the same."""
    a = w.define("FirstKind", "class {}:", "    def same(self, value):", "        return value")
    b = w.define("SecondKind", "class {}:", "    def same(self, value):", "        return (value, 1)[0]")
    o = w.define("CHANGELING", f"{{}} = {a}()")
    w.change(f"{o}.__class__ = {b}", f"{o}.__class__ = {a}")
    return [_told(w, f"(type({o}).__name__, isinstance({o}, {a}))"), f"{o}.same({w.value})"]


@point("between.module_attribute", **READ)
def module_attribute(w: Writing) -> list[str]:
    """An attribute of a module of Python."""
    m = w.define("module_of_flags", "{} = types.ModuleType('flags')", "{}.flag = False")
    w.change(f"{m}.flag = True", f"{m}.flag = False")
    return [_told(w, f"{m}.flag")]


@point("between.closure_cell", **READ)
def closure_cell(w: Writing) -> list[str]:
    """What a function has captured changes by way of its sibling."""
    make = w.define(
        "make_pair", "def {}():", "    kept = 1", "    def read():", "        return kept", "    def write(number):",
        "        nonlocal kept", "        kept = number", "    return read, write",
    )  # fmt: skip
    pair = w.define("PAIR", f"{{}} = {make}()")
    w.change(f"{pair}[1](2)", f"{pair}[1](1)")
    return [_told(w, f"{pair}[0]() * 3")]


@point("between.defaults", **READ)
def defaults(w: Writing) -> list[str]:
    """What a parameter is where nothing is passed."""
    f = w.define("with_default", "def {}(a=1, *, b=2):", "    return a + b")
    w.change(
        f"{f}.__defaults__ = (3,)\n{f}.__kwdefaults__ = dict(b=4)",
        f"{f}.__defaults__ = (1,)\n{f}.__kwdefaults__ = dict(b=2)",
    )
    return [_told(w, f"{f}()")]


@point("between.code", **READ)
def code(w: Writing) -> list[str]:
    """A function that gets the code of another."""
    f = w.define("one", "def {}():", "    return 1")
    g = w.define("two", "def {}():", "    return 2")
    kept = w.define("CODE", f"{{}} = {f}.__code__")
    w.change(f"{f}.__code__ = {g}.__code__", f"{f}.__code__ = {kept}")
    return [_told(w, f"{f}() + 1")]


@value("between.list_length", **READ)
def list_length(w: Writing) -> list[str]:
    """A loop over a list that is longer in every second call hands on the same value."""
    g = w.define("LIST", "{} = [1, 2]")
    w.change(f"{g}[:] = [1, 2, 3]", f"{g}[:] = [1, 2]")
    t, i = w.fresh("t"), w.fresh("i")
    return [f"{t} = {w.value}", f"for {i} in {g}:", f"    {t} = ({t}, {i})[0]", _told(w, f"(len({g}), {g}[-1])"), t]


@point("between.key_order", **READ)
def key_order(w: Writing) -> list[str]:
    """The same keys and values, put in in another order."""
    g = w.define("DICT", "{} = dict(a=1, b=2)")
    w.change(f"{g}['a'] = {g}.pop('a')", f"{g}['b'] = {g}.pop('b')")
    return [_told(w, f"(list({g}), list({g}.values()))")]


@point("between.set_member", **READ)
def set_member(w: Writing) -> list[str]:
    """A member that is in a set and is not."""
    g = w.define("SET", "{} = set([1, 2])")
    w.change(f"{g}.add(3)", f"{g}.discard(3)")
    return [_told(w, f"(3 in {g}, len({g}))")]


@value("between.training_mode", **READ)
def training_mode(w: Writing) -> list[str]:
    """A module that hands its argument on in either mode."""
    c = w.define(
        "Modal", "class {}(torch.nn.Module):", "    def forward(self, value):", "        if self.training:",
        "            return value", "        return (value, None)[0]",
    )  # fmt: skip
    m = w.define("MODAL", f"{{}} = torch.nn.Sequential({c}())")
    w.change(f"{m}.eval()", f"{m}.train()")
    return [_told(w, f"({m}.training, {m}[0].training)"), f"{m}({w.value})"]


@value("between.submodule_replaced", **READ)
def submodule_replaced(w: Writing) -> list[str]:
    """Another part of a module that hands its argument on as well."""
    a = w.define("Passing", "class {}(torch.nn.Module):", "    def forward(self, value):", "        return value")
    m = w.define("PARTS", f"{{}} = torch.nn.ModuleList([{a}()])")
    w.change(f"{m}[0] = torch.nn.Identity()", f"{m}[0] = {a}()")
    return [_told(w, f"type({m}[0]).__name__"), f"{m}[0]({w.value})"]


@point("between.buffer_size", **READ)
def buffer_size(w: Writing) -> list[str]:
    """A buffer of a module that gets another size."""
    m = w.define("BUFFERED", "{} = torch.nn.Module()", "{}.register_buffer('kept', torch.ones(2))")
    w.change(f"{m}.kept = torch.ones(5)", f"{m}.kept = torch.ones(2)")
    return [_told(w, f"({m}.kept.shape[0], ({m}.kept * 2).numel())")]


@point("between.requires_grad", **READ)
def requires_grad(w: Writing) -> list[str]:
    """A parameter that is frozen and is not."""
    m = w.define("FROZEN", "{} = torch.nn.Parameter(torch.ones(2))")
    w.change(f"{m}.requires_grad_(False)", f"{m}.requires_grad_(True)")
    return [_told(w, f"{m}.requires_grad")]


@run("between.reset", between=True)
def reset(w: Writing) -> list[str]:
    """Code that was compiled is forgotten between the calls."""
    w.change("torch._dynamo.reset()", "torch._dynamo.reset()")
    return [*w.body]


@value("between.region_with_flag", quiet=True, training=False, **READ)
def region_with_flag(w: Writing) -> list[str]:
    """A region that is compiled once and called twice copies its argument, whatever the flag is."""
    g = w.define("FLAG", "{} = 1")
    f = w.define(
        "flagged", "@torch.compiler.nested_compile_region", "def {}(value):", f"    if {g} > 1:",
        "        return value.clone().clone()", "    return value.clone()",
    )  # fmt: skip
    w.change(f"{g} = 2", f"{g} = 1", g)
    return [_told(w, g), f"{f}({f}({w.value}))"]
