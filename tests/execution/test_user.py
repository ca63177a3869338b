"""What a worker says of a user's code."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (math.nan, math.nan, True),
        (math.nan, 7.0, False),
        (math.inf, torch.finfo(torch.float32).max, False),
        (0.0, -0.0, True),
        (1.0, 2.0, False),
        (True, True, True),
        (complex(math.nan, 1), complex(math.nan, 1), True),
    ],
)
def test_what_a_text_gives_is_held_against_the_call_to_the_element(one: object, other: object, same: bool) -> None:
    from assay.execution.worker.torch_user import _same

    assert _same(torch.tensor([one]), torch.tensor([other])) == same
    assert not _same(torch.tensor([one]), torch.tensor([[other]]))
