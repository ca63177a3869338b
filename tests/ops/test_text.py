"""How torch writes an operation."""

from __future__ import annotations

from typing import Any

import pytest

from assay.ir.sizes import symbol
from assay.ir.types import Dtype
from assay.ops.catalogue import load
from assay.ops.facts import Unsatisfied
from assay.ops.text import expression, forms, parts, written


def text(name: str, operands: list[str], form: str = "function", **attributes: Any) -> str:
    return expression(load()[name], operands, attributes, form, "o" if form == "out" else None)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Dtype("bfloat16"), "torch.bfloat16"),
        ((2,), "(2,)"),
        ((symbol("n", (2, 3)) + 1, -1), "(n + 1, -1)"),
        (float("inf"), 'float("inf")'),
        (None, "None"),
        ("mean", "'mean'"),
    ],
)
def test_values_are_written_as_python(value: Any, expected: str) -> None:
    assert written(value) == expected


def test_attributes_at_their_default_are_left_out() -> None:
    assert text("binary.add", ["x", "y"], alpha=1) == "torch.add(x, y)"
    assert text("binary.add", ["x", "y"], alpha=2) == "torch.add(x, y, alpha=2)"


def test_one_and_true_are_different_defaults() -> None:
    assert text("binary.add", ["x", "y"], alpha=True) == "torch.add(x, y, alpha=True)"


def test_each_form_has_its_own_text() -> None:
    assert text("binary.add", ["x", "y"], "method", alpha=1) == "x.add(y)"
    assert text("binary.add", ["x", "y"], "operator", alpha=1) == "x + y"
    assert text("binary.add", ["x", "y"], "inplace", alpha=1) == "x.add_(y)"
    assert text("binary.add", ["x", "y"], "out", alpha=1) == "torch.add(x, y, out=o)"


def test_the_symbol_stands_only_where_all_attributes_are_at_their_default() -> None:
    add = load()["binary.add"]
    assert "operator" in forms(add, {"alpha": 1})
    assert "operator" not in forms(add, {"alpha": 2})


def test_positional_attributes_stand_where_torch_takes_them() -> None:
    assert text("index.gather", ["x", "i"], dim=1) == "torch.gather(x, 1, i)"
    assert text("index.gather", ["x", "i"], "method", dim=1) == "x.gather(1, i)"


def test_the_receiver_of_a_method_is_the_first_operand_even_where_the_function_takes_it_later() -> None:
    assert text("ternary.where", ["x", "y", "c"]) == "torch.where(c, x, y)"
    assert text("ternary.where", ["x", "y", "c"], "method") == "x.where(c, y)"


def test_operands_left_out_are_none_only_before_others() -> None:
    assert text("matmul.linear", ["x", "w", "None"]) == "torch.nn.functional.linear(x, w)"
    assert text("norm.group_norm", ["x", "None", "b"], num_groups=2, eps=1e-5) == (
        "torch.nn.functional.group_norm(x, 2, None, b)"
    )


def test_a_negative_receiver_is_parenthesised() -> None:
    assert text("binary.add", ["-x", "y"], "method", alpha=1) == "(-x).add(y)"


def test_what_exists_only_as_a_method_is_written_as_one() -> None:
    assert text("cast.to", ["x"], dtype=Dtype("float16")) == "x.to(torch.float16)"


def test_what_exists_only_in_place_has_no_other_form() -> None:
    assert forms(load()["write.zero_"], {}) == ("inplace",)


def test_what_writes_by_a_function_is_written_as_one() -> None:
    assert text("activation.elu", ["x"], "inplace", alpha=2.0) == "torch.nn.functional.elu_(x, alpha=2.0)"
    assert text("activation.silu", ["x"], "inplace") == "torch.nn.functional.silu(x, inplace=True)"


def test_out_is_there_with_the_attributes_that_allow_it() -> None:
    total = load()["reduce.sum"]
    assert "out" in forms(total, {"dim": (0,), "keepdim": False})
    assert "out" not in forms(total, {"dim": None, "keepdim": False})


def test_what_is_written_by_a_text_of_its_own_has_no_parts() -> None:
    """A call of the method alone would leave off what follows it."""
    for name in ("chance.exponential_", "chance.uniform_"):
        with pytest.raises(Unsatisfied):
            parts(load()[name], ["v1"], {}, "inplace")
