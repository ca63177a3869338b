"""The element that stands for a wrong place: which it is, and what is told of it."""

from __future__ import annotations

import numpy as np
import pytest

from assay.oracles.elements import Compared, resolve, unit_in_last_place, worst
from assay.oracles.numerics.decode import Array
from assay.oracles.numerics.rounding import Ruling, Shadow
from assay.oracles.outcome import ValueRecord
from assay.oracles.pairs import Pair, Place

ANYTHING = ValueRecord("int", "0")


def compared(
    eager: object,
    target: object,
    value: object = None,
    bound: object = 0.0,
    *,
    dtype: str = "float32",
    exact: bool = False,
    place: Place = Place.output,
) -> Compared:
    """A place with these numbers."""
    kind = np.dtype(dtype)
    left, right = np.array(eager, kind), np.array(target, kind)
    wide: Array = np.array(eager if value is None else value, np.float64)
    shadow = Shadow.exact(left) if exact else Shadow(wide, np.broadcast_to(np.array(bound, np.float64), left.shape))
    return Compared(Pair(0, place, "output", ANYTHING, ANYTHING, exact), dtype, left, right, shadow)


def test_the_worst_is_off_by_most_of_its_own_bounds() -> None:
    place = compared([1.0, 100.0], [1.5, 104.0], bound=[0.01, 1.0])
    found = resolve(place, tolerances=True)
    assert found is not None
    element = worst(place, found)
    assert (element.index, element.different, element.wrong) == ((0,), 2, 1)
    assert element.target_off / element.bound == pytest.approx(50)
    assert not element.exact


def test_of_exact_elements_the_worst_is_off_by_most() -> None:
    place = compared([1.0, 2.0, 3.0], [1.0, 2.5, 5.0], exact=True)
    found = resolve(place, tolerances=True)
    assert found is not None
    element = worst(place, found)
    assert (element.index, element.eager, element.target, element.exact) == ((2,), 3.0, 5.0, True)


def test_an_element_without_dimensions_has_an_empty_index() -> None:
    place = compared(1, 2, dtype="int64", exact=True)
    found = resolve(place, tolerances=True)
    assert found is not None
    element = worst(place, found)
    assert (element.index, element.shape, element.value, element.total) == ((), (), None, 1)


def test_within_the_bound_nothing_is_wrong() -> None:
    found = resolve(compared([1.0], [1.5], bound=0.2), tolerances=True)
    assert found is None or found.ruling is not Ruling.wrong


def test_what_tolerances_allow_is_wrong_all_the_same_where_nothing_is_rounded() -> None:
    """So that a small error is found at the statement that makes it, not at the one that makes it large."""
    place = compared([1.0], [1.0 + 2.0**-20])
    assert resolve(place, tolerances=True) is None
    found = resolve(place, tolerances=False)
    assert found is not None
    assert found.ruling is Ruling.wrong


def test_gradients_that_tolerances_allow_are_judged_where_they_are_exact() -> None:
    place = compared([1.0, 1.0], [1.0 + 2.0**-20] * 2, bound=[0.0, 1.0], place=Place.gradient)
    found = resolve(place, tolerances=True)
    assert found is not None
    assert found.elements.tolist() == [True, False]


@pytest.mark.parametrize(
    ("dtype", "number", "unit"),
    [
        ("float64", 1.0, 2.0**-52),
        ("bfloat16", -3.0, 2.0**-6),
        ("float16", 1e-7, 2.0**-24),
        ("complex64", 3 + 4j, 2.0**-21),
        ("float32", 0.0, None),
        ("float32", float("inf"), None),
        ("int64", 3, None),
    ],
)
def test_units_in_the_last_place_are_those_of_the_dtype(dtype: str, number: complex, unit: float | None) -> None:
    assert unit_in_last_place(dtype, number) == unit
