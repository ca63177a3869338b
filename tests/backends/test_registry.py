"""Targets are found by name, and every backend module holds what a backend must."""

from __future__ import annotations

import ast
import json
import random
import sys
from pathlib import Path

import pytest

from assay.backends import UnknownTarget, find_backend, known_targets, modules, split_target


def test_targets_come_in_the_order_of_the_ladder() -> None:
    known = known_targets()
    order = ["eager", "torch:NAME", "aot_eager", "aot_eager_decomp", "inductor"]
    assert [target for target in known if target in order] == order


def test_a_target_names_its_interpreter_after_an_at_sign() -> None:
    backend = find_backend("inductor@/opt/python")
    assert (backend.name, backend.python, backend.framework) == ("inductor", "/opt/python", "torch")
    assert split_target("torch:package.module.function") == ("torch:package.module.function", None)
    assert find_backend("torch:package.module.function").rung == 1


@pytest.mark.parametrize("target", ["", "nonsense", "torch:", "@/opt/python"])
def test_an_unknown_target_is_told_what_there_is(target: str) -> None:
    with pytest.raises(UnknownTarget, match=r"choose among .*inductor"):
        find_backend(target)


def test_every_backend_has_the_names_of_a_backend() -> None:
    for module in modules():
        functions = ("options", "source", "prepare", "compile", "engagement", "reset")
        if getattr(module, "ONLY_DIFFERENTIATES", False):
            functions = ("prepare",)
        assert all(callable(getattr(module, name)) for name in functions), module.__name__
        assert isinstance(module.NAMES, tuple)
        assert isinstance(module.UNSUPPORTED, tuple)
        assert isinstance(module.RUNG, int)
        assert isinstance(module.DEAR, bool)
        assert isinstance(module.FRAMEWORK, str)
        assert module.PREFIX is None or module.PREFIX.endswith(":")


def test_a_backend_file_imports_only_the_standard_library_at_its_top() -> None:
    for module in modules():
        tree = ast.parse(Path(str(module.__file__)).read_text())
        for node in tree.body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or "."] if isinstance(node, ast.ImportFrom) else []
            assert all(name.partition(".")[0] in sys.stdlib_module_names for name in names), module.__name__


@pytest.mark.parametrize("target", ["eager", "torch:eager", "aot_eager", "aot_eager_decomp", "inductor"])
def test_options_follow_from_the_draw_and_make_a_script(target: str) -> None:
    backend = find_backend(target)
    for seed in range(200):
        training = bool(seed % 2)
        options = backend.options(random.Random(seed), training)
        assert options == backend.options(random.Random(seed), training)
        assert json.loads(json.dumps(options)) == options
        compile(backend.source(options), "script", "exec")


def test_most_cases_keep_the_defaults() -> None:
    backend = find_backend("inductor")
    drawn = [backend.options(random.Random(seed), False) for seed in range(500)]
    assert sum("config" not in options for options in drawn) > 250
    keys = {key for options in drawn for key in options.get("config", {})}
    assert len(keys) > 40


def test_the_options_of_every_target_can_be_drawn() -> None:
    for module in modules():
        for name in module.NAMES:
            backend = find_backend(name)
            drawn = backend.options(random.Random(0), False)
            assert isinstance(drawn, dict)
            assert not (drawn and backend.only_differentiates), name
