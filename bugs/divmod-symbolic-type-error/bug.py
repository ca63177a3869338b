"""builtins.divmod on torch:eager: wrong type of output: eager tuple, target str

Found with torch 2.13.0+cpu. Options: dynamic=True.
"""

import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x3):
    try:
        v4 = divmod(x3, -1)
    except Exception as error:
        v4 = type(error).__name__
    return v4


def inputs(call=0):
    x3 = 0.5
    return x3,


def compile_program(program):
    return torch.compile(program, backend='eager', dynamic=True)


def name_of(kind):
    """The name of a type; not of one of iterators that the language does not name or describes as a function."""
    if not hasattr(kind, "__next__") or hasattr(kind, "send"):
        return kind.__qualname__
    named = getattr(sys.modules.get(kind.__module__), kind.__name__, None) is kind and kind.__name__[0] != "_"
    hidden = kind.__module__ == "itertools" or kind.__module__ in ("builtins", "_collections") and not named
    return "iterator" if hidden else kind.__qualname__


def text_of(value):
    """What is shown of a value, without the address that says where it lies."""
    if name_of(type(value)) == "iterator":
        return "<iterator object>"
    if isinstance(value, slice):
        return f"slice({text_of((value.start, value.stop, value.step))})"
    if type(value) in (tuple, frozenset):
        texts = list(map(text_of, value))
        return f"{type(value).__name__}({', '.join(texts if type(value) is tuple else sorted(texts))})"
    first, *others = repr(value).split(" at 0x")
    return first + "".join(each.lstrip("0123456789abcdef") for each in others)


def described(value, seen):
    """A value as plain data: types, contents, which objects are one, what an iterator still gives."""
    kind = name_of(type(value))
    if isinstance(value, torch.Tensor):
        contents = value.detach().as_subclass(torch.Tensor)
        return kind, str(value.dtype), value.requires_grad, seen.setdefault(id(value), len(seen)), contents.tolist()
    if isinstance(value, (str, bytes, int, float, complex, type(None), range, slice)):
        return kind, text_of(value)
    if id(value) in seen and not isinstance(value, (tuple, frozenset)):
        return kind, seen[id(value)]
    number = None if isinstance(value, (tuple, frozenset)) else seen.setdefault(id(value), len(seen))
    seen.setdefault("kept", []).append(value)
    parts = [(key, described(item, seen)) for key, item in getattr(value, "__dict__", {}).items()]
    if isinstance(value, type) or callable(value) and hasattr(value, "__qualname__"):
        return kind, name_of(value) if isinstance(value, type) else value.__qualname__
    for slot in (slot for each in type(value).__mro__ for slot in vars(each).get("__slots__", ())):
        parts += [(slot, described(getattr(value, slot), seen))] if hasattr(value, slot) else []
    if isinstance(value, dict):
        parts += [getattr(getattr(value, "default_factory", None), "__qualname__", None)]
        parts += [(text_of(key), described(item, seen)) for key, item in dict.items(value)]
    elif isinstance(value, (set, frozenset)):
        parts += sorted(map(text_of, value))
    elif isinstance(value, BaseException):
        parts += [described(value.__cause__, seen), described(value.__context__, seen), value.__suppress_context__]
        parts += [described(value.args, seen)] if type(value).__module__ == __name__ else []
    elif hasattr(value, "keywords"):
        parts += [described(each, seen) for each in (value.func, value.args, value.keywords)]
    elif hasattr(value, "__next__"):
        items, end = [], None
        try:
            while len(items) < 24:
                items.append(next(value))
        except Exception as error:
            end = error
        # Not one by one: what an item still gives may depend on how far this has come, as of groupby.
        parts += [described(item, seen) for item in items]
        if isinstance(end, StopIteration):
            parts.append(("returns", described(end.value, seen)))
        elif end is not None:
            parts.append(("raises", type(end).__name__))
    elif hasattr(value, "__iter__"):
        items = list.__iter__(value) if isinstance(value, list) else iter(value)
        parts += [getattr(value, "maxlen", None), *(described(item, seen) for item in items)]
    return kind, number, parts


def observe(function):
    arguments = inputs()
    torch.manual_seed(0)
    with torch.no_grad():
        result = function(*arguments)
    return repr(described(result, {}))


def main():
    print("torch", torch.__version__, "python", sys.version.split()[0])
    expected, actual = observe(program), observe(compile_program(program))
    if actual != expected:
        print("expected", expected)
        print("actual", actual)
        print('BUG: wrong type of output: eager tuple, target str')
        return 1
    print("OK")
    return 0


if __name__ == "__main__":
    try:
        status = main()
    except Exception as error:
        print("CANNOT RUN:", type(error).__name__, *str(error).splitlines()[:1])
        status = 2
    sys.exit(status)
