"""`assay ops check`: every specification agrees with torch, and the check notices one that does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from assay.ops import check as checking
from assay.ops.catalogue import load
from assay.ops.check import check, probe
from assay.ops.facts import Facts

pytestmark = pytest.mark.torch


@pytest.mark.slow
def test_every_specification_agrees_with_torch() -> None:
    reports = check(samples=20)
    assert {report.operator for report in reports} == set(load())
    assert [(report.operator, report.failures[:1]) for report in reports if not report.passed] == []


WRONG: dict[str, dict[str, Any]] = {
    "the specification gives": {"infer": lambda b: b.x.with_dtype("float64")},
    "the facts say": {"facts": lambda b, f: Facts(100, 101, 0)},
    "no view": {"view": "x"},
    "backward keeps": {"saves": "none"},
    "requires grad": {"differentiable": False},
    "differs from the function's": {"inplace": "tanh_"},
    "TypeError": {"torch": "torch.flip"},
    "were written": {"torch": "torch.relu_"},
}


def test_each_kind_of_wrong_statement_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    relu = load()["unary.relu"]
    wrong = {f"wrong.{complaint}": replace(relu, **statement) for complaint, statement in WRONG.items()}
    named = {name: replace(operator, name=name) for name, operator in wrong.items()}
    monkeypatch.setattr(checking, "load", lambda: named)
    for report in check(samples=30):
        complaint = report.operator.partition(".")[2]
        assert any(complaint in failure for failure in report.failures), complaint


def test_dtypes_that_torch_takes_and_the_specification_leaves_out_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    relu = load()["unary.relu"]
    timid = replace(relu, operands=(replace(relu.operands[0], dtypes=("float32",), ranks=(2,)),))
    monkeypatch.setattr(checking, "load", lambda: {relu.name: timid})
    found = probe()[relu.name]
    assert "int8" in found
    assert "rank 3" in found
    assert "bool" not in found


def test_what_is_left_out_with_a_reason_is_not_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    relu = load()["unary.relu"]
    timid = replace(
        relu, operands=(replace(relu.operands[0], dtypes=("float32",), ranks=(2,)),), left_out={"int8": "a reason"}
    )
    monkeypatch.setattr(checking, "load", lambda: {relu.name: timid})
    found = probe()[relu.name]
    assert "int8" not in found
    assert "int16" in found
    assert any("torch takes int16" in failure for failure in check(samples=1)[0].failures)
