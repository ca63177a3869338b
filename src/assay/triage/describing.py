"""Python objects as plain data, in the text of a script: what `assay.execution.worker.objects` records, in short."""

from __future__ import annotations

DESCRIBED = '''def described(value, seen):
    """A value as plain data: types, contents, which objects are one, what an iterator still gives."""
    kind = type(value).__name__
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
    if isinstance(value, dict):
        parts += [(repr(key), described(item, seen)) for key, item in dict.items(value)]
    elif isinstance(value, (set, frozenset)):
        parts += sorted(map(repr, value))
    elif isinstance(value, BaseException):
        parts += [described(value.__cause__, seen), described(value.__context__, seen)]
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
    return kind, number, parts'''.splitlines()
