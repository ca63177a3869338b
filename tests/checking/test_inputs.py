"""What --input says."""

from __future__ import annotations

import pytest

from assay.campaign.mistake import UserMistake
from assay.checking.inputs import given_of


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ("float32[2,3]", "fill((2, 3), torch.float32, -2, 0.031746031746031744, 127, 37)"),
        ("int64[4]:0..10", "fill((4,), torch.int64, 0, 1, 11, 7)"),
        ("bool[]", "fill((), torch.bool, 0, 1, 3)"),
        ("float[2]:1..1", "fill((2,), torch.float32, 1, 0, 1)"),
        ("3", "3"),
        ("n=None", "None"),
    ],
)
def test_a_spec_is_an_expression(spec: str, text: str) -> None:
    (given,) = given_of([spec])
    assert given.text == text


def test_a_keyword_is_told_from_a_position() -> None:
    assert [each.keyword for each in given_of(["float32[1]", "mask=bool[4,4]", "n=3"])] == ["", "mask", "n"]


@pytest.mark.parametrize(
    ("specs", "said"),
    [
        (["float33[2]"], "float33 is no dtype"),
        (["float32[2"], "not an input such as"),
        (["float32[2]:3..1"], "ends before it begins"),
        (["mask=bool[1]", "float32[2]"], "by position come before"),
        (["a=1", "a=2"], "given twice"),
        (["open('x')"], "not an input such as"),
    ],
)
def test_what_is_no_input_is_told_in_one_line(specs: list[str], said: str) -> None:
    with pytest.raises(UserMistake, match=said) as mistake:
        given_of(specs)
    assert "\n" not in str(mistake.value)
