"""Promotion against torch.result_type, for every pair of operands that it distinguishes."""

from __future__ import annotations

import itertools

import pytest

from assay.ir.types import ALL, ScalarType, TensorType
from assay.ops.promotion import can_store, promote_dtypes, result_dtype

SCALARS = {"int": 2, "float": 2.5, "bool": True}


def test_two_16_bit_floats_meet_in_float32() -> None:
    assert promote_dtypes("float16", "bfloat16") == "float32"


def test_a_number_keeps_the_dtype_of_its_category() -> None:
    assert result_dtype(TensorType("int8", (2,)), ScalarType("int")) == "int8"
    assert result_dtype(TensorType("int8", (2,)), ScalarType("float")) == "float32"


@pytest.mark.parametrize("a", ALL)
@pytest.mark.parametrize("b", ALL)
def test_promotion_is_symmetric(a: str, b: str) -> None:
    assert promote_dtypes(a, b) == promote_dtypes(b, a)


@pytest.mark.torch
def test_every_pair_of_operands_promotes_as_torch_says() -> None:
    import torch

    tensors = [
        (TensorType(dtype, shape), torch.zeros(shape, dtype=getattr(torch, dtype)))
        for dtype in ALL
        for shape in ((), (2,))
    ]
    scalars = [(ScalarType(kind), value) for kind, value in SCALARS.items()]
    wrong = []
    for (a, x), (b, y) in itertools.product(tensors, [*tensors, *scalars]):
        got = result_dtype(a, b)
        expected = str(torch.result_type(x, y)).removeprefix("torch.")
        if got != expected:
            wrong.append((a, b, got, expected))
    assert not wrong


@pytest.mark.torch
@pytest.mark.parametrize("target", ALL)
def test_what_can_be_stored_in_place_is_what_torch_casts(target: str) -> None:
    import torch

    for result in ALL:
        assert can_store(result, target) == torch.can_cast(getattr(torch, result), getattr(torch, target)), result
