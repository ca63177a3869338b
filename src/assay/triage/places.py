"""Where a finding is, in terms of the program: which leaf of the outputs, which argument, which entry of the state."""

from __future__ import annotations

import re
from dataclasses import dataclass

from assay.ir.program import Program, PythonOperation, Tree, walk
from assay.ir.types import ContainerType, TensorType, Type
from assay.triage.rewriting import types_of

_CALL = re.compile(r"^call (\d+), ")
_ARGUMENT = re.compile(r"^(gradient of )?argument (\d+)(.*)$")
_STATE = re.compile(r"^state '(.+)'")


@dataclass(frozen=True, slots=True)
class Accused:
    """The place of a finding. ``place`` is output, argument, state, gradient, or empty where the text names none.

    ``leaf`` is the number of a leaf of the outputs, ``path`` the Python text after ``arguments`` or the name of a
    parameter; ``dtype`` is what eager has there, where that is known.
    """

    call: int = 0
    place: str = ""
    leaf: int | None = None
    path: str = ""
    dtype: str = ""


def accused(program: Program, where: str) -> Accused:
    """The place that the ``where`` of a judgement names."""
    match = _CALL.match(where)
    call, rest = (int(match.group(1)), where[match.end() :]) if match else (0, where)
    found = _ARGUMENT.match(rest)
    if found:
        number = int(found.group(2))
        arguments = [entry for entry in program.inputs if entry.role == "argument"]
        dtype = _dtype(arguments[number].value.type) if number < len(arguments) else ""
        place = "gradient" if found.group(1) else "argument"
        return Accused(call, place, None, f"[{number}]{found.group(3)}", dtype)
    if rest.startswith("gradient of "):
        name = rest.removeprefix("gradient of ")
        return Accused(call, "gradient", None, name, _named(program, name))
    found = _STATE.match(rest)
    if found:
        return Accused(call, "state", None, found.group(1), _named(program, found.group(1)))
    if rest.startswith("output"):
        leaves = output_leaves(program)
        # What lies within a value of which no more is known than that it is an object is that value.
        within = (n for n, (path, _) in enumerate(leaves) if path == rest or rest.startswith(f"{path}["))
        number = next(within, 0 if len(leaves) == 1 else -1)
        return Accused(call, "output", None if number < 0 else number, "", leaves[number][1] if number >= 0 else "")
    return Accused(call)


def output_leaves(program: Program) -> list[tuple[str, str]]:
    """Path and dtype of every leaf of the outputs, depth first; the dtype is empty for what is no tensor."""
    types = types_of(program)
    contents = _keys(program)
    leaves: list[tuple[str, str]] = []

    def step(path: str, kind: str, number: int, key: str) -> str:
        if kind == "dict":
            return f"{path}[{key!r}]"
        return f"output {number}" if path == "output" else f"{path}[{number}]"

    def of_type(path: str, type_: Type, name: str) -> None:
        if isinstance(type_, ContainerType):
            keys = type_.keys or contents.get(name, ())
            for number, item in enumerate(type_.items):
                of_type(step(path, type_.kind, number, keys[number] if number < len(keys) else str(number)), item, "")
        else:
            leaves.append((path, _dtype(type_)))

    def of_tree(path: str, tree: Tree) -> None:
        if isinstance(tree, str):
            of_type(path, types[tree], tree)
            return
        kind, items, keys = tree
        for number, item in enumerate(items):
            of_tree(step(path, kind, number, keys[number] if keys else ""), item)

    of_tree("output", program.outputs)
    return leaves


def _keys(program: Program) -> dict[str, tuple[str, ...]]:
    return {
        statement.results[0].name: tuple(dict(statement.attributes).get("keys", ()))
        for statement in walk(program.body)
        if isinstance(statement, PythonOperation) and statement.kind == "pack"
    }


def _dtype(type_: Type) -> str:
    return type_.dtype if isinstance(type_, TensorType) else ""


def _named(program: Program, name: str) -> str:
    return next((_dtype(entry.value.type) for entry in program.inputs if entry.name == name), "")
