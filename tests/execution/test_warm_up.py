"""A warm-up that raises: a fault of the system under test leaves its target to be tested, one of the installation does
not.
"""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from assay.execution.worker import torch_backends


class InvalidCxxCompiler(Exception):
    """Stands for inductor's own of this name."""


def test_a_compiler_that_fails_is_there_to_be_tested() -> None:
    assert torch_backends.failed(NameError("name 'out' is not defined\nat line 3")) == {
        "warm_up": "NameError: name 'out' is not defined"
    }


def test_a_missing_module_or_compiler_is_the_installations() -> None:
    wrapped = RuntimeError("backend failed")
    wrapped.__cause__ = InvalidCxxCompiler("no g++")
    with pytest.raises(RuntimeError, match="backend failed"):
        torch_backends.failed(wrapped, lacking=("InvalidCxxCompiler",))
    with pytest.raises(ImportError):
        torch_backends.failed(ImportError("no module"))


def test_the_warm_up_of_a_sound_compiler_says_nothing() -> None:
    assert torch_backends.warm("eager") == {}
