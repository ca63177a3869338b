"""What `--input` says: a tensor by dtype, shape and range, or a Python number, for a position or a keyword.

float32[2,3]    int64[4]:0..10    bool[]    mask=bool[4,4]    n=3    flag=True    None
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assay.campaign.mistake import UserMistake
from assay.ir.program import Argument, Data, Input, Value
from assay.ir.types import ANY, TensorType, is_complex, is_float

_SPEC = re.compile(r"(\w+)\[([\d,\s]*)\](?::(-?[\d.e+-]+?)\.\.(-?[\d.e+-]+))?")
_NAMED = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
SHORT = {"float": "float32", "int": "int64", "double": "float64", "half": "float16", "long": "int64"}
ELEMENTS = 127
"""How many different elements a tensor of floats gets: a prime, so that rows are seldom equal."""


@dataclass(frozen=True, slots=True)
class Given:
    """One input: the expression that makes it, and for which keyword; by position where that is empty."""

    text: str
    keyword: str = ""


def given_of(specs: Sequence[str]) -> tuple[Given, ...]:
    """What specs say, in order. Raises UserMistake.

    >>> given_of(["mask=bool[2]"])
    (Given(text='fill((2,), torch.bool, 0, 1, 3)', keyword='mask'),)
    """
    found: list[Given] = []
    for spec in specs:
        named = _NAMED.fullmatch(spec.strip())
        keyword, rest = (named[1], named[2]) if named else ("", spec)
        if found and found[-1].keyword and not keyword:
            raise UserMistake(f"--input {spec}: inputs by position come before those by keyword")
        if keyword and any(each.keyword == keyword for each in found):
            raise UserMistake(f"--input {spec}: {keyword} is given twice")
        found.append(Given(_expression(rest.strip(), spec), keyword))
    return tuple(found)


def _expression(spec: str, whole: str) -> str:
    match = _SPEC.fullmatch(spec)
    if match is None:
        try:
            value: Any = ast.literal_eval(spec)
        except (ValueError, SyntaxError):
            raise UserMistake(
                f"--input {whole}: not an input such as float32[2,3], int64[4]:0..10, mask=bool[4], n=3"
            ) from None
        return repr(value)
    dtype = SHORT.get(match[1], match[1])
    if dtype not in ANY:
        raise UserMistake(f"--input {whole}: {match[1]} is no dtype; choose among {', '.join(ANY)}")
    try:
        shape = tuple(int(size) for size in match[2].split(",") if size.strip())
        limits = None if match[3] is None else (float(match[3]), float(match[4]))
    except ValueError:
        raise UserMistake(f"--input {whole}: a range is two numbers, such as 0..10") from None
    if limits is not None and limits[0] > limits[1]:
        raise UserMistake(f"--input {whole}: the range ends before it begins")
    return _written(dtype, shape, contents(dtype, limits))


def contents(dtype: str, limits: tuple[float, float] | None = None, offset: int = 0) -> Data:
    """Elements of a dtype within limits, both included; without any, floats in [-2, 2], integers from 0 to 3."""
    if dtype == "bool":
        return Data(0.0, 1.0, 3) if limits is None else Data(limits[0], 1.0, int(limits[1] - limits[0]) + 1)
    if not is_float(dtype) and not is_complex(dtype):
        low, high = limits or (0.0, 3.0)
        return Data(float(int(low)), 1.0, max(int(high) - int(low) + 1, 1), 7, offset)
    low, high = limits or (-2.0, 2.0)
    if low == high:
        return Data(low, 0.0, 1)
    return Data(low, (high - low) / (ELEMENTS - 1), ELEMENTS, 37, offset)


def _written(dtype: str, shape: tuple[int, ...], data: Data) -> str:
    from assay.emit.torch_inputs import contents as text_of

    entry = Input(Value("input", TensorType(dtype, shape)))
    return text_of(entry, shape, Argument(data), False)
