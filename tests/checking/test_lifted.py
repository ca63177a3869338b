"""Modules as libraries write them: how much is read as specifications, each held against the call it stands for."""

from __future__ import annotations

import pytest
from tests.checking.test_check import SUBJECTS

from assay.checking.checker import Wish
from assay.checking.described import describe
from assay.checking.lifted import lift_subject
from assay.checking.run import CASE_SECONDS, MEMORY_MB, bench_of
from assay.checking.texts import Subject

pytestmark = pytest.mark.torch

ATTENTION = "aten.scaled_dot_product_attention.default"


@pytest.mark.parametrize(
    ("name", "training", "calls"),
    [
        # Attention is specified for masks of its own shape and scores that are known to be small.
        ("encoder", False, {ATTENTION}),
        ("encoder", True, {ATTENTION, "aten.dropout.default"}),
        # No tensor has the shape that is filled, and of a choice between two numbers there is no specification.
        ("decoder", False, {ATTENTION, "aten.full.default", "aten.where.Scalar"}),
    ],
)
def test_what_stays_a_call_of_a_model_is_what_no_specification_says(name: str, training: bool, calls: set[str]) -> None:
    target = "torch:eager"
    bench = bench_of(Wish((target,)), CASE_SECONDS, MEMORY_MB)
    try:
        described = describe(Subject(str(SUBJECTS / "models.py"), name, title=name), bench.run, target)
        assert set(lift_subject(described, bench.run, target, training).opaque) == calls
    finally:
        bench.close()
