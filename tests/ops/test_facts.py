"""Facts are sound: whatever elements lie within them, the results lie within the facts of the results."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.ir.sizes import symbol
from assay.ir.types import TensorType
from assay.ops.catalogue import load
from assay.ops.facts import (
    BOOLEAN,
    Facts,
    Unsatisfied,
    constant,
    fit,
    hull,
    maximum,
    minimum,
    representable,
    scale_of,
    total,
    upto,
)
from assay.ops.families.unary import sign_bits
from assay.ops.interpret import Abstract, apply_operator

Known = tuple[Facts, list[float]]


@st.composite
def known(draw: st.DrawFn) -> Known:
    """Exact facts and some elements within them."""
    scale = draw(st.integers(0, 4))
    ends = sorted(draw(st.lists(st.integers(-40, 40), min_size=2, max_size=2)))
    units = draw(st.lists(st.integers(ends[0], ends[1]), min_size=1, max_size=6))
    return Facts(ends[0] / 2**scale, ends[1] / 2**scale, scale), [unit / 2**scale for unit in units]


def holds(facts: Facts, value: float) -> bool:
    """Whether the element obeys the facts."""
    whole = facts.scale is None or (Fraction(value) * 2**facts.scale).denominator == 1
    return facts.low <= value <= facts.high and whole


@given(st.integers(-(2**62), 2**62), st.integers(-(2**62), 2**62), st.integers(-40, 40))
def test_bounds_of_whole_numbers_that_no_float_says_are_exact(large: int, other: int, small: int) -> None:
    there = Facts(float(small), float(small), 0) + constant(large)
    assert int(there.low) == int(there.high) == small + large
    back = there - constant(other) * constant(1.0)
    assert int(back.low) == int(back.high) == small + large - other


@given(known(), known())
def test_arithmetic_keeps_bounds_and_scale(a: Known, b: Known) -> None:
    (x, xs), (y, ys) = a, b
    for u in xs:
        assert holds(-x, -u)
        assert holds(abs(x), abs(u))
        for v in ys:
            assert holds(x + y, u + v)
            assert holds(x - y, u - v)
            assert holds(x * y, u * v)
            assert holds(minimum(x, y), min(u, v))
            assert holds(maximum(x, y), max(u, v))
            assert holds(hull(x, y), u)


@given(known())
def test_a_sum_and_the_terms_that_bound_it(a: Known) -> None:
    x, xs = a
    result = x.summed(len(xs))
    assert holds(result, sum(xs))
    assert result.magnitude >= sum(map(abs, xs))


@given(known(), st.integers(0, 4))
def test_a_sum_of_some_is_within_that_of_up_to_as_many(a: Known, taken: int) -> None:
    x, xs = a
    assert holds(upto(x, len(xs)), sum(xs[:taken]))


def test_a_sum_over_a_symbolic_size_covers_every_instantiation() -> None:
    facts = total(Facts(-2, -1, 0), symbol("n", (3, 5)))
    assert (facts.low, facts.high) == (-10, -3)


@pytest.mark.parametrize(("value", "scale"), [(0.5, 1), (3, 0), (-0.75, 2), (0.1, None), (float("inf"), None)])
def test_the_scale_of_a_number_is_that_of_its_dyadic_part(value: float, scale: int | None) -> None:
    assert scale_of(value) == scale
    assert constant(value).exact == (scale is not None)


@given(known(), st.sampled_from(["float16", "bfloat16", "float32"]))
def test_a_float_is_exact_only_while_all_terms_fit_its_significand(a: Known, dtype: str) -> None:
    x, _ = a
    bits = {"float16": 11, "bfloat16": 8, "float32": 24}[dtype]
    assert x.scale is not None
    assert fit(x, dtype).exact == (x.magnitude * 2**x.scale < 2**bits)
    assert fit(x, dtype).exact <= representable(x, dtype)


def test_a_product_of_many_terms_is_rounded_in_a_narrow_float() -> None:
    facts = (Facts(0, 15, 0) * Facts(0, 15, 0)).summed(4)
    assert not fit(facts, "bfloat16").exact
    assert fit(facts, "float16").exact


def test_an_integer_that_may_wrap_is_refused() -> None:
    with pytest.raises(Unsatisfied, match="wrap"):
        fit(Facts(0, 128, 0), "int8")


def test_a_float_near_overflow_is_refused() -> None:
    with pytest.raises(Unsatisfied, match="overflow"):
        fit(Facts(0, 40000.0), "float16")


def test_bounds_of_a_rounded_value_leave_room_for_its_rounding() -> None:
    facts = fit(Facts(-1.0, 3.0), "bfloat16")
    assert facts.low < -1
    assert facts.high > 3


def test_the_sign_of_a_zero_is_known_of_inputs_and_what_moves_them() -> None:
    moved = fit(hull(fit(Facts(-1, 1, 0, positive_zero=True), "float32"), constant(0)), "float32")
    assert sign_bits(moved) == BOOLEAN
    assert sign_bits(Facts(-3, -1, 0)) == BOOLEAN
    assert sign_bits(fit(moved * moved, "int32")) == BOOLEAN  # an integer's zero has no sign


@pytest.mark.parametrize("facts", [-Facts(-1, 1, 0, positive_zero=True), Facts(0, 1, 0) * constant(1), constant(-0.0)])
def test_the_sign_of_a_computed_zero_is_not_looked_at(facts: Facts) -> None:
    """Found as softshrink under signbit: eager gives +0 where the decomposition multiplies by zero."""
    with pytest.raises(Unsatisfied, match="sign of a zero"):
        sign_bits(fit(facts, "float32"))


def test_a_sum_of_products_is_exact_only_if_the_product_is_in_the_type_of_its_factors() -> None:
    """Found as a product of two bfloat16 tensors, added to float32, that Dynamo's decomposition rounds."""

    def exact(dtype: str) -> bool:
        types = [TensorType("float32", ()), TensorType(dtype, ()), TensorType(dtype, ())]
        operands = [Abstract(type_, Facts(-1, 1, 6)) for type_ in types]
        (result,) = apply_operator(load()["ternary.addcmul"], operands, {"value": 2}).results
        return result.facts.exact

    assert exact("float32")
    assert not exact("bfloat16")
