"""What Python objects are made of, for records: the parts of a container, an object, an exception, what is left of an
iterator.

Nothing that the program has overridden is trusted: a list is read by ``list``'s own methods, whatever its class does.
"""

from __future__ import annotations

import collections
import enum
import functools
import io
import itertools
import re
import sys
import types
from typing import Any, NamedTuple

from .records import ITEMS, shown, type_name

REMAINING = 24
"""How many items are taken of what an iterator has left: some never end."""

_ITERATOR = "iterator"
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_VIEWS = (type({}.keys()), type({}.values()), type({}.items()))


class Parts(NamedTuple):
    """An object taken apart: its type, the names of its parts where they have any, the parts, and whether it is one of
    those objects whose identity is promised."""

    kind: str
    keys: list[str] | None
    items: list[Any]
    promised: bool


def plain(value: Any) -> str:
    """The text of what has no parts; without the address that says where it lies, and of an iterator no more of its
    type than is promised, wherever in a slice or a key it is."""
    if isinstance(value, (types.FunctionType, types.BuiltinFunctionType, types.MethodType)):
        return value.__qualname__
    if isinstance(value, type) and _unnamed(value):
        # A type may be the value itself: nobody promises what `type(iter(()))` is either.
        return f"<class '{_ITERATOR}'>"
    if _unnamed(type(value)):
        return f"<{_ITERATOR} object>"
    if isinstance(value, slice):
        return f"slice({', '.join(map(plain, (value.start, value.stop, value.step)))})"
    if type(value) is tuple:
        return f"({', '.join(map(plain, value))})"
    if type(value) is frozenset:
        return f"frozenset({', '.join(sorted(map(plain, value)))})"
    return _ADDRESS.sub("", shown(value))


def parts(value: Any, module: str) -> Parts | None:
    """What is recorded of an object's inside; None where its text says all. ``module`` is the program's own."""
    kind = type(value)
    name = type_name(kind)
    if isinstance(value, tuple) and hasattr(kind, "_fields") and not _reachable(kind) and "." not in kind.__qualname__:
        # Which module a class made by calling collections.namedtuple says it is of is read off the stack: no promise.
        name = f"named tuple {kind.__name__}"
    if isinstance(value, (tuple, list)):
        items = list(tuple.__iter__(value) if isinstance(value, tuple) else list.__iter__(value))
        return _with_attributes(value, name, None, items, isinstance(value, list))
    if isinstance(value, dict):
        return _of_dict(value, name)
    if isinstance(value, (set, frozenset)):
        base = set if isinstance(value, set) else frozenset
        items = sorted(base.__iter__(value), key=_order)  # type: ignore[attr-defined]
        return _with_attributes(value, name, None, items, base is set)
    if isinstance(value, collections.deque):
        bounded = f"{name}(maxlen={value.maxlen})"
        return _with_attributes(value, bounded, None, list(collections.deque.__iter__(value)), True)
    if isinstance(value, (str, bytes, int, float, complex, bytearray, type(None), enum.Enum)):
        extra = _attributes(value) if kind.__module__ == module else {}
        return Parts(name, ["value", *extra], [plain(value), *extra.values()], True) if extra else None
    if isinstance(value, _VIEWS):
        return Parts(name, None, list(value), False)
    if isinstance(value, types.MappingProxyType):
        return Parts(name, [plain(key) for key in value], list(value.values()), False)
    if isinstance(value, BaseException):
        return _of_exception(value, name, module)
    if isinstance(value, functools.partial):
        return Parts(name, ["function", "args", "keywords"], [value.func, value.args, value.keywords], True)
    if isinstance(value, type):
        return _of_class(value) if value.__module__ == module else None
    if hasattr(kind, "__next__") and not isinstance(value, io.IOBase):
        return _of_iterator(value, name, module)
    if kind.__module__ == module:
        attributes = _attributes(value)
        return Parts(name, list(attributes), list(attributes.values()), True)
    return None


def _order(value: Any) -> str:
    """By what the members of a set are sorted: never by where they lie."""
    return plain(value) + "".join(f" {name}={plain(item)}" for name, item in _attributes(value).items())


def _attributes(value: Any) -> dict[str, Any]:
    """What an object holds in its ``__dict__`` and slots."""
    try:
        found = dict(object.__getattribute__(value, "__dict__"))
    except AttributeError:
        found = {}
    for each in type(value).__mro__:
        slots = each.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            member = each.__dict__.get(slot)
            if isinstance(member, types.MemberDescriptorType):
                try:
                    found[slot] = member.__get__(value)
                except AttributeError:
                    continue
    return {f".{key}": item for key, item in found.items()}


def _with_attributes(value: Any, kind: str, keys: list[str] | None, items: list[Any], promised: bool) -> Parts:
    attributes = _attributes(value) if type(value).__module__ not in ("builtins", "collections") else {}
    if attributes:
        keys = [*(map(str, range(len(items))) if keys is None else keys), *attributes]
    return Parts(kind, keys, [*items, *attributes.values()][:ITEMS], promised)


def _of_dict(value: Any, name: str) -> Parts:
    if isinstance(value, collections.OrderedDict):
        pairs = list(collections.OrderedDict.items(value))
    else:
        pairs = list(dict.items(value))
    if isinstance(value, collections.defaultdict):
        name = f"{name}({plain(value.default_factory)})"
    return _with_attributes(value, name, [plain(key) for key, _ in pairs], [item for _, item in pairs], True)


def _of_exception(value: BaseException, name: str, module: str) -> Parts:
    """Its cause, context and attributes. The texts of exceptions that the interpreter raises are nobody's promise: only
    what the program itself put into one of its own is read."""
    keys, items = ["cause", "context", "hidden"], [value.__cause__, value.__context__, value.__suppress_context__]
    if type(value).__module__ == module:
        keys, items = [*keys, "args"], [*items, value.args]
        attributes = _attributes(value)
        keys, items = [*keys, *attributes], [*items, *attributes.values()]
    return Parts(name, keys, items, True)


def _of_class(value: type) -> Parts:
    """What a class of the program's keeps: its attributes, without methods and what the interpreter adds."""
    kept = {
        key: item
        for key, item in vars(value).items()
        if not key.startswith("__") and not callable(item) and not hasattr(type(item), "__get__")
    }
    return Parts(f"class {value.__qualname__}", [f".{key}" for key in kept], list(kept.values()), False)


def _unnamed(kind: type) -> bool:
    """Whether it is a type of iterators to which the language gives no name, such as that of ``iter([])``, or of those
    that itertools describes as functions.

    All that is promised of these is what they give; a generator can do more.
    """
    if not hasattr(kind, "__next__") or hasattr(kind, "send"):
        return False
    if kind.__module__ == "itertools":
        return True
    public = _reachable(kind) and not kind.__name__.startswith("_")
    return kind.__module__ in ("builtins", "_collections") and not public


def _reachable(kind: type) -> bool:
    """Whether its module has it under its name."""
    return getattr(sys.modules.get(kind.__module__), kind.__name__, None) is kind


def _of_iterator(value: Any, name: str, module: str) -> Parts:
    """What it still gives, how it ends, and with which value; it is used up by that."""
    name = _ITERATOR if _unnamed(type(value)) else name
    keys, items = [], []
    if type(value).__module__ == module:
        attributes = _attributes(value)
        keys, items = list(attributes), list(attributes.values())
    try:
        for number in itertools.count():
            if number == REMAINING:
                break
            items.append(next(value))
            keys.append(str(number))
    except StopIteration as stop:
        keys, items = [*keys, "returns"], [*items, stop.value]
    except Exception as error:
        keys, items = [*keys, "raises"], [*items, type_name(type(error))]
    return Parts(name, keys, items, True)
