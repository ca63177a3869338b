"""Shortcuts change what inductor's code generation costs, never what it generates."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from assay.execution.worker import torch_shortcuts

pytestmark = [pytest.mark.torch, pytest.mark.slow]


@pytest.fixture
def cpp(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Inductor's C++ code generation, with the shortcuts in place for one test."""
    # The rules of dtypes are those of the lowerings.
    pytest.importorskip("torch._inductor.lowering")
    from torch._inductor.codegen import cpp
    from torch._inductor.dtype_propagation import DtypePropagationOpsHandler as Handler

    monkeypatch.setattr(cpp, "stride_at_vec_range", cpp.stride_at_vec_range)
    monkeypatch.setattr(Handler, "__init__", Handler.__init__)
    assert torch_shortcuts.install() == ["strides", "dtype_rules"]
    yield cpp
    torch_shortcuts.enable(True)


def test_strides_are_what_they_were(cpp: Any) -> None:
    import sympy
    from torch._inductor.sizevars import stride_at_vec_range
    from torch.utils._sympy.functions import FloorDiv, Max, Min, ModularIndexing

    x, y, z = (sympy.Symbol(f"d{n}", integer=True, nonnegative=True) for n in range(3))
    size = sympy.Symbol("s0", integer=True, positive=True)
    terms = [
        sympy.Integer(7),
        x,
        3 * x,
        12 * y + 4 * z,
        size * x,
        size * y,
        FloorDiv(x, 16),
        ModularIndexing(x, 1, 32),
        2 * FloorDiv(x, 2) + ModularIndexing(x, 1, 2),
        FloorDiv(x + 5 * y, 3),
        ModularIndexing(y, 4, 8),
        5 * Min(Max(0, x - 1), Min(5, x + 2) - 1),
        Min(Max(0, y - 1), 4),
        x * y,
        x**2,
    ]
    for count in (1, 2, 3):
        for chosen in itertools.combinations(terms, count):
            index = sympy.Add(*chosen)
            for length in (None, 16):
                expected, found = (way(index, x, length) for way in (stride_at_vec_range, cpp.stride_at_vec_range))
                # What code generation looks at: the number, or which symbols it depends on.
                assert found.is_number == expected.is_number, (index, length)
                if expected.is_number:
                    assert found == expected, (index, length)
                assert found.free_symbols == expected.free_symbols, (index, length)


def test_the_rules_of_dtypes_are_set_again_when_one_is_added(cpp: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._inductor import utils
    from torch._inductor.dtype_propagation import DtypePropagationOpsHandler as Handler

    handler = Handler()
    before = handler.add
    assert Handler().add is before
    rules = utils.op_dtype_propagation_rules
    monkeypatch.setitem(rules, "assay_new_rule", next(iter(rules.values())))
    assert Handler().assay_new_rule is not None
    del handler.assay_new_rule
    torch_shortcuts.enable(False)
    assert Handler().add is not before


def test_dynamo_does_all_of_its_work_where_no_shortcut_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    from torch._dynamo import config, exc, utils

    for module, name in ((exc, "_extract_stack_with_positions"), (utils, "_get_dynamo_config_for_logging")):
        monkeypatch.setattr(module, name, getattr(module, name))
    torch_shortcuts.silence_dynamo()
    with config.patch(run_gc_after_compile=True):
        torch_shortcuts.enable(True)
        assert (len(exc._extract_stack_with_positions()), utils._get_dynamo_config_for_logging()) == (0, None)
        assert not config.run_gc_after_compile
        torch_shortcuts.enable(False)
        assert len(exc._extract_stack_with_positions()) > 0
        assert utils._get_dynamo_config_for_logging()
        assert config.run_gc_after_compile
    torch_shortcuts.enable(True)
