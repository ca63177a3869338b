"""A value behind the protocols of classes: attributes, properties, descriptors, operators, construction."""

from __future__ import annotations

from assay.transforms.registry import Writing, run, value


@value("classes.attribute")
def attribute(w: Writing) -> list[str]:
    """An attribute is what it was set to."""
    plain = w.define("Plain", "class {}:", "    def __init__(self, value):", "        self.value = value")
    return [f"{plain}({w.value}).value"]


@value("classes.attribute_functions")
def attribute_functions(w: Writing) -> list[str]:
    """``setattr`` and ``getattr`` do what the statement and the expression do."""
    bag = w.define("Bag", "class {}:", "    kept = None")
    o = w.fresh("owner")
    return [
        f"{o} = {bag}()", f"setattr({o}, 'ke' + 'pt', {w.value})",
        f"getattr({o}, 'kept', 1) if hasattr({o}, 'kept') and not hasattr({o}, 'absent') else None",
    ]  # fmt: skip


@value("classes.deleted_attribute")
def deleted_attribute(w: Writing) -> list[str]:
    """Without the object's attribute, the class's is seen again."""
    fallback = w.define("Fallback", "class {}:", "    kept = 7")
    o, t = w.fresh("owner"), w.fresh("t")
    return [
        f"{o} = {fallback}()", f"{o}.kept = {w.value}", f"{t} = {o}.kept", f"del {o}.kept",
        f"{t} if {o}.kept == 7 else None",
    ]  # fmt: skip


@value("classes.instance_dict")
def instance_dict(w: Writing) -> list[str]:
    """Attributes live in the object's dict."""
    bag = w.define("Bag", "class {}:", "    kept = None")
    o = w.fresh("owner")
    return [f"{o} = {bag}()", f"{o}.__dict__['kept'] = {w.value}", f"{o}.kept"]


@value("classes.property_")
def property_(w: Writing) -> list[str]:
    """The setter stores and the getter returns."""
    owner = w.define(
        "WithProperty", "class {}:", "    def __init__(self):", "        self._kept = None", "    @property",
        "    def kept(self):", "        return self._kept", "    @kept.setter", "    def kept(self, value):",
        "        self._kept = value",
    )  # fmt: skip
    o = w.fresh("owner")
    return [f"{o} = {owner}()", f"{o}.kept = {w.value}", f"{o}.kept"]


@value("classes.descriptor")
def descriptor(w: Writing) -> list[str]:
    """A data descriptor stores under its own name, and comes before the object's dict."""
    field_ = w.define(
        "Field", "class {}:", "    def __set_name__(self, owner, name):", "        self.name = '_' + name",
        "    def __get__(self, owner, kind=None):", "        return getattr(owner, self.name)",
        "    def __set__(self, owner, value):", "        setattr(owner, self.name, value)",
    )  # fmt: skip
    owner = w.define("Described", "class {}:", f"    kept = {field_}()")
    o = w.fresh("owner")
    return [f"{o} = {owner}()", f"{o}.kept = {w.value}", f"{o}.__dict__['kept'] = None", f"{o}.kept"]


@value("classes.non_data_descriptor")
def non_data_descriptor(w: Writing) -> list[str]:
    """The object's dict comes before a descriptor without ``__set__``."""
    lazy = w.define(
        "Computed", "class {}:", "    def __get__(self, owner, kind=None):", "        return 'computed'",
    )  # fmt: skip
    owner = w.define("WithComputed", "class {}:", f"    kept = {lazy}()")
    o = w.fresh("owner")
    return [f"{o} = {owner}()", f"assert {o}.kept == 'computed'", f"{o}.kept = {w.value}", f"{o}.kept"]


@value("classes.getattr_")
def getattr_(w: Writing) -> list[str]:
    """``__getattr__`` is asked for what is not there, and only for that."""
    dynamic = w.define(
        "Dynamic", "class {}:", "    def __init__(self, value):", "        self.hidden = {'kept': value}",
        "    def __getattr__(self, name):", "        if name == 'kept':", "            return self.hidden[name]",
        "        raise AttributeError(name)",
    )  # fmt: skip
    return [f"getattr({dynamic}({w.value}), 'absent', {dynamic}({w.value}).kept)"]


@value("classes.getattribute")
def getattribute(w: Writing) -> list[str]:
    """``__getattribute__`` is asked for everything."""
    watched = w.define(
        "Watched", "class {}:", "    def __init__(self, value):", "        self.kept = value",
        "    def __getattribute__(self, name):",
        "        return object.__getattribute__(self, 'kept' if name == 'other' else name)",
    )  # fmt: skip
    return [f"{watched}({w.value}).other"]


@value("classes.setattr_")
def setattr_(w: Writing) -> list[str]:
    """``__setattr__`` decides where an attribute goes."""
    routed = w.define(
        "Routed", "class {}:", "    def __setattr__(self, name, value):",
        "        object.__setattr__(self, name + '_', value)",
    )  # fmt: skip
    o = w.fresh("owner")
    return [f"{o} = {routed}()", f"{o}.kept = {w.value}", f"{o}.kept_"]


@value("classes.slots")
def slots(w: Writing) -> list[str]:
    """A slot holds what it was set to; there is no dict."""
    slotted = w.define(
        "Slotted", "class {}:", "    __slots__ = ('kept', 'other')", "    def __init__(self, value):",
        "        self.kept = value",
    )  # fmt: skip
    o = w.fresh("owner")
    return [f"{o} = {slotted}({w.value})", f"{o}.kept if not hasattr({o}, 'other') else None"]


@value("classes.super_diamond")
def super_diamond(w: Writing) -> list[str]:
    """``super`` follows the order of the class of the object: D, B, C, A."""
    a = w.define("A", "class {}:", "    def hand(self, value):", "        return value, 'A'")
    b = w.define(
        "B", f"class {{}}({a}):", "    def hand(self, value):", "        value, path = super().hand(value)",
        "        return value, path + 'B'",
    )  # fmt: skip
    c = w.define(
        "C", f"class {{}}({a}):", "    def hand(self, value):", "        value, path = super().hand(value)",
        "        return value, path + 'C'",
    )  # fmt: skip
    d = w.define("D", f"class {{}}({b}, {c}):", "    pass")
    t, path = w.fresh("t"), w.fresh("path")
    return [f"{t}, {path} = {d}().hand({w.value})", f"{t} if {path} == 'ACB' else None"]


@value("classes.metaclass")
def metaclass(w: Writing) -> list[str]:
    """Indexing a class asks its metaclass."""
    meta = w.define(
        "Meta", "class {}(type):", "    def __getitem__(cls, value):", "        return (cls.label, value)",
        "    def __len__(cls):", "        return 3",
    )  # fmt: skip
    made = w.define("Made", f"class {{}}(metaclass={meta}):", "    label = 'made'")
    return [f"{made}[{w.value}][1] if len({made}) == 3 else None"]


@value("classes.class_getitem")
def class_getitem(w: Writing) -> list[str]:
    """A class without a metaclass answers to indexing by ``__class_getitem__``."""
    generic = w.define("Indexing", "class {}:", "    def __class_getitem__(cls, value):", "        return [value]")
    return [f"{generic}[{w.value}][0]"]


@value("classes.init_subclass")
def init_subclass(w: Writing) -> list[str]:
    """A base class hears of its subclasses when they are made."""
    base = w.define(
        "Base", "class {}:", "    known = []", "    def __init_subclass__(cls, tag='', **rest):",
        "        cls.known.append(tag)",
    )  # fmt: skip
    derived = w.define("Tagged", f"class {{}}({base}, tag='tagged'):", "    pass")
    return [f"{w.value} if 'tagged' in {derived}.known else None"]


@value("classes.call_and_contains")
def call_and_contains(w: Writing) -> list[str]:
    """Call, length, truth and membership ask the class of the object."""
    sized = w.define(
        "Sized", "class {}:", "    def __init__(self, *items):", "        self.items = items",
        "    def __call__(self, k):", "        return self.items[k]", "    def __len__(self):",
        "        return len(self.items)", "    def __contains__(self, k):", "        return k < len(self.items)",
    )  # fmt: skip
    o = w.fresh("owner")
    return [f"{o} = {sized}(1, {w.value})", f"{o}(len({o}) - 1) if {o} and 1 in {o} and 2 not in {o} else None"]


@value("classes.operators")
def operators(w: Writing) -> list[str]:
    """The left operand is asked first; where it does not know, the right one's reflected method is."""
    adder = w.define(
        "Adder", "class {}:", "    def __init__(self, value, count=0):",
        "        self.value, self.count = value, count",
        "    def __add__(self, other):", "        if not isinstance(other, int):", "            return NotImplemented",
        "        return type(self)(self.value, self.count + other)", "    def __radd__(self, other):",
        "        return type(self)(self.value, self.count + 10 * other)", "    def __iadd__(self, other):",
        "        self.count += 100 * other", "        return self",
    )  # fmt: skip
    o = w.fresh("owner")
    return [f"{o} = 2 + ({adder}({w.value}) + 1)", f"{o} += 3", f"{o}.value if {o}.count == 321 else None"]


@value("classes.comparison")
def comparison(w: Writing) -> list[str]:
    """Equality and hash decide what is one key."""
    key = w.define(
        "Key", "class {}:", "    def __init__(self, k):", "        self.k = k", "    def __eq__(self, other):",
        "        return self.k % 10 == other.k % 10", "    def __hash__(self):", "        return self.k % 10",
        "    def __lt__(self, other):", "        return self.k < other.k",
    )  # fmt: skip
    return [f"{{{key}(3): {w.value}}}[{key}(13)] if min({key}(2), {key}(1)).k == 1 else None"]


@value("classes.new")
def new(w: Writing) -> list[str]:
    """``__new__`` returns what it likes; where that is of another class, ``__init__`` is not called."""
    other = w.define("Other", "class {}:", "    def __new__(cls, value):", "        return [value]")
    single = w.define(
        "Single", "class {}:", "    def __new__(cls, *_):", "        made = super().__new__(cls)",
        "        made.steps = ['new']", "        return made", "    def __init__(self, value):",
        "        self.steps.append('init')", "        self.value = value",
    )  # fmt: skip
    return [f"{other}({single}({w.value}).value)[0]"]


@value("classes.class_attribute")
def class_attribute(w: Writing) -> list[str]:
    """What is set on the class its objects see, until it is taken back."""
    shared = w.define("Shared", "class {}:", "    kept = None")
    o, t = w.fresh("owner"), w.fresh("t")
    return [f"{o} = {shared}()", f"{shared}.kept = {w.value}", f"{t} = {o}.kept", f"{shared}.kept = None", t]


@value("classes.abstract")
def abstract(w: Writing) -> list[str]:
    """The method of the subclass is the one that is called."""
    base = w.define(
        "Abstract", "class {}(abc.ABC):", "    @abc.abstractmethod", "    def hand(self, value): ...",
        "    def through(self, value):", "        return self.hand(value)",
    )  # fmt: skip
    derived = w.define("Concrete", f"class {{}}({base}):", "    def hand(self, value):", "        return value")
    return [f"{derived}().through({w.value}) if isinstance({derived}(), {base}) else None"]


@value("classes.patched_method")
def patched_method(w: Writing) -> list[str]:
    """A function set on an object is called without it."""
    bag = w.define("Patched", "class {}:", "    def hand(self, value):", "        return None")
    o = w.fresh("owner")
    return [f"{o} = {bag}()", f"{o}.hand = lambda value: value", f"{o}.hand({w.value})"]


@value("classes.chained_methods")
def chained_methods(w: Writing) -> list[str]:
    """Methods that return their object can be chained."""
    chain = w.define(
        "Chain", "class {}:", "    def __init__(self):", "        self.items = []", "    def put(self, item):",
        "        self.items.append(item)", "        return self",
    )  # fmt: skip
    return [f"{chain}().put(None).put({w.value}).items[-1]"]


@value("classes.inherited_init")
def inherited_init(w: Writing) -> list[str]:
    """The constructor of the base class runs with what the subclass hands on."""
    base = w.define(
        "Named", "class {}:", "    def __init__(self, value, *, name='none'):",
        "        self.value, self.name = value, name",
    )  # fmt: skip
    derived = w.define(
        "Renamed", f"class {{}}({base}):", "    def __init__(self, *args, **kwargs):",
        "        super().__init__(*args, **{**kwargs, 'name': 'derived'})",
    )  # fmt: skip
    o = w.fresh("owner")
    return [f"{o} = {derived}({w.value}, name='given')", f"{o}.value if {o}.name == 'derived' else None"]


@run("classes.method_of_local_class")
def method_of_local_class(w: Writing) -> list[str]:
    """A method of a class that is made here reads the variables around the class."""
    local = w.fresh("Local")
    body = w.def_("run", "owner")
    return [f"class {local}:", *(f"    {line}" for line in body), w.bind(f"{local}().run()")]


@run("classes.type_call")
def type_call(w: Writing) -> list[str]:
    """``type`` with three arguments makes a class as the statement does."""
    f = w.fresh("inner")
    return [*w.def_(f, "owner"), w.bind(f"type('Made', (), {{'run': {f}}})().run()")]


@value("classes.weak_reference")
def weak_reference(w: Writing) -> list[str]:
    """A weak reference to what lives returns it."""
    return [f"weakref.ref({w.value})()"]


@run("identity.aliases", extras=("str",))
def aliases(w: Writing) -> list[str]:
    """Two names of one list are one object; an equal list is another."""
    a, b, c = w.fresh("a"), w.fresh("b"), w.fresh("c")
    return [
        f"{a} = [{w.number % 5}]", f"{b} = {a}", f"{c} = list({a})", *w.body, f"{b}.append(1)",
        f"{w.extras[0]} = str([{a} is {b}, {a} == {b}, {a} is {c}, {c}, id({a}) == id({b})])",
    ]  # fmt: skip


@value("identity.same_object", extras=("bool",))
def same_object(w: Writing) -> list[str]:
    """What a container hands out is what was put in."""
    a = w.fresh("items")
    return [f"{a} = [{w.value}, {w.value}]", f"{w.extras[0]} = {a}[0] is {a}[1] and {a}[0] is {w.value}", f"{a}[1]"]


@value("identity.views_are_new", extras=("bool",))
def views_are_new(w: Writing) -> list[str]:
    """A view is another object, of the same value."""
    return [f"{w.extras[0]} = {w.value}[...] is {w.value} or {w.value} is None", w.value]


@value("identity.by_search", extras=("int",))
def by_search(w: Writing) -> list[str]:
    """The place of an object among others, found by identity."""
    a = w.fresh("items")
    return [
        f"{a} = [None, 'x', {w.value}]",
        f"{w.extras[0]} = next(i for i, item in enumerate({a}) if item is {w.value})",
        f"{a}[{w.extras[0]}]",
    ]


@value("globals.set_and_read")
def set_and_read(w: Writing) -> list[str]:
    """A function reads the global that another one has set, and takes it back."""
    kept = w.define("KEPT", "{} = None")
    put = w.define("put", "def {}(value):", f"    global {kept}", f"    old, {kept} = {kept}, value", "    return old")
    return [f"{put}({w.value})", f"{put}(None)"]


@value("globals.list_")
def list_(w: Writing) -> list[str]:
    """A list of the module grows and shrinks again."""
    stack = w.define("STACK", "{} = []")
    return [f"{stack}.append({w.value})", f"{stack}.pop()"]


@run("globals.counter", extras=("int",))
def counter(w: Writing) -> list[str]:
    """The global counts the calls since the module was made."""
    count = w.define("COUNT", "{} = 0")
    step = w.define("step", "def {}():", f"    global {count}", f"    {count} += 1", f"    return {count}")
    return [f"{step}()", *w.body, f"{w.extras[0]} = {step}()"]


@value("globals.by_name")
def by_name(w: Writing) -> list[str]:
    """The module's names are a dict."""
    kept = w.define("BY_NAME", "{} = None")
    t = w.fresh("t")
    return [f"globals()['{kept}'] = {w.value}", f"{t} = {kept}", f"globals()['{kept}'] = None", t]


@value("globals.dict_")
def dict_(w: Writing) -> list[str]:
    """What is under the key was just put there."""
    cache = w.define("CACHE", "{} = dict()")
    return [f"{cache}['k'] = {w.value}", f"{cache}.pop('k')"]
