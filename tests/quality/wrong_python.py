"""Systems that run a Python program: one that is correct and does everything otherwise, and others with one fault each.

A system takes a program and gives a function; it counts in ``FIRED`` how often its fault had something to spoil.
"""

from __future__ import annotations

import collections
import copy
import itertools
import random
import types
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import torch

FIRED: Counter[str] = Counter()
Program = Callable[..., Any]
IMMUTABLE = (str, bytes, int, float, complex, bool, type(None), type, types.FunctionType, types.BuiltinFunctionType)


def rebuilt(program: Program) -> Program:
    """Correct, but other: results are copies that share as the originals do, exceptions have other texts and frames."""

    def run(*arguments: Any) -> Any:
        try:
            result = program(*arguments)
        except (ValueError, TypeError, LookupError) as error:
            if type(error).__module__ != "builtins" or error.__cause__ or error.__context__:
                raise
            other = type(error)("in other words")
        else:
            other = None
        if other is not None:
            raise other
        kept: dict[int, Any] = {}
        _keep(arguments, kept)
        _keep(list(vars(__import__("sys").modules["assay_case"]).values()), kept)
        if any(_cannot_be_copied(each) for each in _walk(result)):
            return result
        try:
            return copy.deepcopy(result, kept)
        except (TypeError, RuntimeError, AttributeError, ValueError):
            return result

    return run


def _keep(value: Any, kept: dict[int, Any]) -> None:
    for each in _walk(value):
        kept[id(each)] = each


def _walk(value: Any, seen: set[int] | None = None) -> list[Any]:
    seen = set() if seen is None else seen
    if id(value) in seen:
        return []
    seen.add(id(value))
    inner: list[Any] = []
    if isinstance(value, dict):
        inner = [*value.values()]
    elif isinstance(value, (list, tuple, set, frozenset, collections.deque)):
        inner = list(value)
    elif type(value).__module__ == "assay_case" and hasattr(value, "__dict__"):
        inner = list(vars(value).values())
    return [value, *(each for item in inner for each in _walk(item, seen))]


def _cannot_be_copied(value: Any) -> bool:
    odd = isinstance(value, (torch.Tensor, BaseException)) or hasattr(value, "__next__")
    return odd or type(value).__module__ == "assay_case"


def _on_result(name: str, spoil: Callable[[Any], Any]) -> Callable[[Program], Program]:
    """A fault in one item of what is returned, the first that can be spoilt; ``spoil`` gives None where it cannot."""

    def system(program: Program) -> Program:
        def run(*arguments: Any) -> Any:
            result = program(*arguments)
            items = list(result) if type(result) is tuple else [result]
            for number, item in enumerate(items):
                spoilt = spoil(item)
                if spoilt is not None:
                    FIRED[name] += 1
                    items[number] = spoilt[0]
                    return tuple(items) if type(result) is tuple else items[0]
            return result

        return run

    return system


def _when(kind: type, change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda item: (change(item),) if type(item) is kind and item else None


def _exhausted(item: Any) -> Any:
    if not hasattr(item, "__next__"):
        return None
    left = list(itertools.islice(item, 1))
    return (item,) if left else None


def _merged(program: Program) -> Program:
    def run(*arguments: Any) -> Any:
        result = program(*arguments)
        if type(result) is tuple:
            lists = [number for number, item in enumerate(result) if type(item) is list]
            for one, other in itertools.combinations(lists, 2):
                if result[one] == result[other] and result[one] is not result[other]:
                    FIRED["merged"] += 1
                    return (*result[:other], result[one], *result[other + 1 :])
        return result

    return run


def _split(program: Program) -> Program:
    def run(*arguments: Any) -> Any:
        result = program(*arguments)
        if type(result) is tuple:
            for number, item in enumerate(result):
                shared = any(item is other for other in (*arguments, *result[:number]))
                if shared and type(item) in (list, dict, set):
                    FIRED["split"] += 1
                    return (*result[:number], copy.copy(item), *result[number + 1 :])
        return result

    return run


def _writes_lost(program: Program) -> Program:
    """Lists and dicts are copied before the program writes to them."""

    def run(*arguments: Any) -> Any:
        copies = [copy.copy(each) if type(each) in (list, dict) else each for each in arguments]
        before = repr([each for each in copies if type(each) in (list, dict)])
        try:
            return program(*copies)
        finally:
            FIRED["writes lost"] += before != repr([each for each in copies if type(each) in (list, dict)])

    return run


def _raising(name: str, other: Callable[[Exception], BaseException | None]) -> Callable[[Program], Program]:
    def system(program: Program) -> Program:
        def run(*arguments: Any) -> Any:
            try:
                return program(*arguments)
            except Exception as error:
                raised = other(error)
                if raised is error:
                    raise
                FIRED[name] += 1
                if raised is None:
                    return None
                raise raised from None

        return run

    return system


def _chain_lost(error: Exception) -> BaseException:
    if error.__cause__ is None and error.__context__ is None:
        return error
    error.__cause__ = error.__context__ = None
    return type(error)(*error.args)


def _afterwards(name: str, spoil: Callable[[], Any]) -> Callable[[Program], Program]:
    def system(program: Program) -> Program:
        def run(*arguments: Any) -> Any:
            try:
                return program(*arguments)
            finally:
                FIRED[name] += 1
                spoil()

        return run

    return system


def _autocast_left(program: Program) -> Program:
    left = _afterwards("autocast left", lambda: torch.set_autocast_enabled("cpu", True))(program)

    # What is set under inference mode ends with it.
    return lambda *arguments: (program if torch.is_inference_mode_enabled() else left)(*arguments)


def _stale(program: Program) -> Program:
    """What the first call returned, returned ever after: a guard that was forgotten."""
    kept: list[Any] = []

    def run(*arguments: Any) -> Any:
        result = program(*arguments)
        if kept and _plain(kept[0]) != _plain(result):
            FIRED["stale"] += 1
        kept.append(result)
        return kept[0]

    return run


def _plain(value: Any) -> str:
    # The sign of a zero is not compared.
    return repr(
        [type(each).__name__ + repr(each or type(each)())[:200] for each in _walk(value) if type(each) in IMMUTABLE]
    )


def _quiet(program: Program) -> Program:
    def run(*arguments: Any) -> Any:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = program(*arguments)
        FIRED["quiet"] += any(each.filename == "assay_case.py" for each in caught)
        return result

    return run


FAULTS: dict[str, Callable[[Program], Program]] = {
    "list as tuple": _on_result("list as tuple", _when(list, tuple)),
    "tuple as list": _on_result("tuple as list", _when(tuple, list)),
    "bool as int": _on_result("bool as int", _when(bool, int)),
    "int as float": _on_result("int as float", _when(int, float)),
    "off by one": _on_result("off by one", _when(int, lambda value: value + 1)),
    "float rounded": _on_result("float rounded", lambda v: (v + 2.0**-30,) if type(v) is float else None),
    "other text": _on_result("other text", _when(str, str.swapcase)),
    "item dropped": _on_result("item dropped", _when(list, lambda value: value[:-1])),
    "keys reordered": _on_result(
        "keys reordered", lambda v: (dict(reversed(v.items())),) if type(v) is dict and len(v) > 1 else None
    ),
    "set element lost": _on_result("set element lost", _when(set, lambda value: set(sorted(value, key=repr)[1:]))),
    "default factory lost": _on_result("default factory lost", _when(collections.defaultdict, dict)),
    "maxlen lost": _on_result(
        "maxlen lost", lambda v: (collections.deque(v),) if type(v) is collections.deque and v.maxlen else None
    ),
    "subclass lost": _on_result(
        "subclass lost",
        lambda v: next(
            ((kind(v),) for kind in (list, tuple, set) if isinstance(v, kind) and type(v) is not kind), None
        ),
    ),
    "attribute lost": _on_result(
        "attribute lost",
        lambda v: (
            (vars(v).popitem() and None) or (v,)
            if type(v).__module__ == "assay_case" and getattr(v, "__dict__", None)
            else None
        ),
    ),
    "iterator advanced": _on_result("iterator advanced", _exhausted),
    "iterator as list": _on_result("iterator as list", lambda v: (list(v),) if hasattr(v, "__next__") else None),
    "merged": _merged,
    "split": _split,
    "writes lost": _writes_lost,
    "swallowed": _raising("swallowed", lambda error: None),
    "other exception": _raising("other exception", lambda error: NotImplementedError("other")),
    "chain lost": _raising("chain lost", _chain_lost),
    "random numbers drawn": _afterwards("random numbers drawn", random.random),
    "grad mode left": _afterwards("grad mode left", lambda: torch.set_grad_enabled(not torch.is_grad_enabled())),
    "default dtype left": _afterwards("default dtype left", lambda: torch.set_default_dtype(torch.float64)),
    "deterministic left": _afterwards("deterministic left", lambda: torch.use_deterministic_algorithms(True)),
    "autocast left": _autocast_left,
    "stale": _stale,
    "quiet": _quiet,
}
