"""The measurement of the search for inputs, in a small form: most are found, nothing is claimed falsely."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.generation import Eager
from benchmarks.inputs import measure

from assay.execution import Worker
from assay.generate.settings import Settings
from assay.ops.catalogue import load


@pytest.mark.torch
def test_inputs_are_found_for_most_programs_and_none_are_claimed_falsely(worker: Worker) -> None:
    row = measure(worker, Eager(), Settings(1, tuple(load()), 10, ("eager",)), 80)
    figures = row.figures()
    assert row.non_finite >= 15
    assert not row.false_claims
    assert figures["found_share"] >= 0.85
    assert figures["distinct_inputs"] >= 0.9
    assert figures["cpu_ms_median"] <= 60
    assert figures["operators_drawn_to_run_distance"] < 0.02


@pytest.mark.torch
def test_a_false_claim_is_noticed() -> None:
    text = "import torch\nCALLS = 1\nTRAINING = False\ndef inputs(call):\n    return (torch.zeros(2),)\n"
    eager = Eager()
    assert eager.run(text + "def program(x):\n    return torch.log(x) * 0 > 1\n") is not None
    assert eager.run(text + "def program(x):\n    return torch.log(torch.complex(x, x)).isnan()\n") is not None
    assert eager.run(text + "def program(x):\n    return torch.exp(x)\n") is None


@pytest.fixture(scope="module")
def worker() -> object:
    with Worker(targets=["eager"]) as started:
        yield started
