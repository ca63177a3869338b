"""The input search's request for a program, and the program with what was found.

program --request--> worker (torch_search) --low and step of each input--> program
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from assay.ir.program import Program
from assay.ir.types import TensorType


def names_in_order(program: Program) -> dict[str, Any]:
    """The names of inputs in the order in which the text fills them: of the state, and of each call's arguments."""
    filled = [entry for entry in program.inputs if isinstance(entry.value.type, TensorType) and entry.base is None]
    arguments = [entry.name for entry in filled if entry.role == "argument"]
    return {
        "state": [entry.name for entry in filled if entry.role != "argument"],
        "calls": [arguments] * len(program.calls),
    }


def with_found(program: Program, found: Mapping[str, Sequence[float]]) -> Program:
    """The program with the low and step that were found of each floating input, in every call."""

    def changed(name: str, argument: Any) -> Any:
        if name not in found or argument.data is None:
            return argument
        low, step = found[name]
        return replace(argument, data=replace(argument.data, low=low, step=step))

    calls = tuple(
        replace(call, arguments=tuple((name, changed(name, argument)) for name, argument in call.arguments))
        for call in program.calls
    )
    return replace(program, calls=calls)
