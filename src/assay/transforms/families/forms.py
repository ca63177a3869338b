"""Other ways to write one operation: operators as functions, functions as objects, arguments by other routes."""

from __future__ import annotations

from typing import Any

from assay.transforms.registry import Writing, operation, value

_OPERATORS = {
    "+": "add", "-": "sub", "*": "mul", "/": "truediv", "//": "floordiv", "%": "mod", "**": "pow", "@": "matmul",
    "<": "lt", "<=": "le", "==": "eq", "!=": "ne", ">": "gt", ">=": "ge", "&": "and_", "|": "or_", "^": "xor",
    "<<": "lshift", ">>": "rshift",
}  # fmt: skip


def _is_symbol(told: Any) -> bool:
    return told.statement.form == "operator" and len(told.statement.operands) == 2


def _is_method(told: Any) -> bool:
    return told.statement.form in ("method", "inplace")


def _is_function(told: Any) -> bool:
    return told.statement.form == "function" and told.operator.torch.startswith("torch.") and _plain_name(told)


def _plain_name(told: Any) -> bool:
    return not told.operator.torch.startswith("torch.Tensor.")


def _split(w: Writing) -> tuple[str, str, str]:
    """The left operand, the function of `operator`, the right operand."""
    for symbol, name in _OPERATORS.items():
        left, found, right = w.expression.partition(f" {symbol} ")
        if found:
            return left, f"operator.{name}", right
    return "", "", ""


def _named(w: Writing) -> tuple[list[str], list[str]]:
    """Arguments by position, and by name."""
    positional = [text for text in w.arguments if not _is_keyword(text)]
    return positional, [text for text in w.arguments if _is_keyword(text)]


def _is_keyword(text: str) -> bool:
    return text.partition("=")[0].isidentifier() and "=" in text and not text.partition("=")[2].startswith("=")


@operation("forms.operator_function", accepts=_is_symbol)
def operator_function(w: Writing) -> list[str]:
    """The function of `operator` does what the symbol does."""
    left, name, right = _split(w)
    return [f"{name}({left}, {right})"]


@operation("forms.operator_reduced", accepts=_is_symbol)
def operator_reduced(w: Writing) -> list[str]:
    """A reduction of two items applies the function once."""
    left, name, right = _split(w)
    return [f"functools.reduce({name}, ({left}, {right}))"]


@operation("forms.operator_dunder", accepts=_is_symbol)
def operator_dunder(w: Writing) -> list[str]:
    """Mapping the function over two lists of one item applies it once."""
    left, name, right = _split(w)
    return [f"list(map({name}, [{left}], [{right}]))[0]"]


@operation("forms.lambda_", accepts=_is_symbol)
def lambda_(w: Writing) -> list[str]:
    """A lambda of both operands."""
    left, _, right = _split(w)
    symbol = w.expression[len(left) : len(w.expression) - len(right)]
    return [f"(lambda a, b: a{symbol}b)({left}, {right})"]


@operation("forms.method_caller", plain=True, accepts=_is_method)
def method_caller(w: Writing) -> list[str]:
    """A caller calls the method of that name with what it was made with."""
    name = w.function.rpartition(".")[2]
    return [f"operator.methodcaller({', '.join([repr(name), *w.arguments[1:]])})({w.arguments[0]})"]


@operation("forms.getattr_", plain=True, accepts=_is_method)
def getattr_(w: Writing) -> list[str]:
    """The attribute of that name is the method."""
    name = w.function.rpartition(".")[2]
    receiver = w.arguments[0] if w.arguments[0].isidentifier() else f"({w.arguments[0]})"
    return [f"getattr({receiver}, '{name}')({', '.join(w.arguments[1:])})"]


@operation("forms.unbound_method", plain=True, accepts=_is_method)
def unbound_method(w: Writing) -> list[str]:
    """The function of the class takes the object first."""
    return [f"{w.function}({', '.join(w.arguments)})"]


@operation("forms.bound_method_kept", plain=True, accepts=_is_method)
def bound_method_kept(w: Writing) -> list[str]:
    """A bound method that is kept is called later."""
    name, m = w.function.rpartition(".")[2], w.fresh("method")
    receiver = w.arguments[0] if w.arguments[0].isidentifier() else f"({w.arguments[0]})"
    return [f"{m} = {receiver}.{name}", f"{m}({', '.join(w.arguments[1:])})"]


@operation("forms.partial", plain=True, accepts=_is_function)
def partial(w: Writing) -> list[str]:
    """What the partial was given comes before what its call gives."""
    positional, named = _named(w)
    return [f"functools.partial({', '.join([w.function, *positional[:1], *named])})({', '.join(positional[1:])})"]


@operation("forms.stars", plain=True, accepts=_is_function)
def stars(w: Writing) -> list[str]:
    """Arguments from a tuple and a dict are the same arguments."""
    positional, named = _named(w)
    rest = f", **dict({', '.join(named)})" if named else ", **{}"
    return [f"{w.function}(*[{', '.join(positional)}]{rest})"]


@operation("forms.wrapper", plain=True, accepts=_is_function)
def wrapper(w: Writing) -> list[str]:
    """A function that hands everything on."""
    return [f"(lambda f, *args, **kwargs: f(*args, **kwargs))({', '.join([w.function, *w.arguments])})"]


@operation("forms.table", plain=True, accepts=_is_function)
def table(w: Writing) -> list[str]:
    """Functions are values of a dict, and the one under the key is called."""
    return [f"{{'f': {w.function}, 'g': torch.abs}}['f']({', '.join(w.arguments)})"]


@operation("forms.renamed", plain=True, accepts=_is_function)
def renamed(w: Writing) -> list[str]:
    """A name for the function."""
    f = w.fresh("function")
    return [f"{f} = {w.function}", f"{f}({', '.join(w.arguments)})"]


@operation("forms.module_attribute", plain=True, accepts=_is_function)
def module_attribute(w: Writing) -> list[str]:
    """The attribute of the module is found by its name."""
    module, _, name = w.function.rpartition(".")
    return [f"getattr({module}, '{name[:1]}' + '{name[1:]}')({', '.join(w.arguments)})"]


@operation("forms.operator_call", plain=True, accepts=_is_function)
def operator_call(w: Writing) -> list[str]:
    """`operator.call` calls."""
    return [f"operator.call({', '.join([w.function, *w.arguments])})"]


@operation("forms.starmap", plain=True, accepts=_is_function)
def starmap(w: Writing) -> list[str]:
    """The function is applied to one tuple of arguments."""
    positional, named = _named(w)
    function = f"functools.partial({', '.join([w.function, *named])})" if named else w.function
    return [f"next(itertools.starmap({function}, [({', '.join(positional)},)]))"]


@operation("forms.deferred", plain=True, accepts=_is_function)
def deferred(w: Writing) -> list[str]:
    """The call waits in a list of functions and is made by the loop."""
    thunk, result = w.fresh("thunk"), w.fresh("result")
    return [
        f"for {thunk} in [lambda: None, lambda: {w.function}({', '.join(w.arguments)})]:",
        f"    {result} = {thunk}()",
        result,
    ]


@operation("forms.evaluated_arguments", plain=True, accepts=_is_function)
def evaluated_arguments(w: Writing) -> list[str]:
    """Arguments are evaluated from left to right, before the call."""
    positional, named = _named(w)
    kept = [w.fresh("a") for _ in positional]
    return [
        *(f"{name} = {text}" for name, text in zip(kept, positional, strict=True)),
        f"{w.function}({', '.join([*kept, *named])})",
    ]


@operation("forms.itself_via_dunder_call", plain=True, accepts=_is_function)
def itself_via_dunder_call(w: Writing) -> list[str]:
    """Calling is calling ``__call__``."""
    return [f"{w.function}.__call__({', '.join(w.arguments)})"]


@value("forms.item_getter")
def item_getter(w: Writing) -> list[str]:
    """A getter of several items gives a tuple of them."""
    return [f"operator.itemgetter(2, 0)([None, 1, {w.value}])[0]"]


@value("forms.attribute_getter")
def attribute_getter(w: Writing) -> list[str]:
    """A getter follows dots."""
    bag = w.define("Box", "class {}:", "    def __init__(self, kept):", "        self.kept = kept")
    return [f"operator.attrgetter('kept.kept')({bag}({bag}({w.value})))"]


@value("forms.reduced_choice")
def reduced_choice(w: Writing) -> list[str]:
    """Folding keeps the last item that is not None."""
    return [f"functools.reduce(lambda a, b: a if b is None else b, [None, {w.value}, None])"]


@value("forms.accumulated")
def accumulated(w: Writing) -> list[str]:
    """The last of the accumulated items is the last item."""
    return [f"list(itertools.accumulate([0, {w.value}], lambda a, b: b))[-1]"]


@value("forms.operator_setitem")
def operator_setitem(w: Writing) -> list[str]:
    """Items are set and got by functions."""
    a = w.fresh("items")
    return [f"{a} = [None, None]", f"operator.setitem({a}, 1, {w.value})", f"operator.getitem({a}, 1)"]


@value("forms.truth")
def truth(w: Writing) -> list[str]:
    """Functions of truth decide as the words do."""
    return [f"({w.value}, None)[operator.not_(operator.truth([0])) or operator.contains((1, 2), 3)]"]
