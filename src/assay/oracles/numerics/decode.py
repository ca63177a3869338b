"""Raw little-endian bytes of a tensor as numbers that numpy can compute with, whatever the dtype.

A worker sends bytes as they lie in memory; the types that numpy lacks (bfloat16, float8, complex32) are widened here,
without loss.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]

_PLAIN = {
    "bool": "?",
    "uint8": "u1",
    "uint16": "<u2",
    "uint32": "<u4",
    "uint64": "<u8",
    "int8": "i1",
    "int16": "<i2",
    "int32": "<i4",
    "int64": "<i8",
    "float16": "<f2",
    "float32": "<f4",
    "float64": "<f8",
    "complex64": "<c8",
    "complex128": "<c16",
}
# exponent bits, mantissa bits, bias, and whether the top exponent is spent on infinities (IEEE), on NaN alone (fn) or
# the sign of zero on NaN (fnuz)
_FLOAT8 = {
    "float8_e4m3fn": (4, 3, 7, "fn"),
    "float8_e5m2": (5, 2, 15, "ieee"),
    "float8_e4m3fnuz": (4, 3, 8, "fnuz"),
    "float8_e5m2fnuz": (5, 2, 16, "fnuz"),
}
_UNIT_ROUNDOFF = {
    "bfloat16": 2.0**-8,
    "float16": 2.0**-11,
    "complex32": 2.0**-11,
    "float32": 2.0**-24,
    "complex64": 2.0**-24,
    "float64": 2.0**-53,
    "complex128": 2.0**-53,
    **{name: 2.0 ** -(mantissa + 1) for name, (_, mantissa, _, _) in _FLOAT8.items()},
}
_LARGEST = {
    "bfloat16": (2 - 2.0**-7) * 2.0**127,
    "float16": 65504.0,
    "complex32": 65504.0,
    "float32": (2 - 2.0**-23) * 2.0**127,
    "complex64": (2 - 2.0**-23) * 2.0**127,
}


def plain_name(dtype: str) -> str:
    """The name of a dtype without its framework.

    >>> plain_name("torch.float32")
    'float32'
    """
    return dtype.rpartition(".")[2]


def unit_roundoff(dtype: str) -> float | None:
    """The largest relative error of one rounding to ``dtype``; None for integers, bools and unknown types."""
    return _UNIT_ROUNDOFF.get(plain_name(dtype))


def largest(dtype: str) -> float:
    """The largest finite number of ``dtype``; that of float64 where it is not known."""
    return _LARGEST.get(plain_name(dtype), float(np.finfo(np.float64).max))


def itemsize(dtype: str) -> int:
    """Bytes of an element; those of the largest type, complex128, where it is not known."""
    name = plain_name(dtype)
    if name in _PLAIN:
        return np.dtype(_PLAIN[name]).itemsize
    return {"bfloat16": 2, "complex32": 4, **dict.fromkeys(_FLOAT8, 1)}.get(name, 16)


def decode(dtype: str, shape: tuple[int, ...], data: bytes) -> Array | None:
    """The numbers in ``data`` as an array of ``shape``; None where the dtype is not known or the size does not fit.

    The result is in a type that holds every value of ``dtype`` exactly.

    >>> decode("bfloat16", (2,), bytes.fromhex("803f00c0")).tolist()
    [1.0, -2.0]
    """
    name = plain_name(dtype)
    count = math.prod(shape)
    if name in _PLAIN:
        kind = np.dtype(_PLAIN[name])
        return np.frombuffer(data, kind).reshape(shape) if len(data) == count * kind.itemsize else None
    if name == "bfloat16" and len(data) == 2 * count:
        return (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4").reshape(shape)
    if name == "complex32" and len(data) == 4 * count:
        return np.frombuffer(data, "<f2").astype("<f4").view("<c8").reshape(shape)
    if name in _FLOAT8 and len(data) == count:
        numbers: Array = _float8_values(name)[np.frombuffer(data, "u1")].reshape(shape)
        return numbers
    return None


@cache
def _float8_values(name: str) -> Array:
    exponent_bits, mantissa_bits, bias, specials = _FLOAT8[name]
    return np.array([_float8(code, exponent_bits, mantissa_bits, bias, specials) for code in range(256)], "<f4")


def _float8(code: int, exponent_bits: int, mantissa_bits: int, bias: int, specials: str) -> float:
    sign = -1.0 if code & 0x80 else 1.0
    exponent = code >> mantissa_bits & ((1 << exponent_bits) - 1)
    mantissa = code & ((1 << mantissa_bits) - 1)
    top = exponent == (1 << exponent_bits) - 1
    if specials == "fnuz" and code == 0x80:
        return math.nan
    if specials == "fn" and top and mantissa == (1 << mantissa_bits) - 1:
        return math.nan
    if specials == "ieee" and top:
        return math.nan if mantissa else sign * math.inf
    fraction = mantissa / (1 << mantissa_bits)
    return sign * (math.ldexp(1 + fraction, exponent - bias) if exponent else math.ldexp(fraction, 1 - bias))
