"""What all tests share: tests that need a framework are skipped where it is not installed."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

import pytest

FRAMEWORKS = ("torch", "jax", "tensorflow")

TENSORFLOW_PYTHON = "ASSAY_TENSORFLOW_PYTHON"
"""The variable that names an interpreter that has TensorFlow, where the one of the tests has none: its releases and
those of others seldom agree on what they need."""


@pytest.fixture(scope="session")
def tensorflow_target() -> str:
    """The target of cases of TensorFlow."""
    python = os.environ.get(TENSORFLOW_PYTHON, "")
    return f"tensorflow@{python}" if python and python != sys.executable else "tensorflow"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for framework in FRAMEWORKS:
        if find_spec(framework) is not None:
            continue
        for item in items:
            elsewhere = "tensorflow_target" in getattr(item, "fixturenames", ()) and TENSORFLOW_PYTHON in os.environ
            if item.get_closest_marker(framework) and not elsewhere:
                item.add_marker(pytest.mark.skip(reason=f"{framework} is not installed"))
