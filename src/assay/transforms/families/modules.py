"""Modules: values as buffers and parameters, statements in forward, hooks, containers of modules."""

from __future__ import annotations

from assay.ir.types import FLOATS
from assay.transforms.registry import Writing, run, value


def _runner(w: Writing) -> str:
    return w.define(
        "RunModule", "class {}(torch.nn.Module):", "    def forward(self, function):", "        return function()",
    )  # fmt: skip


def _same(w: Writing) -> str:
    return w.define(
        "Same", "class {}(torch.nn.Module):", "    def forward(self, value, *, times=1):", "        return value"
    )


@run("modules.forward")
def forward(w: Writing) -> list[str]:
    """Calling a module calls its forward."""
    module = w.define("RUN", f"{{}} = {_runner(w)}()")
    f = w.fresh("inner")
    return [*w.def_(f), w.bind(f"{module}({f})")]


@run("modules.made_inside")
def made_inside(w: Writing) -> list[str]:
    """A module without parameters may be made anywhere."""
    f = w.fresh("inner")
    return [*w.def_(f), w.bind(f"{_runner(w)}()({f})")]


@run("modules.attribute_function")
def attribute_function(w: Writing) -> list[str]:
    """A function set on a module is called as it is."""
    module = w.define("RUN", f"{{}} = {_runner(w)}()")
    f = w.fresh("inner")
    return [*w.def_(f), f"{module}.__dict__['function'] = {f}", w.bind(f"{module}.function()")]


@run("modules.training_flag", extras=("str",))
def training_flag(w: Writing) -> list[str]:
    """The flag goes to every part of the module, and back."""
    module = w.define("PAIR", f"{{}} = torch.nn.Sequential({_same(w)}(), {_same(w)}())")
    return [
        f"{module}.eval()",
        *w.body,
        f"{w.extras[0]} = str([part.training for part in {module}.modules()])",
        f"{module}.train()",
    ]


@run("modules.counted_buffer", extras=("tensor",))
def counted_buffer(w: Writing) -> list[str]:
    """A buffer counts the calls; it belongs to a module that is made here."""
    counting = w.define(
        "Counting", "class {}(torch.nn.Module):", "    def __init__(self, length):", "        super().__init__()",
        "        self.register_buffer('count', torch.zeros(length, dtype=torch.int64))",
        "    def forward(self):", "        self.count += 1", "        return self.count.clone()",
    )  # fmt: skip
    m = w.fresh("module")
    return [
        f"{m} = {counting}({2 + w.number % 3})", f"{m}()", *w.body, f"{w.extras[0]} = {m}()",
    ]  # fmt: skip


@value("modules.identity")
def identity(w: Writing) -> list[str]:
    """An Identity returns what it is given."""
    module = w.define("IDENTITY", "{} = torch.nn.Identity()")
    return [f"{module}({w.value})"]


@value("modules.sequential")
def sequential(w: Writing) -> list[str]:
    """Each module of a sequence is given what the one before returned."""
    module = w.define(
        "SEQUENCE", f"{{}} = torch.nn.Sequential(torch.nn.Identity(), {_same(w)}(), torch.nn.Sequential())"
    )
    return [f"{module}({w.value})"]


@value("modules.list_")
def list_(w: Writing) -> list[str]:
    """A loop over a list of modules."""
    module = w.define("LIST", f"{{}} = torch.nn.ModuleList([{_same(w)}() for _ in range(3)])")
    t, m = w.fresh("t"), w.fresh("m")
    return [f"{t} = {w.value}", f"for {m} in {module}[1:]:", f"    {t} = {m}({t})", t]


@value("modules.dict_")
def dict_(w: Writing) -> list[str]:
    """A dict of modules has the order and the methods of a dict."""
    module = w.define("DICT", f"{{}} = torch.nn.ModuleDict({{'a': {_same(w)}(), 'b': torch.nn.Identity()}})")
    return [f"{module}['b']({module}['a']({w.value})) if list({module}.keys()) == ['a', 'b'] else None"]


@value("modules.forward_hooks")
def forward_hooks(w: Writing) -> list[str]:
    """Hooks that return nothing, or what they were given, change nothing."""
    module = w.define(
        "HOOKED", f"{{}} = {_same(w)}()", "{}.register_forward_pre_hook(lambda module, given: None)",
        "{}.register_forward_pre_hook(lambda module, given: given)",
        "{}.register_forward_hook(lambda module, given, result: result)",
    )  # fmt: skip
    return [f"{module}({w.value})"]


@value("modules.hook_with_keywords", extras=("int",))
def hook_with_keywords(w: Writing) -> list[str]:
    """A hook sees the keywords of the call and may log them."""
    log, m, hook = w.fresh("log"), w.fresh("module"), w.fresh("hook")
    return [
        f"{log}, {m} = [], {_same(w)}()",
        f"def {hook}(module, args, kwargs):",
        f"    {log}.append(kwargs['times'])",
        f"{m}.register_forward_pre_hook({hook}, with_kwargs=True)",
        f"{m}({w.value}, times={w.number % 7})",
        f"{w.extras[0]} = sum({log})",
        w.value,
    ]


@value("modules.hook_removed")
def hook_removed(w: Writing) -> list[str]:
    """A hook that was removed is not called."""
    m, handle = w.fresh("module"), w.fresh("handle")
    return [
        f"{m} = {_same(w)}()",
        f"{handle} = {m}.register_forward_hook(lambda *_: None if True else 1 / 0)",
        f"{handle}.remove()",
        f"{m}({w.value})",
    ]


@value("modules.buffer")
def buffer(w: Writing) -> list[str]:
    """A buffer is an attribute that the module lists."""
    m = w.fresh("module")
    return [f"{m} = torch.nn.Module()", f"{m}.register_buffer('kept', {w.value}, persistent=False)", f"{m}.kept"]


@value("modules.parameter", training=False, unwritten=True, dtypes=FLOATS)
def parameter(w: Writing) -> list[str]:
    """A parameter that asks for no gradient holds the tensor's elements."""
    return [f"torch.nn.Parameter({w.value}, requires_grad=False).data"]


@value("modules.plain_attribute")
def plain_attribute(w: Writing) -> list[str]:
    """An attribute of a module that is no parameter."""
    m = w.fresh("module")
    return [f"{m} = torch.nn.Module()", f"{m}.kept = [{w.value}]", f"{m}.kept[0]"]


@value("modules.shadowed")
def shadowed(w: Writing) -> list[str]:
    """What is in the object's dict comes before the class's attribute."""
    owner = w.define("Shadowed", "class {}(torch.nn.Module):", "    kept = None")
    m = w.fresh("module")
    return [f"{m} = {owner}()", f"{m}.__dict__['kept'] = {w.value}", f"{m}.kept"]


@value("modules.functional_call", unwritten=True)
def functional_call(w: Writing) -> list[str]:
    """For the call the module's buffer is the value."""
    holder = w.define(
        "Holder", "class {}(torch.nn.Module):", "    def __init__(self):", "        super().__init__()",
        "        self.register_buffer('kept', torch.zeros(()))", "    def forward(self):", "        return self.kept",
    )  # fmt: skip
    module = w.define("HOLDER", f"{{}} = {holder}()")
    return [f"torch.func.functional_call({module}, {{'kept': {w.value}}}, ())"]


@value("modules.super_forward")
def super_forward(w: Writing) -> list[str]:
    """The forward of the base class, with what the subclass hands on."""
    derived = w.define(
        "MoreSame", f"class {{}}({_same(w)}):", "    def forward(self, value):",
        "        return super().forward(value, times=2)",
    )  # fmt: skip
    module = w.define("MORE", f"{{}} = {derived}()")
    return [f"{module}({w.value})"]


@value("modules.dropout_in_eval")
def dropout_in_eval(w: Writing) -> list[str]:
    """In evaluation nothing is dropped."""
    module = w.define("DROPOUT", "{} = torch.nn.Dropout(0.5).eval()")
    return [f"{module}({w.value}) if {w.value}.is_floating_point() else {w.value}"]
