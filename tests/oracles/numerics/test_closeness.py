"""Equality as numbers, and the default tolerances."""

import numpy as np
import pytest

from assay.oracles.numerics.closeness import beyond, distance, tolerance, unequal

F4 = np.float32


def test_zeros_of_either_sign_and_nans_of_any_payload_are_equal():
    payload = np.array([0x7FC00001], "<u4").view("<f4")[0]
    eager, target = np.array([0.0, np.nan, 1.0], F4), np.array([-0.0, payload, 1.0], F4)
    assert not unequal(eager, target).any()


@pytest.mark.parametrize(
    ("eager", "target"), [(1.0, np.nextafter(F4(1), F4(2))), (np.nan, 1.0), (np.inf, -np.inf), (np.inf, 3e38)]
)
def test_any_other_difference_is_one(eager, target):
    assert unequal(np.array([eager], F4), np.array([target], F4)).all()


def test_neighbouring_large_integers_differ():
    assert unequal(np.array([2**60]), np.array([2**60 + 1])).all()


@pytest.mark.parametrize("target", [np.inf, -np.inf, np.nan, 3.4e38])
def test_no_tolerance_reaches_from_an_infinity_to_something_else(target):
    eager = np.array([np.inf if target != np.inf else 3.4e38], F4)
    assert beyond(eager, np.array([target], F4), "float32").all()


def test_equal_infinities_are_within_tolerance():
    values = np.array([np.inf, -np.inf, np.nan], F4)
    assert not beyond(values, values.copy(), "float32").any()


def test_integers_and_bools_have_no_tolerance():
    assert tolerance("int32") == tolerance("bool") == (0.0, 0.0)
    assert beyond(np.array([True]), np.array([False]), "bool").all()


def test_distances_between_kinds_of_number_are_infinite_and_equal_ones_zero():
    first, second = np.array([np.inf, np.nan, np.nan, 1.0]), np.array([np.inf, np.nan, 1.0, 1.5])
    assert distance(first, second).tolist() == [0.0, 0.0, np.inf, 0.5]


def test_complex_numbers_are_compared_in_modulus():
    # the real parts alone would be outside: 1e-5 against 0, beside an imaginary part of 100
    eager, target = np.array([0 + 100j], "c8"), np.array([1e-4 + 100j], "c8")
    assert not beyond(eager, target, "complex64").any()


@pytest.mark.torch
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "complex64", "complex128"])
def test_tolerances_are_the_defaults_of_torch(dtype):
    torch = pytest.importorskip("torch")
    from torch.testing._comparison import default_tolerances

    assert tolerance(dtype) == default_tolerances(getattr(torch, dtype))
