"""Whether two tensors are equal as numbers, or close by the default tolerances of torch.testing."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from assay.oracles.numerics.decode import Array, plain_name

Mask: TypeAlias = NDArray[np.bool_]

TOLERANCES = {
    "float16": (1e-3, 1e-5),
    "complex32": (1e-3, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float32": (1.3e-6, 1e-5),
    "complex64": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
    "complex128": (1e-7, 1e-7),
}
"""Relative and absolute tolerance per dtype, as `torch.testing.assert_close` has them. A dtype that is not here is
compared exactly, but
for float8: torch.testing compares it exactly as well, which punishes one honest rounding, so it gets two units in the
last place.
"""

_FLOAT8_TOLERANCES = {"e4m3": (2.0**-3, 2.0**-9), "e5m2": (2.0**-2, 2.0**-16)}


def tolerance(dtype: str) -> tuple[float, float]:
    """Relative and absolute tolerance for ``dtype``; zeros where it is compared exactly."""
    name = plain_name(dtype)
    if name.startswith("float8_"):
        return _FLOAT8_TOLERANCES.get(name[7:11], (0.0, 0.0))
    return TOLERANCES.get(name, (0.0, 0.0))


def unequal(eager: Array, target: Array) -> Mask:
    """Where two arrays of one dtype differ as numbers: -0.0 is 0.0, and any NaN is any other.

    A complex number is NaN if either part is.
    """
    different = np.not_equal(eager, target)
    if eager.dtype.kind in "fc":
        different &= ~(np.isnan(eager) & np.isnan(target))
    return np.asarray(different)


def beyond(eager: Array, target: Array, dtype: str) -> Mask:
    """Where ``target`` differs from ``eager`` by more than the tolerances of ``dtype``; complex numbers in modulus.

    Computed in float64 or complex128; infinities and NaNs must be equal.
    """
    relative, absolute = tolerance(dtype)
    different = unequal(eager, target)
    if relative == 0.0 or not different.any():
        return different
    with np.errstate(invalid="ignore", over="ignore"):
        close = distance(eager, target) <= absolute + relative * np.abs(wide(eager))
    # an infinite eager value has an infinite allowance, which would accept anything
    return np.asarray(different & ~(close & np.isfinite(eager)))


def distance(first: Array, second: Array) -> NDArray[np.float64]:
    """The distance of two arrays in float64: zero where they are equal as numbers, infinite where only one is NaN or
    infinite.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(wide(second) - wide(first))
    apart = np.where(np.isfinite(apart), apart, np.inf)
    return np.where(unequal(first, second), apart, 0.0)


def wide(values: Array) -> Array:
    """``values`` in float64, or complex128 where they are complex."""
    return values.astype(np.complex128 if values.dtype.kind == "c" else np.float64)
