"""Rounding is told from wrong by the value and the error bound of each element."""

import numpy as np
import pytest

from assay.oracles.numerics.closeness import beyond, unequal
from assay.oracles.numerics.rounding import ILL_CONDITIONED, Ruling, Shadow, as_good, lasting, magnitude, rule
from assay.oracles.outcome import Choice

F4 = np.float32
TRUTH = np.linspace(1.0, 2.0, 32)
BOUND = 1e-3
SHADOW = Shadow(TRUTH, np.full(32, BOUND))


def resolution(eager, target, shadow, dtype="float32"):
    outside = beyond(eager, target, dtype)
    assert outside.any(), "nothing to rule on"
    return rule(eager, target, outside, shadow, dtype)


def ruling(eager, target, shadow=SHADOW, dtype="float32"):
    return resolution(eager, target, shadow, dtype).ruling


def changed(values, index, by):
    values = values.copy()
    values[index] += by
    return values


def bounded(bound, value=TRUTH):
    return Shadow(value, np.full(value.shape, bound))


EAGER = TRUTH.astype(F4)


@pytest.mark.parametrize("share", [0.5, 1.0, 3.5])
def test_within_four_bounds_a_difference_is_rounding(share):
    assert ruling(EAGER, changed(EAGER, 3, share * BOUND)) is Ruling.rounding


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_beyond_four_bounds_it_is_wrong_and_the_element_is_named(dtype):
    eager = TRUTH.astype(dtype)
    found = resolution(eager, changed(eager, 3, 0.02), SHADOW, dtype)
    assert found.ruling is Ruling.wrong
    assert np.flatnonzero(found.elements).tolist() == [3]


def test_beyond_four_bounds_eager_may_be_a_quarter_as_far_off_and_no_more():
    # Where the bound is too narrow for eager, it is for another correct system.
    target = changed(EAGER, 3, 0.02)
    assert ruling(changed(EAGER, 3, 0.003), target) is Ruling.wrong
    assert ruling(changed(EAGER, 3, 0.007), target) is not Ruling.wrong
    assert ruling(changed(EAGER, 3, -0.007), target) is not Ruling.wrong


def test_each_element_has_its_own_bound():
    shadow = Shadow(TRUTH, np.where(np.arange(32) == 3, 0.1, 1e-6))
    assert ruling(EAGER, changed(EAGER, 3, 0.2), shadow) is Ruling.rounding
    assert ruling(EAGER, changed(EAGER, 4, 0.2), shadow) is Ruling.wrong


def test_an_element_within_the_tolerance_is_not_ruled_on():
    found = resolution(EAGER, changed(changed(EAGER, 3, 0.02), 9, 1e-6), Shadow(TRUTH, np.zeros(32)))
    assert np.flatnonzero(found.elements).tolist() == [3]


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_target_no_farther_from_the_value_than_eager_is_never_accused(dtype):
    """By construction of the rule; a hundred tensors with bounds of every size, and none."""
    random = np.random.default_rng(3)
    for _ in range(100):
        value = random.normal(size=16) * 10.0 ** random.integers(-3, 4)
        away = np.abs(value) * 10.0 ** random.uniform(-4, 0, 16)
        eager = (value + away * random.choice([-1, 1], 16)).astype(dtype)
        nearer = random.uniform(0, 0.9, 16) * random.choice([-1, 1], 16)
        target = (value + nearer * (eager.astype(float) - value)).astype(dtype)
        bound = random.choice([0.0, 1e-9, 1e-3, 1.0, np.inf], 16) * np.abs(value)
        outside = beyond(eager, target, dtype)
        outside &= np.abs(target.astype(float) - value) <= np.abs(eager.astype(float) - value)
        assert rule(eager, target, outside, Shadow(value, bound), dtype).ruling in (Ruling.rounding, Ruling.inaccurate)


def test_a_bound_beyond_a_tenth_of_the_scale_decides_nothing():
    target = changed(EAGER, 3, 100.0)
    size = float(magnitude(TRUTH)[3])
    assert ruling(EAGER, target, bounded(0.99 * ILL_CONDITIONED * size)) is Ruling.wrong
    assert ruling(EAGER, target, bounded(1.01 * ILL_CONDITIONED * size)) is Ruling.undecided


def test_the_scale_of_a_small_element_among_large_ones_is_theirs():
    value = changed(TRUTH, 3, 1e-3 - TRUTH[3])
    eager = value.astype(F4)
    assert ruling(eager, changed(eager, 3, 1.0), bounded(1e-2, value)) is Ruling.wrong


def test_however_wide_the_bound_a_target_nearer_than_eager_is_rounding():
    eager = changed(EAGER, 3, 0.5)
    for bound in (1.0, np.inf):
        assert ruling(eager, EAGER, bounded(bound)) is Ruling.rounding


def test_an_infinite_bound_of_one_element_leaves_the_others_decided():
    shadow = Shadow(TRUTH, np.where(np.arange(32) == 3, np.inf, BOUND))
    found = resolution(EAGER, changed(EAGER, 3, 1.0), shadow)
    assert (found.ruling, found.why) == (Ruling.undecided, "rounding may have tipped a decision")
    found = resolution(EAGER, changed(changed(EAGER, 3, 1.0), 4, 1.0), shadow)
    assert found.ruling is Ruling.wrong
    assert np.flatnonzero(found.elements).tolist() == [4]


def test_without_a_bound_any_difference_that_is_asked_about_is_wrong():
    found = resolution(EAGER, changed(EAGER, 3, 1e-4), Shadow.exact(EAGER))
    assert (found.ruling, found.why) == (Ruling.wrong, "exact arithmetic")


def test_in_float64_the_distance_is_taken_from_eager_and_eight_bounds_are_allowed():
    # The value is no better than eager there: it may itself be off by the bound.
    shadow = bounded(BOUND, TRUTH + BOUND)
    assert ruling(TRUTH, changed(TRUTH, 3, 7 * BOUND), shadow, "float64") is Ruling.rounding
    assert ruling(TRUTH, changed(TRUTH, 3, -7 * BOUND), shadow, "float64") is Ruling.rounding
    assert ruling(TRUTH, changed(TRUTH, 3, 9 * BOUND), shadow, "float64") is Ruling.wrong


def test_a_nan_or_infinity_out_of_nothing_is_wrong():
    for number in (np.nan, np.inf, -np.inf):
        assert ruling(EAGER, changed(EAGER, 3, F4(number))) is Ruling.wrong


def test_a_nan_is_right_where_the_value_is_one():
    value = changed(TRUTH, 3, np.nan)
    assert ruling(EAGER, changed(EAGER, 3, F4(np.nan)), bounded(BOUND, value)) is Ruling.inaccurate
    assert ruling(changed(EAGER, 3, F4(np.nan)), EAGER, bounded(BOUND, value)) is Ruling.wrong


def test_an_overflow_whose_bound_is_infinite_is_not_reported():
    # The shadow gives no bound to what comes near the largest number of its dtype.
    value = np.full(32, 60000.0)
    eager = value.astype(np.float16)
    assert ruling(eager, changed(eager, 3, np.float16(np.inf)), bounded(np.inf, value), "float16") is Ruling.undecided


def test_an_overflow_of_eager_that_the_target_avoids_is_no_fault_of_the_targets():
    eager = changed(TRUTH.astype(np.float16), 3, np.float16(np.inf))
    assert ruling(eager, TRUTH.astype(np.float16), bounded(np.inf), "float16") is Ruling.rounding
    assert ruling(eager, TRUTH.astype(np.float16), SHADOW, "float16") is Ruling.inaccurate


def test_eager_alone_outside_four_bounds_is_a_class_of_its_own():
    found = resolution(changed(EAGER, 3, 0.02), EAGER, SHADOW)
    assert found.ruling is Ruling.inaccurate
    assert np.flatnonzero(found.elements).tolist() == [3]


def test_a_wrong_element_outweighs_one_that_eager_has_inaccurate():
    eager, target = changed(EAGER, 3, 0.02), changed(EAGER, 9, 0.02)
    found = resolution(eager, target, SHADOW)
    assert found.ruling is Ruling.wrong
    assert np.flatnonzero(found.elements).tolist() == [9]


def test_complex_numbers_are_held_against_their_bound_in_modulus():
    value = TRUTH * (1 + 1j)
    eager = value.astype(np.complex64)
    assert ruling(eager, changed(eager, 3, (2.5 + 2.5j) * BOUND), bounded(BOUND, value), "complex64") is Ruling.rounding
    assert ruling(eager, changed(eager, 3, (3 + 3j) * BOUND), bounded(BOUND, value), "complex64") is Ruling.wrong


INDEX = np.arange(8)


@pytest.mark.parametrize(
    ("bound", "by", "expected"),
    [
        (0.0, 1, Ruling.wrong),
        (1.0, 1, Ruling.rounding),
        (1.0, 2, Ruling.wrong),
        (np.inf, 1, Ruling.undecided),
        (np.inf, 10**15, Ruling.undecided),
    ],
)
def test_integers_differ_by_what_rounding_may_have_moved_them_and_no_more(bound, by, expected):
    assert ruling(INDEX, changed(INDEX, 3, by), Shadow(INDEX, np.full(8, bound)), "int64") is expected


def test_a_wrong_integer_outweighs_one_of_which_nothing_is_known():
    shadow = Shadow(INDEX, np.where(INDEX == 3, np.inf, 0.0))
    assert ruling(INDEX, INDEX[::-1].copy(), shadow, "int64") is Ruling.wrong


def test_integers_that_float64_cannot_tell_apart_are_told_apart():
    large = np.array([2**60, 2**62])
    assert ruling(large, changed(large, 1, 1), Shadow.exact(large), "int64") is Ruling.wrong
    wrong, _ = lasting(large, changed(large, 1, 1), Shadow.exact(large))
    assert wrong.tolist() == [False, True]


def test_truth_values_are_integers_too():
    eager = np.array([True, False])
    assert ruling(eager, ~eager, Shadow(eager, np.zeros(2)), "bool") is Ruling.wrong
    assert ruling(eager, ~eager, Shadow(eager, np.ones(2)), "bool") is Ruling.rounding


@pytest.mark.parametrize("dtype", ["float32", "complex64", "float64", "int64", "bool"])
def test_nothing_is_wrong_with_tensors_without_elements(dtype):
    empty = np.zeros((0, 3), dtype)
    found = rule(empty, empty, unequal(empty, empty), Shadow.exact(empty), dtype)
    assert (found.ruling, found.elements.shape) == (Ruling.rounding, (0, 3))
    assert [mask.any() for mask in lasting(empty, empty, Shadow.exact(empty))] == [False, False]


def test_what_is_wrong_in_float64_as_well_lasts_and_where_that_is_open_is_told():
    shadow = Shadow(TRUTH, np.array([1e-12] * 16 + [1.0] * 8 + [np.inf] * 8))
    wrong, open_ = lasting(TRUTH, changed(TRUTH, [3, 20, 30], 1e-6), shadow)
    assert np.flatnonzero(wrong).tolist() == [3]
    assert np.flatnonzero(open_).tolist() == [20, 30]


def test_rounding_in_float64_does_not_last():
    wrong, open_ = lasting(TRUTH, TRUTH * (1 + 2**-52), Shadow(TRUTH, TRUTH * 2**-52))
    assert not wrong.any()
    assert not open_.any()


def test_integers_last_where_they_differ_by_more_than_their_bound_in_float64():
    wrong, open_ = lasting(INDEX, INDEX + 1, Shadow(INDEX, np.array([0.0, 1.0, np.inf, 0.0] * 2)))
    assert wrong.tolist() == [True, False, False, True] * 2
    assert open_.tolist() == [False, False, True, False] * 2


def test_the_scale_of_an_element_is_its_own_or_that_of_all_whichever_is_larger():
    np.testing.assert_allclose(magnitude(np.array([3.0, -5.0, 0.0])), [np.sqrt(34 / 3), 5.0, np.sqrt(34 / 3)])
    assert magnitude(np.array([1e-200, 1.0])).min() > 0.5


def test_neither_infinities_nor_squares_that_overflow_are_a_scale():
    assert magnitude(np.array([np.inf, 2.0, np.nan])).max() == 2.0
    assert np.isfinite(magnitude(np.array([1e300, 1e300]))).all()
    assert magnitude(np.zeros(3)).max() == 0.0


def choice(values, slack, dim=None):
    values, slack = np.atleast_2d(np.array(values, float)), np.atleast_2d(np.array(slack, float))
    return Choice(values.tobytes(), slack.tobytes(), *values.shape, dim)


def test_a_fragile_index_may_point_at_another_element_that_is_as_good_and_at_no_other():
    among = choice([1.0, 3.0, 3.0 + 1e-7, 2.0], [1e-7] * 4)
    eager = np.array([1])
    assert as_good(eager, np.array([2]), among).all()
    assert not as_good(eager, np.array([3]), among).any()


@pytest.mark.parametrize("index", [-1, 4])
def test_a_fragile_index_stays_in_range(index):
    assert not as_good(np.array([1]), np.array([index]), choice([1.0, 3.0, 3.0, 2.0], [1.0] * 4)).any()


def test_an_order_uses_no_element_twice():
    among = choice([1.0, 1.0 + 1e-8, 2.0], [1e-7] * 3)
    eager = np.array([0, 1, 2])
    assert as_good(eager, np.array([1, 0, 2]), among).all()
    assert as_good(eager, np.array([0, 0, 2]), among).tolist() == [False, False, True]


def test_rows_of_a_choice_lie_along_its_dimension():
    among = choice([[1.0, 2.0], [2.0, 1.0]], np.full((2, 2), 0.1), dim=0)
    eager = np.array([[0, 1], [1, 0]])
    assert as_good(eager, eager, among).all()
    assert not as_good(eager, eager[::-1], among).any()


def test_a_fragile_index_that_is_as_good_is_rounding_and_one_that_is_not_is_wrong():
    eager, unknown = np.array([1]), np.array([np.inf])
    shadow = Shadow(eager, unknown, choice([1.0, 3.0, 3.0 + 1e-7, 2.0], [1e-7] * 4))
    for index, expected in ((2, Ruling.rounding), (0, Ruling.wrong)):
        target = np.array([index])
        assert rule(eager, target, eager != target, shadow, "int64").ruling is expected
