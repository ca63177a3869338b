"""The process that looks at every intermediate of a program."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytestmark = pytest.mark.torch

TEXT = """
import torch
from torch.fx.experimental.proxy_tensor import make_fx

CALLS = 1
TRAINING = False

def program(x):
    {}

def inputs(call=0):
    return (torch.ones(2, 2),)
"""


@pytest.mark.parametrize(
    "body", ["return torch.func.vmap(lambda row: row.clone())(x)", "return make_fx(lambda t: t.exp())(x)(x)"]
)
def test_where_a_function_is_transformed_there_are_no_numbers_to_look_at(body: str) -> None:
    from benchmarks.eager_runner import run

    assert run(TEXT.format(body), finite=True) is None


@pytest.mark.parametrize("body", ["return x / 0", "return torch.func.vmap(lambda row: row / 0)(x) + 0"])
def test_what_is_not_finite_is_found(body: str) -> None:
    from benchmarks.eager_runner import run

    found = run(TEXT.format(body), finite=True)
    assert found is not None
    assert "not finite" in found
