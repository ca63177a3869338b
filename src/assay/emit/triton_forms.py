"""How operators are written in Triton: one table, `FORMS`, from the name of a specification to its form.

A *form* takes the `Kernel`, the binding and an `Arg` per operand and returns the expression of each result, which has
the dtype of that result. One that cannot be written in a kernel of its kind raises Unsatisfied.
"""

from __future__ import annotations

from assay.emit import triton_along, triton_elementwise, triton_shapes
from assay.emit.triton_table import FORMS, HELPERS

MODULES = (triton_elementwise, triton_shapes, triton_along)
"""Where they are written."""

__all__ = ["FORMS", "HELPERS"]
