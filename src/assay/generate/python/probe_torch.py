"""Which of Python the installed Dynamo models, and how each of it is called: a program for the target's interpreter.

    builtins, polyfills, variables.* --> names --> calls tried on a pool of values --> JSON on stdout

The names are read from Dynamo itself, so that a release brings its own. Calls are found by trying: what CPython accepts
is kept with the type of its result, and some of what it refuses with the exception. Dynamo runs only to tell what it
leaves to CPython together with the whole program around it.
"""

from __future__ import annotations

import ast
import builtins
import collections
import functools
import inspect
import itertools
import json
import math
import operator
import random
import signal
import sys
import textwrap
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any

TRIES = 700
KEPT = 12
REFUSED = 3
LONGEST = 240
LONGEST_SECONDS = 240

# Not called by themselves: they end or block the process, say where objects lie, depend on the frame, or need more than
# values; features exercise some of them.
UNCALLED = frozenset(
    [
        "builtins.open",
        "builtins.input",
        "builtins.exec",
        "builtins.eval",
        "builtins.compile",
        "builtins.breakpoint",
        "builtins.exit",
        "builtins.quit",
        "builtins.help",
        "builtins.__import__",
        "builtins.id",
        "builtins.locals",
        "builtins.globals",
        "builtins.vars",
        "builtins.super",
        "builtins.print",
        "builtins.__build_class__",
        "builtins.memoryview",
        "builtins.copyright",
        "builtins.credits",
        "builtins.license",
        "sys.set_int_max_str_digits",
        "sys.getrecursionlimit",
        "sys.get_int_max_str_digits",
        "object.__reduce_ex__",
        "object.__init_subclass__",
    ]
)

# Nothing without an end is among them: it would be read to its end.
POOL: dict[str, tuple[str, ...]] = {
    "int": ("0", "1", "-1", "2", "3", "-4", "7", "10"),
    "bool": ("True", "False"),
    "float": ("0.5", "-1.5", "2.0", "7.25", "float('inf')"),
    "complex": ("(1+2j)",),
    "str": ("''", "'abc'", "'a,b,c'", "'Hello World'", "'%s-%s'", "'{} {}'", "'-3'", "'  x '", "'b'", "'<i'", "'big'"),
    "bytes": ("b''", "b'abc'", "b'\\x01\\x00\\x00\\x00'"),
    "list": ("[]", "[1, 2, 3]", "[3, 1, 2, 1]", "[0, 5, -2, 5]", "['b', 'a', 'c']", "[[1, 2], [3]]", "[0.5, 2.0]"),
    "tuple": ("()", "(1, 2)", "(3, 1, 3)", "('a', 1)", "((1, 'x'), (2, 'y'))"),
    "dict": ("{}", "{'a': 1, 'b': 2}", "{1: 'x', 2: 'y'}"),
    "set": ("set()", "{1, 2, 3}", "{3, 4}"),
    "frozenset": ("frozenset({2, 3})",),
    "range": ("range(5)", "range(10, 0, -3)", "range(0)"),
    "slice": ("slice(None, None, -2)", "slice(1, -1)"),
    "NoneType": ("None",),
    "collections.deque": ("collections.deque([1, 2, 3])", "collections.deque([3, 1, 2], maxlen=3)"),
    "collections.OrderedDict": ("collections.OrderedDict(a=1, b=2)",),
    "collections.defaultdict": ("collections.defaultdict(list, a=[1])", "collections.defaultdict(int)"),
    "collections.Counter": ("collections.Counter('abca')",),
    "dict_keys": ("{'a': 1, 'b': 2}.keys()",),
    "dict_values": ("{'a': 1, 'b': 2}.values()",),
    "dict_items": ("{'a': 1, 'b': 2}.items()",),
    "mappingproxy": ("types.MappingProxyType({'a': 1})",),
    "list_iterator": ("iter([4, 5, 6])",),
    "tuple_iterator": ("iter((4, 5, 6))",),
    "range_iterator": ("iter(range(4))",),
    "set_iterator": ("iter({7})",),
    "dict_keyiterator": ("iter({'a': 1})",),
    "dict_valueiterator": ("iter({'a': 1}.values())",),
    "dict_itemiterator": ("iter({'a': 1}.items())",),
    "zip": ("zip([1, 2], [3, 4])",),
    "map": ("map(operator.neg, [1, 2])",),
    "filter": ("filter(None, [0, 1, 2])",),
    "enumerate": ("enumerate([8, 9])",),
    "generator": ("(v * 2 for v in (1, 2, 3))",),
    "itertools.repeat": ("itertools.repeat(5, 2)",),
    "functools.partial": ("functools.partial(operator.add, 3)",),
    "function": (
        "(lambda *a: a[0])",
        "(lambda v: v > 1)",
        "(lambda a, b: a * 10 + b)",
        "(lambda: 4)",
        "(lambda v: -v)",
        "(lambda v: str(v))",
    ),
    "builtin_function_or_method": ("operator.neg", "operator.add", "len"),
    "type": ("int", "str", "list", "bool", "tuple", "float"),
    "random.Random": ("random.Random(3)",),
    "object": ("object()",),
    "Exception": ("ValueError('x')",),
}
KEYWORDS: dict[str, tuple[str, ...]] = {
    "key": ("operator.neg", "(lambda v: str(v))", "(lambda v: -v)", "None", "len"),
    "default": ("None", "0", "'d'"),
    "reverse": ("True", "False"),
    "start": ("2", "-1", "100"),
    "strict": ("True", "False"),
    "maxsplit": ("1", "0"),
    "initial": ("5", "100"),
    "fillvalue": ("None", "0"),
    "signed": ("True",),
    "byteorder": ("'little'", "'big'"),
    "length": ("2", "8"),
    "func": ("operator.mul", "max"),
    "repeat": ("2", "0"),
    "rel_tol": ("0.5",),
    "abs_tol": ("1.0",),
    "a": ("1",),
    "b": ("2",),
    "maxlen": ("2", "0", "None"),
    "keepends": ("True",),
    "tabsize": ("4",),
    "ndigits": ("-1", "1", "None"),
    "base": ("16", "0"),
    "mod": ("7",),
    "r": ("2", "0"),
    "n": ("2", "3"),
}
MODULES = {
    each.__name__: each for each in (builtins, collections, functools, itertools, math, operator, random, types, sys)
}
SLOTS = {
    "sq_length": "len",
    "mp_length": "len",
    "sq_contains": "contains",
    "sq_item": "getitem",
    "mp_subscript": "getitem",
    "sq_ass_item": "setitem",
    "mp_ass_subscript": "setitem",
    "tp_iter": "iter",
    "tp_iternext": "next",
    "tp_hash": "hash",
    "sq_concat": "add",
    "sq_inplace_concat": "iadd",
    "sq_repeat": "mul",
    "sq_inplace_repeat": "imul",
    "tp_repr": "repr",
    "tp_str": "str",
    "nb_index": "index",
    "nb_int": "int",
    "nb_float": "float",
    "nb_bool": "bool",
    "nb_negative": "neg",
    "nb_positive": "pos",
    "nb_absolute": "abs",
    "nb_invert": "invert",
    "nb_floor_divide": "floordiv",
    "nb_true_divide": "truediv",
    "nb_remainder": "mod",
    "nb_multiply": "mul",
    "nb_subtract": "sub",
    "nb_add": "add",
    "nb_power": "pow",
    "nb_divmod": "divmod",
    "nb_lshift": "lshift",
    "nb_rshift": "rshift",
    "nb_and": "and",
    "nb_or": "or",
    "nb_xor": "xor",
}


def modelled() -> dict[str, Any]:
    """What Dynamo models: names of functions, and of methods as ``type.method``, with what they name."""
    found: dict[str, Any] = {}
    for function in (*_builtin_functions(), *_polyfilled(), *_iterator_types()):
        name = _name(function)
        if name is not None:
            found[name] = function
    for owner, method in _methods():
        found[f"{_type_name(owner)}.{method}"] = (owner, method)
    for name in _random_functions():
        found[f"random.{name}"] = getattr(random, name)
    return dict(sorted(found.items()))


def _builtin_functions() -> Iterator[Any]:
    """What `BuiltinVariable` folds, dispatches by a table, or has a method for."""
    from torch._dynamo.variables.builtin import BuiltinVariable

    for table in ("_constant_fold_functions", "_binops", "_binop_handlers", "_fx_graph_functions"):
        made = getattr(BuiltinVariable, table, None)
        if made is not None:
            yield from made()
    for attribute in dir(BuiltinVariable):
        if attribute.startswith("call_"):
            name = attribute[5:]
            for module in (builtins, operator):
                if callable(getattr(module, name, None)):
                    yield getattr(module, name)
                    break
    yield from (builtins.str, builtins.list, builtins.dict, builtins.print)


def _polyfilled() -> Iterator[Any]:
    """What has a stand-in written in Python."""
    from torch._dynamo.polyfills import loader

    for module in loader.POLYFILLED_MODULES:
        for stand_in in vars(module).values():
            original = getattr(stand_in, "__torch_dynamo_original__", None)
            if original is not None:
                yield original


def _iterator_types() -> Iterator[Any]:
    from torch._dynamo.variables import builder

    known: frozenset[int] = getattr(builder, "ITERTOOLS_TYPE_IDS", frozenset())
    yield from (each for each in vars(itertools).values() if id(each) in known)
    yield from (functools.partial, collections.deque, collections.OrderedDict, collections.defaultdict)


def _random_functions() -> Iterator[str]:
    from torch._dynamo.variables.misc import RandomVariable

    yield from sorted(getattr(RandomVariable, "_supported_fn_names", ()))


def _methods() -> Iterator[tuple[type, str]]:
    """Methods that a class of variables handles by name or as a slot, of the types that it stands for."""
    from torch._dynamo.variables.base import VariableTracker

    pending = [VariableTracker]
    seen: set[type] = set()
    while pending:
        found = [each for each in pending.pop().__subclasses__() if each not in seen]
        seen |= set(found)
        pending += found
    for tracker in sorted(seen, key=lambda each: each.__qualname__):
        owners = tracker.__dict__.get("_cpython_type") or ()
        handled: set[str] | None = None
        for owner in owners if isinstance(owners, tuple) else (owners,):
            if _type_name(owner) not in POOL:
                continue
            if handled is None:
                handled = _handled(tracker, VariableTracker)
            names = {name for name in handled if callable(getattr(owner, name, None))}
            if owner is str:
                # All that a string has is folded.
                names |= {name for name in vars(str) if callable(getattr(str, name)) and not name.startswith("__")}
            elif owner in (int, float):
                # So are methods without arguments, and those that are operators.
                names |= {name for name in vars(owner) if not name.startswith("__")}
            yield from ((owner, name) for name in sorted(names) if callable(getattr(owner, name)))


def _handled(tracker: type, top: type) -> set[str]:
    """The names of methods that a class of variables and those above it compare with, or have a slot for."""
    names: set[str] = set()
    for each in tracker.__mro__:
        if each is top:
            break
        for attribute in vars(each):
            if attribute.endswith("_impl") or attribute in SLOTS:
                slot = attribute[:-5] if attribute.endswith("_impl") else attribute
                inplace = slot.replace("nb_inplace_", "nb_")
                if slot in SLOTS:
                    names.add(f"__{SLOTS[slot]}__")
                elif inplace in SLOTS:
                    names.add(f"__i{SLOTS[inplace]}__")
        method = vars(each).get("call_method")
        if isinstance(method, types.FunctionType):
            names |= _compared(method)
    return names - {"__init__", "__new__", "__class__", "__reduce__", "__reduce_ex__", "__sizeof__", "__hash__"}


def _compared(method: Callable[..., Any]) -> set[str]:
    """The strings that a function compares its argument ``name`` with."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(method)))
    except (OSError, SyntaxError):
        return set()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and isinstance(node.left, ast.Name) and node.left.id == "name":
            for other in node.comparators:
                constants = (inner for inner in ast.walk(other) if isinstance(inner, ast.Constant))
                found |= {inner.value for inner in constants if isinstance(inner.value, str)}
    return found


def _name(function: Any) -> str | None:
    """How a function of the standard library is written; None for another's."""
    own = getattr(function, "__qualname__", "")
    home = (getattr(function, "__module__", None) or "").lstrip("_")
    owner = getattr(function, "__objclass__", None) or getattr(function, "__self__", None)
    if isinstance(owner, type):
        return f"{_type_name(owner)}.{function.__name__}"
    for name in (home, "posix" if home == "os" else home):
        module = sys.modules.get(name)
        if module is not None and getattr(module, own, None) is function and not name.startswith("torch"):
            return f"{'os' if name == 'posix' else name}.{own}"
    return None


def _type_name(owner: type) -> str:
    return owner.__name__ if owner.__module__ == "builtins" else f"{owner.__module__}.{owner.__name__}"


@functools.cache
def _thunk(text: str) -> Callable[[], Any]:
    made: Callable[[], Any] = eval(f"lambda: {text}", dict(MODULES))
    return made


def calls(name: str, what: Any) -> dict[str, Any]:
    """Calls of one name: what was accepted, by arguments (type and text) and type of the result; what was refused."""
    rng = random.Random(name)
    receivers: list[tuple[str, str]] | None = None
    if isinstance(what, tuple):
        owner, method = what
        receivers = [(_type_name(owner), text) for text in POOL[_type_name(owner)]]
    accepted: list[Any] = []
    refused: list[Any] = []
    iterators: dict[str, bool] = {}
    seen: set[str] = set()
    keywords = _keywords(what)
    for attempt in range(TRIES):
        if len(accepted) >= KEPT and len(refused) >= REFUSED:
            break
        receiver = None if receivers is None else rng.choice(receivers)
        count = rng.choice((0, 1, 1, 2, 2, 3)) if attempt > 2 else attempt
        arguments = [_drawn(rng) for _ in range(count)]
        named = {}
        if keywords and rng.random() < 0.4:
            chosen = rng.choice(keywords)
            named[chosen] = rng.choice(KEYWORDS[chosen])
        call = [receiver, arguments, named]
        # Without an argument it lists the names of the frame, which a compiler may add to.
        if repr(call) in seen or (name == "builtins.dir" and not arguments):
            continue
        seen.add(repr(call))

        def made(call: list[Any] = call) -> tuple[Any, tuple[Any, ...]]:
            values = [_thunk(text)() for _, text in call[1]]
            by_name = {key: _thunk(text)() for key, text in call[2].items()}
            function = what if call[0] is None else getattr(_thunk(call[0][1])(), method)
            return function(*values, **by_name), (values, by_name, function)

        try:
            result, kept = made()
            told = repr(result)
            # An address, as the hash of a function has one, is another in every process; so is it of a second
            # argument while the first is kept.
            addressed = type(result) in (int, str) and not name.startswith("random.") and result != made()[0]
            del kept
        except Exception as error:
            if len(refused) < REFUSED:
                refused.append([*call, type(error).__name__])
            continue
        if len(told) <= LONGEST and len(accepted) < KEPT and not addressed:
            accepted.append([*call, _type_name(type(result))])
            if hasattr(type(result), "__next__"):
                kind = _type_name(type(result))
                iterators[kind] = iterators.get(kind, True) and _has_an_end(result)
    ending = [kind for kind, ends in iterators.items() if ends]
    return {"accepted": accepted, "refused": refused, "iterators": ending}


def _is_returned(text: str) -> bool:
    """Whether Dynamo takes a program that returns this iterator, of which an item was taken. What it does not refuse
    but gets wrong is there to be found."""
    import torch
    from torch._dynamo.exc import Unsupported

    names: dict[str, Any] = {**MODULES, "torch": torch}
    exec(f"def program(x):\n    v = {text}\n    next(v, None)\n    return v, x + 1\n", names)
    compiled: Callable[..., Any] = torch.compile(names["program"], backend="eager", fullgraph=True)
    try:
        compiled(torch.ones(2))
    except Unsupported:
        return False
    except Exception:
        return True
    finally:
        torch.compiler.reset()
    return True


def _is_traced(text: str) -> bool:
    """Whether Dynamo takes a call into its graph."""
    import torch

    names: dict[str, Any] = {**MODULES, "torch": torch}
    exec(f"def program(x):\n    v = {text}\n    return x + 1\n", names)
    compiled: Callable[..., Any] = torch.compile(names["program"], backend="eager", fullgraph=True)
    try:
        compiled(torch.ones(2))
    except torch._dynamo.exc.Unsupported:
        return False
    except Exception:
        # What it takes and gets wrong is there to be found.
        return True
    finally:
        torch._dynamo.reset()
    return True


def breaking(found: dict[str, Any]) -> list[str]:
    """The names that Dynamo models and leaves to Python all the same, whatever they are called with."""
    return [
        name
        for name, tried in found.items()
        if tried["accepted"] and not any(_is_traced(_written(name, call)) for call in tried["accepted"])
    ]


def unreturnable(found: dict[str, Any]) -> list[str]:
    """The types of iterators of which a compiled program cannot return one that was used."""
    made = {kind: texts[0] for kind, texts in POOL.items() if hasattr(_thunk(texts[0])(), "__next__")}
    for name, tried in found.items():
        for call in tried["accepted"]:
            if call[3] in tried["iterators"]:
                made.setdefault(call[3], _written(name, call))
    return [kind for kind, text in made.items() if not _is_returned(text)]


def _has_an_end(iterator: Any) -> bool:
    try:
        return len(list(itertools.islice(iterator, LONGEST))) < LONGEST
    except Exception:
        # What a lazy call raises comes when it is asked for an item.
        return True


def _written(name: str, call: list[Any]) -> str:
    """A call as text."""
    receiver, arguments, named, *_ = call
    operands = ", ".join([text for _, text in arguments] + [f"{key}={text}" for key, text in named.items()])
    if receiver is None:
        return f"{name.removeprefix('builtins.')}({operands})"
    return f"({receiver[1]}).{name.rpartition('.')[2]}({operands})"


def _drawn(rng: random.Random) -> tuple[str, str]:
    """A value: first a type, the common ones more often, then one of it."""
    common = rng.random() < 0.65
    kinds = ("int", "str", "list", "tuple", "dict", "set", "function", "float") if common else tuple(POOL)
    kind = rng.choice(kinds)
    return kind, rng.choice(POOL[kind])


def _keywords(what: Any) -> list[str]:
    function = getattr(*what) if isinstance(what, tuple) else what
    try:
        taken = inspect.signature(function).parameters.values()
    except (ValueError, TypeError):
        return ["key", "default", "start", "strict", "initial", "maxlen", "fillvalue"]
    names = [each.name for each in taken if each.kind in (each.KEYWORD_ONLY, each.POSITIONAL_OR_KEYWORD)]
    return [name for name in names if name in KEYWORDS]


def main() -> int:
    """Print what there is."""
    warnings.simplefilter("ignore")
    # Whoever asked may be gone by the time that a call turns out to have no end.
    signal.alarm(LONGEST_SECONDS)
    import torch
    import torch._dynamo

    # What is compiled here is not timed, so that the processor's cache need not be emptied for it each time.
    if hasattr(torch._dynamo.guards, "profile_guard_manager"):
        setattr(torch._dynamo.guards, "profile_guard_manager", lambda *_: 0.0)  # noqa: B010
    names = modelled()
    found = {name: calls(name, what) for name, what in names.items() if name not in UNCALLED}
    told = {
        "version": torch.__version__,
        "modelled": sorted(names),
        "calls": found,
        "unreturnable": unreturnable(found),
        "breaking": breaking(found),
    }
    json.dump(told, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
