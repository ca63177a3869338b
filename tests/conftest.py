"""What all tests share: tests that need a framework are skipped where it is not installed."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

FRAMEWORKS = ("torch", "jax", "tensorflow")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for framework in FRAMEWORKS:
        if find_spec(framework) is not None:
            continue
        for item in items:
            if item.get_closest_marker(framework):
                item.add_marker(pytest.mark.skip(reason=f"{framework} is not installed"))
