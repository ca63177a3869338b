"""Apply a fault to a process that has torch loaded already: replace the code objects of the functions that it touches.

This is the search's shortcut, for a forked child that tries one fault and ends. What decides is the import hook.
"""

from __future__ import annotations

import gc
import types
from collections.abc import Iterator
from typing import Any

Key = tuple[str, int, str]  # file, first line, name


class CannotPatch(Exception):
    """The fault changes what a function closes over, or its function is nowhere to be found."""


def key(code: types.CodeType) -> Key:
    return code.co_filename, code.co_firstlineno, code.co_name


def functions_by_key(root: str) -> dict[Key, list[types.FunctionType]]:
    """All live functions of files under `root`. Made once, before any fork."""
    found: dict[Key, list[types.FunctionType]] = {}
    for each in gc.get_objects():
        if type(each) is types.FunctionType and each.__code__.co_filename.startswith(root):
            found.setdefault(key(each.__code__), []).append(each)
    return found


def patch(
    functions: dict[Key, list[types.FunctionType]], source: bytes, path: str, entry: dict[str, Any], splice: Any
) -> None:
    """Give every live function that holds the fault its mutated code. CannotPatch if that is not possible."""
    first, last = entry["top"]
    lines = splice(source, entry).splitlines(keepends=True)
    # Blank lines before keep the numbering; the rest of the module need not be compiled again.
    text = b"\n" * (first - 1) + b"".join(lines[first - 1 : last])
    flags = __import__("__future__").annotations.compiler_flag if b"from __future__ import annotations" in source else 0
    try:
        module = compile(text, path, "exec", flags=flags, dont_inherit=True)
    except SyntaxError as error:
        raise CannotPatch(str(error)) from error
    patched = 0
    for code in chain_to(module, entry["line"]):
        for function in functions.get(key(code), ()):
            if function.__code__.co_freevars != code.co_freevars:
                raise CannotPatch(f"{code.co_name} closes over other names")
            function.__code__ = code
            patched += 1
    if not patched:
        raise CannotPatch("no live function")


def chain_to(module: types.CodeType, line: int) -> Iterator[types.CodeType]:
    """The code objects nested around a line, outermost first, without the module's own."""
    for const in module.co_consts:
        if isinstance(const, types.CodeType):
            lines = [number for _, _, number in const.co_lines() if number is not None]
            inner = list(chain_to(const, line))
            if inner or line in range(min(lines, default=0), max(lines, default=-1) + 1):
                yield const
                yield from inner
