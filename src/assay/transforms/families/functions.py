"""Ways to define and to call a function of the statements."""

from __future__ import annotations

from assay.transforms.registry import Writing, run, value


def _given(w: Writing) -> str:
    return ", ".join(w.reads)


@run("functions.positional")
def positional(w: Writing) -> list[str]:
    """What the statements read is passed by position."""
    f = w.fresh("inner")
    return [*w.def_(f, _given(w)), w.bind(f"{f}({_given(w)})")]


@run("functions.keywords")
def keywords(w: Writing) -> list[str]:
    """What the statements read is passed by name, in the reverse order."""
    f = w.fresh("inner")
    star = "*, " if w.reads else ""
    given = ", ".join(f"{name}={name}" for name in reversed(w.reads))
    return [*w.def_(f, star + _given(w)), w.bind(f"{f}({given})")]


@run("functions.stars")
def stars(w: Writing) -> list[str]:
    """What the statements read goes through ``*`` and ``**`` and is taken apart again."""
    f, args, kwargs = w.fresh("inner"), w.fresh("args"), w.fresh("kwargs")
    half = len(w.reads) // 2
    first, rest = w.reads[:half], w.reads[half:]
    before = [f"{', '.join(first)}, = {args}"] if first else []
    before += [f"{name} = {kwargs}['{name}']" for name in rest]
    packed = "[" + ", ".join(first) + "]"
    named = "{" + ", ".join(f"'{name}': {name}" for name in rest) + "}"
    return [*w.def_(f, f"*{args}, **{kwargs}", before=before), w.bind(f"{f}(*{packed}, **{named})")]


@run("functions.defaults")
def defaults(w: Writing) -> list[str]:
    """What the statements read are the defaults of parameters that no one passes."""
    f = w.fresh("inner")
    return [*w.def_(f, ", ".join(f"{name}={name}" for name in w.reads)), w.bind(f"{f}()")]


@run("functions.positional_only")
def positional_only(w: Writing) -> list[str]:
    """Parameters before the slash are passed by position, that after the star by name."""
    f, flag = w.fresh("inner"), w.fresh("flag")
    parameters = f"{_given(w)}, /, *, {flag}=None" if w.reads else f"*, {flag}=None"
    given = ", ".join([*w.reads, f"{flag}=1"])
    return [*w.def_(f, parameters), w.bind(f"{f}({given})")]


@run("functions.mutable_default", extras=("str",))
def mutable_default(w: Writing) -> list[str]:
    """The list that is a default lives as long as its function, so that both calls append to it."""
    f, log = w.fresh("inner"), w.fresh("log")
    return [
        *w.def_(f, f"skip, {log}=[]", before=[f"{log}.append(len({log}))", "if skip:", f"    return {log}"]),
        w.bind(f"{f}(False)"),
        f"{w.extras[0]} = str({f}(True))",
    ]


@run("functions.decorator")
def decorator(w: Writing) -> list[str]:
    """The decorator calls what it wraps and returns what that returned."""
    wrap, inner = w.fresh("wrap"), w.fresh("inner")
    return [
        f"def {wrap}(function):",
        "    @functools.wraps(function)",
        "    def wrapper(*args, **kwargs):",
        "        return function(*args, **kwargs)",
        "    return wrapper",
        f"@{wrap}",
        *w.def_(inner, _given(w)),
        w.bind(f"{inner}({_given(w)})"),
    ]


@run("functions.decorator_with_arguments", extras=("str",))
def decorator_with_arguments(w: Writing) -> list[str]:
    """A decorator is what the call after the at sign returns; ``wraps`` keeps the name."""
    inner = w.fresh("inner")
    named = w.define(
        "named", "def {}(name, times=1):", "    def decorate(function):", "        @functools.wraps(function)",
        "        def wrapper():", "            result = None", "            for _ in range(times):",
        "                result = function()", "            return result", "        wrapper.label = name",
        "        return wrapper", "    return decorate",
    )  # fmt: skip
    return [
        f"@{named}('label')",
        *w.def_(inner),
        w.bind(f"{inner}()"),
        f"{w.extras[0]} = {inner}.label + {inner}.__name__[:5]",
    ]


@run("functions.recursion")
def recursion(w: Writing) -> list[str]:
    """The last of a known number of calls runs the statements; the others hand its results through."""
    f, n = w.fresh("recurse"), w.fresh("n")
    before = [f"if {n} > 0:", f"    return {f}({n} - 1)"]
    return [*w.def_(f, n, before=before), w.bind(f"{f}({w.number % 6})")]


@run("functions.mutual_recursion")
def mutual_recursion(w: Writing) -> list[str]:
    """Two functions call each other down to zero, where one of them runs the statements."""
    even, odd, n = w.fresh("even"), w.fresh("odd"), w.fresh("n")
    return [
        *w.def_(even, n, before=[f"if {n} > 0:", f"    return {odd}({n} - 1)"]),
        f"def {odd}({n}):",
        f"    return {even}({n} - 1)",
        w.bind(f"{even}({2 * (w.number % 3)})"),
    ]


@run("functions.partial")
def partial(w: Writing) -> list[str]:
    """What was given to the partial comes before what its call gives."""
    f = w.fresh("inner")
    half = len(w.reads) // 2
    first, rest = w.reads[:half], w.reads[half:]
    named = [f"{name}={name}" for name in rest]
    return [
        *w.def_(f, _given(w)),
        w.bind(f"functools.partial({', '.join([f, *first])})({', '.join(named)})"),
    ]


@run("functions.lru_cache", extras=("int",))
def lru_cache(w: Writing) -> list[str]:
    """The second call returns what the first left in the cache."""
    f = w.fresh("cached")
    return [
        "@functools.lru_cache(maxsize=None)",
        *w.def_(f),
        f"{f}()",
        w.bind(f"{f}()"),
        f"{w.extras[0]} = {f}.cache_info().hits",
    ]


@run("functions.reduce")
def reduce(w: Writing) -> list[str]:
    """Folding a list of one function over nothing calls it once."""
    f = w.fresh("inner")
    return [*w.def_(f), w.bind(f"functools.reduce(lambda a, g: g(), [{f}], None)")]


@run("functions.callable_object")
def callable_object(w: Writing) -> list[str]:
    """Calling the object calls what it holds."""
    caller = w.define(
        "Caller", "class {}:", "    def __init__(self, function):", "        self.function = function",
        "    def __call__(self, *args, **kwargs):", "        return self.function(*args, **kwargs)",
    )  # fmt: skip
    f = w.fresh("inner")
    return [*w.def_(f, _given(w)), w.bind(f"{caller}({f})({_given(w)})")]


@run("functions.bound_method")
def bound_method(w: Writing) -> list[str]:
    """A function bound to an object is called with the object first."""
    holder = w.define("Holder", "class {}:", "    pass")
    f, o = w.fresh("inner"), w.fresh("owner")
    return [
        *w.def_(f, ", ".join(["receiver", *w.reads])),
        f"{o} = {holder}()",
        f"{o}.method = types.MethodType({f}, {o})",
        w.bind(f"{o}.method({_given(w)})"),
    ]


@run("functions.classmethod_")
def classmethod_(w: Writing) -> list[str]:
    """A class method is called with the class first, through an object too."""
    base = w.define(
        "Runner", "class {}:", "    @classmethod", "    def run(cls, function):", "        return function()",
        "    @staticmethod", "    def run_static(function):", "        return function()",
    )  # fmt: skip
    f, way = w.fresh("inner"), ("run", "run_static")[w.number % 2]
    receiver = f"{base}()" if w.number & 2 else base
    return [*w.def_(f), w.bind(f"{receiver}.{way}({f})")]


@run("functions.attributes", extras=("int",))
def attributes(w: Writing) -> list[str]:
    """A function keeps the attributes that it is given."""
    f = w.fresh("inner")
    return [
        *w.def_(f, before=[f"{f}.calls += 1"]),
        f"{f}.calls = {w.number % 5}",
        w.bind(f"{f}()"),
        f"{w.extras[0]} = {f}.calls",
    ]


@run("functions.singledispatch")
def singledispatch(w: Writing) -> list[str]:
    """The function that is registered for the class of the argument is called."""
    f, g = w.fresh("general"), w.fresh("special")
    return [
        "@functools.singledispatch",
        f"def {f}(kind):",
        "    raise AssertionError",
        f"@{f}.register(int)",
        *w.def_(g, "kind"),
        w.bind(f"{f}(1)"),
    ]


@run("functions.global_function")
def global_function(w: Writing) -> list[str]:
    """A function of the module calls what it is given."""
    apply = w.define("call_it", "def {}(function, *args):", "    return function(*args)")
    f = w.fresh("inner")
    return [*w.def_(f, _given(w)), w.bind(f"{apply}({', '.join([f, *w.reads])})")]


@run("functions.conditional_definition")
def conditional_definition(w: Writing) -> list[str]:
    """The definition that was executed is the one that is called."""
    f = w.fresh("chosen")
    return [
        f"if {w.number % 4} < 4:",
        *(f"    {line}" for line in w.def_(f)),
        "else:",
        f"    {f} = None",
        w.bind(f"{f}()"),
    ]


@run("functions.trampoline")
def trampoline(w: Writing) -> list[str]:
    """A function that returns functions is called until it returns none."""
    f, step = w.fresh("inner"), w.fresh("step")
    return [
        *w.def_(f),
        f"{step} = lambda: lambda: {f}",
        f"while {step} is not {f}:",
        f"    {step} = {step}()",
        w.bind(f"{step}()"),
    ]


@value("functions.identity_table")
def identity_table(w: Writing) -> list[str]:
    """The table's function under the key returns what it is given."""
    return [f"{{'same': lambda t: t, 'other': lambda t: None}}['same']({w.value})"]


@value("functions.composed")
def composed(w: Writing) -> list[str]:
    """The composition of functions that return their argument returns its argument."""
    compose = w.define(
        "compose", "def {}(*functions):", "    return lambda t: functools.reduce(lambda a, f: f(a), functions, t)"
    )
    return [f"{compose}(lambda t: t, lambda t, *, flag=0: t)({w.value})"]


@value("functions.cached_property")
def cached_property(w: Writing) -> list[str]:
    """The property is computed once, and is what was given."""
    lazy = w.define(
        "Lazy", "class {}:", "    def __init__(self, value):", "        self.value = value",
        "    @functools.cached_property", "    def cached(self):", "        return self.value",
    )  # fmt: skip
    o = w.fresh("owner")
    return [f"{o} = {lazy}({w.value})", f"{o}.cached", f"{o}.value = None", f"{o}.cached"]
