"""Shape rules, on plain and on symbolic sizes."""

from __future__ import annotations

import pytest

from assay.ir.sizes import symbol
from assay.ops.facts import Unsatisfied
from assay.ops.shapes import broadcast, halved, normal_dim, normal_dims, reduced, window

N = symbol("n", (4, 7))


def test_a_symbolic_size_broadcasts_against_one_and_itself() -> None:
    assert broadcast((N, 1), (3,), (N, 3)) == (N, 3)
    with pytest.raises(Unsatisfied):
        broadcast((N,), (4,))


def test_a_0d_tensor_has_the_dimensions_0_and_minus_1() -> None:
    assert (normal_dim(0, 0), normal_dim(-1, 0)) == (0, 0)
    with pytest.raises(Unsatisfied):
        normal_dim(1, 0)


def test_none_and_the_empty_tuple_name_all_dimensions() -> None:
    assert normal_dims(None, 2) == normal_dims((), 2) == (0, 1)


def test_a_dimension_is_not_named_twice() -> None:
    with pytest.raises(Unsatisfied):
        normal_dims((0, -2), 2)


def test_reduced_dimensions_stay_as_one_if_they_are_kept() -> None:
    assert reduced((2, N, 3), (1,), True) == (2, 1, 3)
    assert reduced((2, N, 3), (1,), False) == (2, 3)


@pytest.mark.parametrize(("ceil_mode", "size"), [(False, 2), (True, 3)])
def test_a_window_that_overhangs_counts_in_ceil_mode(ceil_mode: bool, size: int) -> None:
    assert window(6, 3, 2, 0, 1, ceil_mode) == size


def test_a_last_window_that_starts_in_the_right_padding_is_dropped() -> None:
    # torch: ceil((2 + 2 - 1) / 3) + 1 = 2 windows, of which the second would start at 3 - 1 = 2, behind the input.
    assert window(2, 2, 3, 1, 1, True) == 1


def test_a_window_larger_than_the_padded_input_is_refused() -> None:
    with pytest.raises(Unsatisfied):
        window(N, 6, 1, 0, 1)


def test_half_of_a_size_is_asked_for_only_where_it_is_even_everywhere() -> None:
    assert halved(symbol("m", (4, 6))) == symbol("k", (2, 3))
    with pytest.raises(Unsatisfied):
        halved(N)
