"""The input search's request for a program, and the program with what was found.

program --request--> worker (torch_search) --the formula of each input--> program
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from assay.ir.program import Program
from assay.ir.types import TensorType, is_complex


def names_in_order(program: Program) -> dict[str, Any]:
    """The names of inputs in the order in which the text fills them: of the state, and of each call's arguments. It
    fills complex ones twice, which are named besides."""
    filled = [entry for entry in program.inputs if isinstance(entry.value.type, TensorType) and entry.base is None]
    double = [e.name for e in filled if isinstance(e.value.type, TensorType) and is_complex(e.value.type.dtype)]
    names = [(entry.role, entry.name) for entry in filled for _ in range(2 if entry.name in double else 1)]
    return {
        "state": [name for role, name in names if role != "argument"],
        "calls": [[name for role, name in names if role == "argument"]] * len(program.calls),
        "complex": double,
    }


def with_found(program: Program, found: Mapping[str, Sequence[float]]) -> Program:
    """The program with what was found of each floating input, in every call: its low and step, how many values it has,
    and its multiplier."""

    def changed(name: str, argument: Any) -> Any:
        if name not in found or argument.data is None:
            return argument
        low, step, modulus, multiplier = found[name]
        data = replace(argument.data, low=low, step=step, modulus=int(modulus), multiplier=int(multiplier))
        return replace(argument, data=data)

    calls = tuple(
        replace(call, arguments=tuple((name, changed(name, argument)) for name, argument in call.arguments))
        for call in program.calls
    )
    return replace(program, calls=calls)
