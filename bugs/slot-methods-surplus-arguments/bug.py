"""Operator methods called by name ignore surplus arguments.

Found with torch 2.13.0+cpu. Options: defaults.
"""

import collections
import sys

try:
    import torch
except ImportError as missing:
    print("CANNOT RUN:", missing)
    sys.exit(2)


def program(x1):
    v6 = b''
    try:
        v7 = v6.__mod__(collections.OrderedDict(a=1, b=2), 2.0)
    except Exception as error:
        v7 = type(error).__name__
    t8 = x1 + -1
    return v7


def inputs(call=0):
    x1 = (torch.tensor(2.)).requires_grad_()
    return x1,


def compile_program(program):
    return torch.compile(program, backend='eager')


def described(value, seen):
    """A value as plain data: types, contents, which objects are one, what an iterator still gives."""
    kind = type(value).__name__
    named = getattr(sys.modules.get(type(value).__module__), kind, None) is type(value) and kind[0] != "_"
    if hasattr(value, "__next__") and type(value).__module__ in ("builtins", "_collections"):
        kind = kind if named or hasattr(value, "send") else "iterator"
    if isinstance(value, torch.Tensor):
        contents = value.detach().as_subclass(torch.Tensor)
        return kind, str(value.dtype), value.requires_grad, seen.setdefault(id(value), len(seen)), contents.tolist()
    if isinstance(value, (str, bytes, int, float, complex, type(None), range, slice)):
        return kind, repr(value)
    if id(value) in seen and not isinstance(value, (tuple, frozenset)):
        return kind, seen[id(value)]
    number = None if isinstance(value, (tuple, frozenset)) else seen.setdefault(id(value), len(seen))
    seen.setdefault("kept", []).append(value)
    parts = [(key, described(item, seen)) for key, item in getattr(value, "__dict__", {}).items()]
    if isinstance(value, type) or callable(value) and hasattr(value, "__qualname__"):
        return kind, value.__qualname__
    for slot in (slot for each in type(value).__mro__ for slot in vars(each).get("__slots__", ())):
        parts += [(slot, described(getattr(value, slot), seen))] if hasattr(value, slot) else []
    if isinstance(value, dict):
        parts += [getattr(getattr(value, "default_factory", None), "__qualname__", None)]
        parts += [(repr(key), described(item, seen)) for key, item in dict.items(value)]
    elif isinstance(value, (set, frozenset)):
        parts += sorted(map(repr, value))
    elif isinstance(value, BaseException):
        parts += [described(value.__cause__, seen), described(value.__context__, seen), value.__suppress_context__]
        parts += [described(value.args, seen)] if type(value).__module__ == __name__ else []
    elif hasattr(value, "keywords"):
        parts += [described(each, seen) for each in (value.func, value.args, value.keywords)]
    elif hasattr(value, "__next__"):
        try:
            while len(parts) < 24:
                parts.append(described(next(value), seen))
        except StopIteration as stop:
            parts.append(("returns", described(stop.value, seen)))
        except Exception as error:
            parts.append(("raises", type(error).__name__))
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
        print('BUG: wrong type of output: eager str, target bytes')
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
