"""Calls as JSON: what is encoded is rebuilt, large tensors keep what matters of them, and integers become floats."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from assay.apis.seed_json import Code, Encoder, Unusable, array_of, decode, sealed, turned_complex, variants


def encoded(*args: Any, **kwargs: Any) -> dict[str, Any]:
    encoder = Encoder(
        lambda value: value if isinstance(value, np.ndarray) else None, lambda value, inner: NotImplemented
    )
    call: dict[str, Any] = json.loads(json.dumps(encoder.call(args, kwargs), allow_nan=False))
    return call


def test_arguments_are_rebuilt() -> None:
    array = np.array([[1.5, np.inf], [np.nan, -0.25]])
    given = [
        array,
        2,
        "x",
        None,
        True,
        float("inf"),
        1 + 2j,
        [1, (2, 3)],
        {"a": [0]},
        {1, 2},
        slice(0, 2),
        Ellipsis,
        int,
    ]
    call = encoded(*given)
    rebuilt = decode(call["args"], [array_of(each) for each in call["tensors"]], {})
    np.testing.assert_array_equal(rebuilt[0], array)
    assert rebuilt[1:] == given[1:]


def test_one_array_passed_twice_is_one_tensor() -> None:
    array = np.ones(2)
    call = encoded(array, [array], out=np.ones(2))
    assert call["args"] == [{"tensor": 0}, [{"tensor": 0}]]
    assert call["kwargs"] == {"out": {"tensor": 1}}


@pytest.mark.parametrize("value", [len, object(), iter(()), np.ones(5000)])
def test_what_has_no_form_makes_a_call_unusable(value: Any) -> None:
    with pytest.raises(Unusable):
        encoded(value)


def test_an_expression_is_evaluated_where_the_call_is_rebuilt() -> None:
    assert decode(encoded(Code("base + 1"))["args"], [], {"base": 2}) == [3]


def test_small_tensors_are_printed_with_few_digits() -> None:
    (stored,) = sealed(encoded(np.array([1 / 3, 2e-7], "float32")))["tensors"]
    assert stored == {"dtype": "float64", "shape": [2], "values": [0.3333, 2e-7]}


def test_large_tensors_without_structure_are_printed_by_their_range() -> None:
    array = np.random.default_rng(0).uniform(-2.0, 3.0, (10, 10))
    (stored,) = sealed(encoded(array))["tensors"]
    assert "values" not in stored
    assert -2.0 <= stored["low"] < stored["high"] <= 3.0


@pytest.mark.parametrize("structure", ["symmetric", "triangular", "orthonormal"])
def test_large_matrices_with_structure_keep_it(structure: str) -> None:
    array = np.random.default_rng(0).normal(size=(10, 10))
    array = {"symmetric": array + array.T, "triangular": np.tril(array), "orthonormal": np.linalg.qr(array)[0]}[
        structure
    ]
    (stored,) = sealed(encoded(array))["tensors"]
    kept = array_of(stored)
    np.testing.assert_allclose(kept, array, rtol=1e-3)
    if structure == "orthonormal":
        np.testing.assert_allclose(kept.T @ kept, np.eye(10), atol=1e-12)


def test_a_call_without_floats_is_tried_with_its_integers_and_then_its_numbers_as_floats() -> None:
    tried = list(variants(encoded(np.array([1, 2]), 3)))
    assert [each["dtype"] for each in tried[0]["tensors"]] == ["float64"]
    assert [[tensor["dtype"] for tensor in each["tensors"]] for each in tried[1:]] == [["int64", "float64"]]
    assert tried[1]["args"][1] == {"tensor": 1}


def test_a_call_with_floats_is_tried_in_double_precision_first() -> None:
    tried = [each["tensors"][0]["dtype"] for each in variants(encoded(np.ones(2, "float32")))]
    assert tried == ["float64", "float64", "float32"]


def test_doubles_are_made_complex_and_integers_stay() -> None:
    turned = turned_complex(sealed(encoded(np.ones(2), np.array([1]))))
    assert turned is not None
    assert [each["dtype"] for each in turned["tensors"]] == ["complex128", "int64"]
    assert array_of(turned["tensors"][0]).imag.all()
