"""Error rules: specifications agree on them, they cover what is dispatched, eager lies inside their bounds, and a rule
that is too small is noticed."""

from __future__ import annotations

import re
import warnings
from dataclasses import fields, replace
from typing import Any

import pytest

from assay.ops.catalogue import load
from assay.ops.errors import ErrorRule, moves, rounded, rules_of, smooth, sums
from assay.ops.framework import error_rules

SEED = 5
SAMPLES = 300

REACHED_OTHERWISE = {
    "binary.div": {"div.Scalar_mode": "the form by a Python number"},
    "matmul.scaled_dot_product_attention": {
        "_scaled_dot_product_flash_attention_for_cpu": "values as wide as queries, which few instances have",
        "_scaled_dot_product_flash_attention_for_cpu_backward": "the same",
    },
}
"""Rules that a specification states and that its own function form may not meet: why they stand there."""

MORE = {"resize.interpolate": 60, "loss.nll_loss": 20, "pad.replicate": 40, "pad.reflect": 40}
"""Instances of every dtype, for operators that dispatch to many operations by attributes and ranks."""


def test_specifications_that_contradict_each_other_are_refused() -> None:
    add, sub = load()["binary.add"], load()["binary.sub"]
    agreeing = replace(sub, error={"sub": rounded(), "add": rounded()})
    assert rules_of([add, agreeing]) == {"add": rounded(), "sub": rounded()}
    with pytest.raises(ValueError, match=r"binary\.sub and binary\.add state different error rules for add"):
        rules_of([add, replace(sub, error={"add": rounded(2.0)})])


def test_a_rule_alone_is_that_of_the_operation_that_torch_names() -> None:
    flip = replace(load()["move.flip"], torch="torch.nn.functional.turned", error=moves())
    assert rules_of([flip]) == {"turned": moves()}
    assert rules_of([replace(flip, error=None)]) == {}


def test_a_worker_takes_the_fields_of_a_rule_in_order() -> None:
    rule = ErrorRule("sums", 2.0, narrow="transposed", jumps=(0, 1))
    assert rule.to_json()[:7] == ["sums", 2.0, 0.0, 0.0, [0, 1], "transposed", False]


@pytest.mark.torch
def test_a_worker_has_the_fields_that_a_rule_has() -> None:
    from assay.execution.worker.torch_bounds import Rule

    assert list(Rule._fields) == [field.name for field in fields(ErrorRule)]
    assert Rule(*smooth(3.0, inside=1.0).to_json()).inside == 1.0


@pytest.fixture(scope="module")
def calibrations() -> dict[str, Any]:
    """Every operator on a few instances of every dtype."""
    import torch
    from benchmarks.controls.calibrate import calibrate

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = {
            name: calibrate(operator, SAMPLES, SEED, elements=32, instances=MORE.get(name, 4))
            for name, operator in load().items()
        }
    torch.set_num_threads(before)
    return found


@pytest.mark.torch
def test_no_operation_is_without_a_rule_or_higher_precision(calibrations: dict[str, Any]) -> None:
    assert {name: found.unstated for name, found in calibrations.items() if found.unstated} == {}
    assert {name: found.failed for name, found in calibrations.items() if found.failed} == {}


@pytest.mark.torch
def test_eager_lies_inside_its_bounds(calibrations: dict[str, Any]) -> None:
    assert {name: found.worst for name, found in calibrations.items() if found.outside} == {}
    assert all(found.samples >= SAMPLES for found in calibrations.values() if found.samples)


@pytest.mark.torch
def test_what_is_stated_is_met(calibrations: dict[str, Any]) -> None:
    """By one of the operators of a family that state it: several share their rules."""
    unmet: dict[str, set[str]] = {}
    for name, operator in load().items():
        stated = {re.split("[.:]", rule)[0] for rule in rules_of([operator])}
        stated -= {re.split("[.:]", rule)[0] for rule in REACHED_OTHERWISE.get(name, {})}
        unmet.setdefault(operator.family, set()).update(rule.rstrip("_") or rule for rule in stated)
    for name, operator in load().items():
        unmet[operator.family] -= calibrations[name].met
    assert {family: rules for family, rules in unmet.items() if rules} == {}


@pytest.mark.torch
@pytest.mark.parametrize(
    ("name", "operation", "small"),
    [
        ("smooth.exp", "exp", rounded(0.25)),
        ("matmul.mm", "mm", sums(0.02)),
        ("norm.softmax", "_softmax", smooth(0.0)),
        ("smooth.logit", "logit", rounded(8.0)),
    ],
)
def test_a_rule_that_is_too_small_is_noticed(name: str, operation: str, small: ErrorRule) -> None:
    from benchmarks.controls.calibrate import calibrate

    from assay.execution.worker.torch_shadow import rules_from

    rules = rules_from({**error_rules(), operation: small.to_json()})
    found = calibrate(load()[name], 4000, SEED, rules)
    assert found.outside > 0
    assert not found.passed
