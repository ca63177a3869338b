"""The table of the forms, and what they share: see `assay.emit.triton_forms`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from assay.ir.types import is_float
from assay.ops.onnx_forms import NARROW

Form: TypeAlias = Callable[..., "str | tuple[str, ...]"]
FORMS: dict[str, Form] = {}

HELPERS = {
    "multiplied": ["def multiplied(a, b):", "    return a * b"],
    "larger": [
        "def larger(a, i, b, j):",
        "    right = b >= a",
        "    return tl.where(right, b, a), tl.where(right, j, i)",
    ],
    "smaller": [
        "def smaller(a, i, b, j):",
        "    right = b <= a",
        "    return tl.where(right, b, a), tl.where(right, j, i)",
    ],
}
"""Functions that kernels call, each compiled as one of Triton's own."""


def form(*names: str) -> Callable[[Form], Form]:
    """Enter a form under the names of its operators."""

    def entered(function: Form) -> Form:
        FORMS.update(dict.fromkeys(names, function))
        return function

    return entered


def wide(dtype: str) -> str:
    """The dtype in which functions of the reals are computed."""
    return "float32" if dtype in NARROW else dtype


def held(dtype: str) -> str:
    """The dtype in which a sum is formed."""
    return wide(dtype) if is_float(dtype) else "int64"
