"""Cases and workers that the tests of execution share. A worker is dear to start, so one serves a whole module."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.execution import Worker
from assay.ir.case import Case

FOREIGN = Path(__file__).parent / "foreign"
TEMPLATE = """
import ctypes, os, sys, time
import torch
CALLS = {calls}
TRAINING = {training}
def program(x):
{body}
def inputs(call=0):
    return (torch.arange(4, dtype=torch.float32) + call,)
"""


def make_case(
    body: str, target: str = "eager", *, text: str = "", training: bool = False, calls: int = 1, **options: object
) -> Case:
    """A case whose program takes one vector ``x`` and has the given body, or whose whole text is given."""
    lines = "\n".join("    " + line for line in body.splitlines())
    text = text or TEMPLATE.format(body=lines, calls=calls, training=training)
    return Case("graph", target, options, text, training, calls, {}, {}, (), 1)


@pytest.fixture(scope="session")
def case() -> Callable[..., Case]:
    return make_case


@pytest.fixture
def mode() -> Any:
    """A shadow mode with the rules of the catalogue, in this process."""
    pytest.importorskip("torch")
    from assay.execution.worker.torch_shadow import ShadowMode, rules_from
    from assay.ops.framework import error_rules

    return ShadowMode(rules_from(error_rules()))


@pytest.fixture(scope="session")
def worker() -> Iterator[Worker]:
    if importlib.util.find_spec("torch") is None:
        pytest.skip("needs torch")
    targets = ["eager", "aot_eager", "torch:faulty.off_by_one", "torch:faulty.returns_input", "torch:faulty.refuses"]
    with Worker(targets=targets, environment={"PYTHONPATH": str(FOREIGN)}) as started:
        yield started
