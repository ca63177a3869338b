"""A backend that miscompiles an operator in one place: operator, line and layer are told, lifted or not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.checking.test_check import SUBJECTS, assay

from assay.checking.cutting import _operator

pytestmark = pytest.mark.torch

PLACED = "torch:tests.checking.placed."
SOFTMAX, SILU = "norm.softmax (torch.softmax)", "activation.silu (torch.nn.functional.silu)"


def found(subject: str, backend: str, out: Path) -> dict[str, Any]:
    """The one difference of a subject on a backend."""
    given = ("--target", PLACED + backend, "--transforms", "0", "--no-sizes", "--no-training", "--json")
    done = assay(f"{SUBJECTS / 'gated.py'}:{subject}", *given, out=out)
    assert done.returncode == 1, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["lifted"].startswith("not lifted") is (subject == "branching"), report["lifted"]
    (difference,) = report["differences"]
    assert difference["layer"] == PLACED + backend
    assert not difference["note"]
    assert Path(difference["file"]).is_file()
    return dict(difference)


@pytest.mark.parametrize("subject", ["gated", "branching"])
def test_of_an_operator_that_stands_twice_the_place_is_told_where_it_is_miscompiled(
    tmp_path: Path, subject: str
) -> None:
    """The first softmax is right; the second is of the same line, in another module."""
    difference = found(subject, "second_softmax", tmp_path)
    assert difference["operators"] == [SOFTMAX]
    assert difference["origin"] == "gated.py:20 in second"
    assert difference["text"] == "mixed = torch.softmax(scores, dim=-1) @ x"


@pytest.mark.parametrize("subject", ["gated", "branching"])
def test_an_operator_that_is_miscompiled_before_another_is_told_from_where_it_stands_alone(
    tmp_path: Path, subject: str
) -> None:
    difference = found(subject, "silu_before_mul", tmp_path)
    assert difference["operators"][0] == SILU
    # A graph that is cut before the product is right, so that both are named.
    assert difference["operators"][1:] == (["binary.mul (torch.mul)"] if subject == "branching" else [])
    assert difference["origin"].startswith("gated.py:21")
    assert difference["text"] == "return F.silu(self.gate(mixed)) * self.up(mixed)"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("torch._C._nn.linear", "matmul.linear (torch.nn.functional.linear)"),
        ("Tensor.transpose", "view.transpose (torch.transpose)"),
        ("_operator.mul", "binary.mul (torch.mul)"),
        ("package.softmax", "package.softmax"),
    ],
)
def test_an_operation_of_a_graph_is_named_by_its_specification(name: str, told: str) -> None:
    assert _operator(name) == told
