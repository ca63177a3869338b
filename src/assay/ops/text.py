"""How torch writes an operation: the text of an attribute's value and of each form of an operator.

Everything that follows from a specification alone is here; names of values and statements are the emitter's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from assay.ir.sizes import Sym, render
from assay.ir.types import Dtype
from assay.ops.facts import require
from assay.ops.protocol import Operator


def written(value: Any) -> str:
    """The text of an attribute's value.

    >>> written((1, Dtype("float32"), None))
    '(1, torch.float32, None)'
    """
    if isinstance(value, Sym):
        return render(value)
    if isinstance(value, Dtype):
        return f"torch.{value.name}"
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, tuple):
        return f"({written(value[0])},)" if len(value) == 1 else f"({', '.join(map(written, value))})"
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    return repr(value)


def forms(operator: Operator, attributes: Mapping[str, Any]) -> tuple[str, ...]:
    """The forms that the operator has with these attributes: function, method, operator, inplace, out."""
    if operator.inplace_only:
        return ("inplace",)
    result = ["function"]
    if operator.method is not None:
        result.append("method")
    if operator.symbol is not None and _named(operator, attributes) == []:
        result.append("operator")
    if operator.inplace is not None:
        result.append("inplace")
    if operator.out(attributes) if callable(operator.out) else operator.out:
        result.append("out")
    return tuple(result)


def expression(
    operator: Operator,
    operands: Sequence[str],
    attributes: Mapping[str, Any],
    form: str = "function",
    out: str | None = None,
) -> str:
    """The text of an operation, given the texts of its operands ("None" where left out, ``[a, b]`` for a list)."""
    subject = f"({operands[0]})" if operands[0].startswith("-") and form != "function" else operands[0]
    name = operator.torch
    if form == "operator":
        assert operator.symbol is not None
        return f"{subject} {operator.symbol} {operands[1]}" if len(operands) == 2 else f"{operator.symbol}{subject}"
    if operator.render is not None and (form == "function" or operator.inplace_only):
        return operator.render(operands, attributes)
    if form == "inplace" and "." in str(operator.inplace):
        return _written_by_function(operator, operands, attributes)
    bound = form in ("method", "inplace") or name.startswith("torch.Tensor.")
    arguments = _arguments(operator, operands, attributes, skip=operator.operands[0].name if bound else "")
    if out is not None:
        arguments.append(f"out={out}")
    if form == "inplace":
        name = f"{subject}.{operator.inplace}"
    elif form == "method":
        name = f"{subject}.{operator.method}"
    elif bound:
        name = f"{subject}.{name.rpartition('.')[2]}"
    return f"{name}({', '.join(arguments)})"


def parts(
    operator: Operator, operands: Sequence[str], attributes: Mapping[str, Any], form: str, out: str | None = None
) -> tuple[str, tuple[str, ...]]:
    """The text of an operation as what it calls and the arguments. Raises Unsatisfied where it is written otherwise."""
    name = operator.torch
    bound = form in ("method", "inplace") or name.startswith("torch.Tensor.")
    rendered = operator.render is not None and (form == "function" or operator.inplace_only)
    require(form != "operator" and not rendered, "the operation is no plain call")
    require(form != "inplace" or "." not in (operator.inplace or ""), "the operation is written by a function")
    arguments = _arguments(operator, operands, attributes, skip=operator.operands[0].name if bound else "")
    if out is not None:
        arguments.append(f"out={out}")
    if bound:
        last = (
            operator.inplace if form == "inplace" else operator.method if form == "method" else name.rpartition(".")[2]
        )
        return f"torch.Tensor.{last}", (operands[0], *arguments)
    return name, tuple(arguments)


def _written_by_function(operator: Operator, operands: Sequence[str], attributes: Mapping[str, Any]) -> str:
    """A function that writes its first operand: by its name, or where that is the function's own, by an argument."""
    arguments = _arguments(operator, operands, attributes, skip="")
    if operator.inplace == operator.torch:
        arguments.append("inplace=True")
    return f"{operator.inplace}({', '.join(arguments)})"


def _arguments(operator: Operator, operands: Sequence[str], attributes: Mapping[str, Any], skip: str) -> list[str]:
    order = operator.order or tuple(operand.name for operand in operator.operands)
    positional: list[str] = []
    for name in order:
        if name == skip:
            continue
        position = operator.index.get(name)
        positional.append(written(attributes[name]) if position is None else operands[position])
    positional += [
        written(attributes[attribute.name])
        for attribute in operator.attributes
        if attribute.positional and attribute.name not in order
    ]
    while positional and positional[-1] == "None":
        positional.pop()
    return positional + [f"{name}={written(attributes[name])}" for name in _named(operator, attributes)]


def _named(operator: Operator, attributes: Mapping[str, Any]) -> list[str]:
    """Attributes that are written by name: those not hidden, not positional, not at their default."""
    return [
        attribute.name
        for attribute in operator.attributes
        if not (attribute.hidden or attribute.positional or attribute.name in operator.order)
        and not _is_default(attributes[attribute.name], attribute.default)
    ]


def _is_default(value: Any, default: Any) -> bool:
    """Whether the value is the default one, where 1, 1.0 and True differ."""
    return type(value) is type(default) and bool(value == default)
