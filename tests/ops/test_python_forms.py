"""Python expressions that must yield one of their operands."""

from __future__ import annotations

import importlib
from types import SimpleNamespace

import pytest

from assay.ops.python_forms import MODULES, PICKS, TESTS


class Tensor:
    """As much of a tensor as the expressions look at."""

    shape = (2, 4)
    ndim = 2
    dtype = "float32"
    device = SimpleNamespace(type="cpu")
    requires_grad = False

    def stride(self) -> tuple[int, ...]:
        return (4, 1)

    def element_size(self) -> int:
        return 4

    def is_contiguous(self) -> bool:
        return True

    def dim(self) -> int:
        return 2

    def numel(self) -> int:
        return 8

    def is_floating_point(self) -> bool:
        return True


TORCH = SimpleNamespace(
    Tensor=Tensor,
    float32="float32",
    complex32="complex32",
    is_tensor=lambda value: isinstance(value, Tensor),
    finfo=lambda dtype: SimpleNamespace(bits=32),
)
NAMES = {"torch": TORCH} | {name: importlib.import_module(name) for name in MODULES}


@pytest.mark.parametrize("form", PICKS)
def test_a_pick_yields_the_operand_that_it_names(form: str) -> None:
    text, position, count = PICKS[form]
    operands = {f"v{number}": Tensor() for number in range(count)}
    assert eval(text.format(*operands), NAMES | operands) is operands[f"v{position}"]


@pytest.mark.parametrize("form", TESTS)
def test_a_condition_is_decided_without_the_elements(form: str) -> None:
    found = {bool(eval(form.format("n", "x"), NAMES | {"n": number, "x": Tensor()})) for number in range(6)}
    assert found <= {True, False}
