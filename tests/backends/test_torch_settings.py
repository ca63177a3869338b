"""Settings that are drawn exist in the release at hand, and inductor compiles, trains and reports under them."""

from __future__ import annotations

import importlib

import pytest

from assay.backends import _torch_options

pytestmark = pytest.mark.torch


def test_every_setting_exists_and_none_is_the_default() -> None:
    for key, values in _torch_options.INDUCTOR.items():
        family, _, rest = key.partition(".")
        owner = importlib.import_module(f"torch._{family}.config")
        for part in rest.split("."):
            owner = getattr(owner, part)
        assert len(values) > 1 or values[0] != owner, f"{key} = {owner!r} is the default"
