"""Numerical slopes: estimated where there is one, an interval at a kink, nothing where the values do not decide."""

import math

import pytest

from assay.oracles.numerics.slopes import slope

ALL = [2.0**-power for power in range(3, 25)]
FEW = [2.0**-power for power in (6, 7, 8)]


def line(function, steps=ALL):
    return {
        "steps": steps,
        "centre": function(0.0),
        "left": [function(-t) for t in steps],
        "right": [function(t) for t in steps],
    }


@pytest.mark.parametrize(
    ("function", "exact"),
    [
        (lambda t: math.sin(1 + t), math.cos(1)),
        (lambda t: math.exp(3 * t), 3.0),
        (lambda t: 1e6 + t, 1.0),
        (lambda t: 0.0 * t, 0.0),
        (lambda t: t * t, 0.0),
        (lambda t: math.sin(200 * t), 200.0),
    ],
)
@pytest.mark.parametrize("steps", [ALL, FEW])
def test_the_estimate_is_within_its_error_of_the_slope(function, exact, steps):
    found = slope(line(function, steps), max(abs(exact), 1.0))
    if found is None:
        assert steps is FEW
        return
    assert not found.kink
    assert abs(found.low - exact) <= 10 * found.error + 1e-12 * max(1.0, abs(exact))
    assert found.distance(exact) <= 9 * found.error


@pytest.mark.parametrize(("left", "right"), [(-1.0, 1.0), (0.0, 1.0), (1.0, 1.001)])
def test_a_kink_is_the_interval_between_the_slopes_of_its_sides(left, right):
    found = slope(line(lambda t: t * right if t > 0 else t * left), 1.0)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((left, right), abs=1e-9)
    assert found.distance((left + right) / 2) < 0 < found.distance(right + 0.01)


def test_a_kink_of_one_term_among_very_many_is_within_the_error():
    found = slope(line(lambda t: 300 * math.sin(t) + 1e-3 * abs(t)), 300.0)
    assert found is not None
    assert not found.kink
    assert found.distance(300 + 1e-3) < 0


@pytest.mark.parametrize(
    "function",
    [
        lambda t: math.copysign(1.0, t) if t else 0.0,
        lambda t: math.sqrt(abs(t)),
        lambda t: t * math.sin(1 / t) if t else 0.0,
        lambda t: "nan" if t < 0 else t,
        lambda t: {"raised": {}},
    ],
)
def test_what_has_no_slope_gives_none(function):
    assert slope(line(function), 1.0) is None


def test_a_kink_beside_the_point_leaves_the_slope_at_the_point():
    found = slope(line(lambda t: abs(t - 0.05)), 1.0)
    assert found is not None
    assert not found.kink
    assert found.low == pytest.approx(-1.0, abs=1e-9)
