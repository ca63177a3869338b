"""Rounding is told from wrong by the float64 run."""

import numpy as np
import pytest

from assay.oracles.numerics.closeness import beyond
from assay.oracles.numerics.rounding import JUMPS, KINKS, Ruling, Witness, coarsest_roundoff, may_jump, resolve

F4 = np.float32
TRUTH = np.linspace(1.0, 2.0, 32)


def ruling(eager, target, witness, dtype="float32", jumps=False):
    outside = beyond(eager, target, dtype)
    assert outside.any()
    roundoff = coarsest_roundoff("", [dtype])
    return resolve(eager, target, outside, witness, dtype=dtype, roundoff=roundoff, jumps=jumps).ruling


def changed(values, index, by):
    values = values.copy()
    values[index] += by
    return values


def test_what_is_wrong_in_float64_too_is_wrong():
    eager = TRUTH.astype(F4)
    assert ruling(eager, changed(eager, 3, 0.5), Witness(TRUTH, changed(TRUTH, 3, 0.5))) is Ruling.wrong


def test_another_element_that_is_wrong_in_float64_proves_nothing():
    eager = TRUTH.astype(F4)
    result = ruling(eager, changed(eager, 3, 1e-4), Witness(TRUTH, changed(TRUTH, 9, 0.5)), jumps=True)
    assert result is Ruling.undecided


def test_a_target_as_close_to_the_truth_as_eager_is_rounding():
    noise = np.where(np.arange(32) % 2, 1e-3, -1e-3)
    eager, target = (TRUTH + noise).astype(F4), (TRUTH - noise).astype(F4)
    assert ruling(eager, target, Witness(TRUTH, TRUTH)) is Ruling.rounding


def test_a_target_closer_to_the_truth_than_eager_is_rounding():
    eager = (TRUTH + 0.05).astype(F4)
    assert ruling(eager, TRUTH.astype(F4), Witness(TRUTH, TRUTH)) is Ruling.rounding


def test_a_target_far_from_a_truth_to_which_eager_is_close_is_wrong():
    eager = TRUTH.astype(F4)
    assert ruling(eager, changed(eager, 3, 0.01), Witness(TRUTH, TRUTH)) is Ruling.wrong


def test_one_element_says_too_little_about_how_accurate_eager_is():
    truth = np.array([1.0])
    eager, target = np.array([1.0 + 1e-4], F4), np.array([1.0 + 1e-3], F4)
    assert ruling(eager, target, Witness(truth, truth)) is Ruling.undecided


def test_a_difference_that_a_jump_could_have_made_is_undecided():
    eager = TRUTH.astype(F4)
    assert ruling(eager, changed(eager, 3, 1.0), Witness(TRUTH, TRUTH), jumps=True) is Ruling.undecided


def test_an_element_of_which_eager_itself_is_far_from_the_truth_is_never_wrong():
    eager, target = changed(TRUTH, 3, 5.0).astype(F4), changed(TRUTH, 3, 900.0).astype(F4)
    assert ruling(eager, target, Witness(TRUTH, changed(TRUTH, 3, 1e-3))) is Ruling.undecided


def test_a_nan_out_of_nothing_is_wrong():
    eager = TRUTH.astype(F4)
    assert ruling(eager, changed(eager, 3, np.nan), Witness(TRUTH, TRUTH)) is Ruling.wrong


def test_an_overflow_near_the_end_of_the_range_is_not_reported():
    truth = np.full(32, 60000.0)
    eager = truth.astype(np.float16)
    target = changed(eager, 3, np.float16(np.inf))
    assert ruling(eager, target, Witness(truth, truth), "float16") is Ruling.undecided


def test_an_overflow_of_eager_that_the_target_avoids_is_rounding():
    truth = np.linspace(1, 2, 32)
    eager = changed(truth.astype(np.float16), 3, np.float16(np.inf))
    assert ruling(eager, truth.astype(np.float16), Witness(truth, truth), "float16") is Ruling.rounding


def test_an_index_that_differs_in_float64_as_well_is_wrong():
    index, other = np.arange(8), np.arange(8)[::-1].copy()
    assert ruling(index, other, Witness(index, other), "int64") is Ruling.wrong


def test_an_index_that_only_narrow_arithmetic_tips_is_undecided():
    index, other = np.arange(8), np.arange(8)[::-1].copy()
    assert ruling(index, other, Witness(index, index), "int64") is Ruling.undecided


@pytest.mark.parametrize("witness", [Witness(None, None), Witness(TRUTH[:5], TRUTH[:5]), Witness(TRUTH + 0j, TRUTH)])
def test_a_float64_run_that_shows_something_else_decides_nothing(witness):
    eager = TRUTH.astype(F4)
    assert ruling(eager, changed(eager, 3, 1.0), witness) is Ruling.undecided


def test_the_roundoff_of_a_program_is_that_of_its_coarsest_type():
    assert coarsest_roundoff("y = x.half()", ["float32"]) == 2.0**-11
    assert coarsest_roundoff("y = x.float()", ["float64"]) == 2.0**-24
    assert coarsest_roundoff("y = x + 1", ["float64", "int64"]) == 2.0**-53


def test_operators_are_known_by_the_last_part_of_their_name():
    assert may_jump(["unary.floor_"], JUMPS)
    assert not may_jump(["pool.avg_pool2d", "binary.add"], JUMPS)
    assert may_jump(["pool.max_pool2d"], KINKS)
