"""Type promotion of torch: tensors with dimensions go before 0-d tensors, and those before Python numbers.

Source: torch's tensor attributes documentation, "torch.dtype", the promotion rules.
"""

from __future__ import annotations

from functools import cache

from assay.ir.types import COMPLEXES, FLOATS, INTEGERS, ScalarType, TensorType

_SCALAR_DTYPE = {"bool": "bool", "int": "int64", "float": "float32"}


def category(dtype: str) -> int:
    """bool 0, integer 1, float 2, complex 3."""
    return 0 if dtype == "bool" else 1 if dtype in INTEGERS else 2 if dtype in FLOATS else 3


@cache
def promote_dtypes(a: str, b: str) -> str:
    """The common dtype of two tensors of equal priority."""
    if a == b:
        return a
    low, high = sorted((a, b), key=category)
    if category(low) < category(high):
        if category(high) == 3 and low == "float64":
            return "complex128"
        return high
    if category(low) == 1:
        if "uint8" in (a, b):
            other = b if a == "uint8" else a
            return "int16" if other == "int8" else other
        return max(a, b, key=INTEGERS.index)
    if category(low) == 2:
        return "float32" if {a, b} == {"float16", "bfloat16"} else max(a, b, key=FLOATS.index)
    return max(a, b, key=COMPLEXES.index)


def _override(higher: str | None, lower: str | None) -> str | None:
    """The result where ``higher`` has priority: a lower one counts only by its category."""
    if higher is None or lower is None:
        return higher or lower
    if category(higher) >= 2 and category(lower) <= category(higher):
        return higher
    if higher == "bool" or category(lower) > category(higher):
        return promote_dtypes(higher, lower)
    return higher


def result_dtype(*operands: TensorType | ScalarType) -> str:
    """The dtype in which an elementwise operation on these operands computes."""
    dimensioned: str | None = None
    zero: str | None = None
    wrapped: str | None = None
    for operand in operands:
        if isinstance(operand, ScalarType):
            dtype = _SCALAR_DTYPE[operand.kind]
            wrapped = dtype if wrapped is None else promote_dtypes(wrapped, dtype)
        elif operand.shape:
            dimensioned = operand.dtype if dimensioned is None else promote_dtypes(dimensioned, operand.dtype)
        else:
            zero = operand.dtype if zero is None else promote_dtypes(zero, operand.dtype)
    result = _override(dimensioned, _override(zero, wrapped))
    assert result is not None, "an operation has at least one operand"
    return result


def to_float(dtype: str) -> str:
    """What integers and bools become where a function is real-valued: the default dtype."""
    return "float32" if category(dtype) < 2 else dtype


def can_store(result: str, target: str) -> bool:
    """Whether an in-place operation whose result has one dtype may write a tensor of another."""
    return category(result) <= category(target) or result == target
