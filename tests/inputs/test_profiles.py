"""Contents of inputs: what each profile holds, in every dtype exactly."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from assay.inputs.profiles import FLOAT_PROFILES, INTEGER_PROFILES, draw_data, neighbours, special_floats, with_special
from assay.ir.program import Data
from assay.ir.types import INTEGER_RANGE
from assay.ops.facts import Interval

NUMPY = {"float16": np.float16, "float32": np.float32, "float64": np.float64}


def elements(data: Data) -> list[float]:
    return [data.element(index) for index in range(max(data.modulus, 1))]


def drawn(dtype: str, profile: str, times: int = 20) -> list[list[float]]:
    rng = random.Random(1)
    return [elements(draw_data(rng, dtype, None, profile)) for _ in range(times)]


@pytest.mark.parametrize(
    ("profile", "holds"),
    [
        ("negative", lambda v: max(v) < 0),
        ("positive", lambda v: min(v) > 0),
        ("integers", lambda v: all(x == round(x) for x in v) and min(v) < 0 < max(v)),
        ("halves", lambda v: any(x != round(x) for x in v) and all(2 * x == round(2 * x) for x in v)),
        ("constant", lambda v: len(set(v)) == 1 and v[0] != 0),
        ("zeros", lambda v: set(v) == {0.0}),
        ("ties", lambda v: len(set(v)) == 3),
        ("tiny", lambda v: max(map(abs, v)) < 1e-3 and any(v)),
        ("large", lambda v: max(map(abs, v)) >= 1000),
        ("distinct", lambda v: len(set(v)) == len(v) > 200),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_profile_is_what_its_name_says(profile: str, holds: object) -> None:
    assert callable(holds)
    assert all(holds(values) for values in drawn("float32", profile))


@pytest.mark.parametrize("dtype", sorted(NUMPY))
@pytest.mark.parametrize("profile", sorted(FLOAT_PROFILES))
def test_every_element_is_a_number_of_its_dtype(dtype: str, profile: str) -> None:
    for values in drawn(dtype, profile):
        assert [float(NUMPY[dtype](value)) for value in values] == values


def test_integers_are_negative_too_where_their_dtype_is() -> None:
    assert "negative" in INTEGER_PROFILES
    assert all(max(values) < 0 for values in drawn("int32", "negative"))
    assert all(min(values) >= 0 for values in drawn("uint8", "negative"))


@pytest.mark.parametrize("threshold", [1.0, -0.5, 3.0, 0.0])
@pytest.mark.parametrize("dtype", sorted(NUMPY))
def test_a_threshold_is_drawn_with_its_nearest_neighbours(dtype: str, threshold: float) -> None:
    rng = random.Random(2)
    made = [draw_data(rng, dtype, None, None, (threshold,), fine=True) for _ in range(200)]
    beside = {d.step for d in made if d.modulus == 3 and d.low + d.step == threshold}
    assert beside >= set(neighbours(threshold, dtype))
    for data in made:
        assert [float(NUMPY[dtype](value)) for value in elements(data)] == elements(data)
    if threshold:
        following = float(np.nextafter(NUMPY[dtype](threshold), NUMPY[dtype](math.inf * threshold)))
        assert abs(following - threshold) == neighbours(threshold, dtype)[0]


def test_an_interval_holds_whatever_the_profile() -> None:
    rng = random.Random(3)
    for profile in FLOAT_PROFILES:
        values = elements(draw_data(rng, "float32", Interval(0.25, 2.0), profile))
        assert 0.25 <= min(values) <= max(values) <= 2.0


def test_special_values_stand_in_the_place_of_some_elements() -> None:
    rng = random.Random(4)
    data = draw_data(rng, "float32", None, "dense")
    seen = {repr(value) for _ in range(200) for value in with_special(rng, data, "float32").special}
    assert seen == {repr(value) for value in special_floats("float32")}
    assert {"nan", "inf", "-inf", "-0.0"} < seen
    some = with_special(rng, data, "float32")
    assert elements(some)[0] in (*some.special, data.element(0)) or math.isnan(elements(some)[0])
    integers = draw_data(rng, "int64", None, "wide")
    assert {v for _ in range(50) for v in with_special(rng, integers, "int64").special} == set(INTEGER_RANGE["int64"])


@pytest.mark.parametrize("dtype", sorted(NUMPY))
def test_special_floats_are_the_limits_of_the_dtype(dtype: str) -> None:
    limits = np.finfo(NUMPY[dtype])
    finite = [value for value in special_floats(dtype) if math.isfinite(value)]
    assert max(finite) == float(limits.max)
    assert float(limits.tiny) in finite
    assert min(value for value in finite if value > 0) == float(limits.smallest_subnormal)
