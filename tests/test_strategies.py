"""The Hypothesis strategy of generated programs."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from assay.campaign.mistake import UserMistake
from assay.strategies import GeneratedProgram, programs

hypothesis = pytest.importorskip("hypothesis")
QUICK = {"deadline": None, "database": None, "suppress_health_check": list(hypothesis.HealthCheck)}


def test_programs_use_only_the_operators_asked_for() -> None:
    seen: set[str] = set()

    @hypothesis.settings(max_examples=15, **QUICK)
    @hypothesis.given(programs(include=["unary.*", "binary.add"], nodes=5))
    def run(program: GeneratedProgram) -> None:
        seen.update(program.operators)

    run()
    assert seen
    # Facts are kept by clamps, whatever is asked for.
    assert all(name.startswith("unary.") or name == "binary.add" or name == "ternary.clamp" for name in seen)


@pytest.mark.torch
def test_programs_run_eagerly() -> None:
    @hypothesis.settings(max_examples=15, **QUICK)
    @hypothesis.given(programs(nodes=6, training=False))
    def run(program: GeneratedProgram) -> None:
        import torch

        module = program.load()
        given = [module.state()] if hasattr(module, "state") else []
        with torch.no_grad():
            for call in range(module.CALLS):
                if hasattr(module, "between"):
                    module.between(call, *given)
                module.program(*given, *module.inputs(call))

    run()


def test_a_failing_program_shrinks_to_what_one_output_needs() -> None:
    @hypothesis.settings(max_examples=200, **QUICK)
    @hypothesis.given(programs(include=["unary.*", "binary.*"], nodes=10, training=False))
    def run(program: GeneratedProgram) -> None:
        failed.append(program)
        assert not any(name.startswith("binary.") for name in program.operators)
        failed.pop()

    failed: list[GeneratedProgram] = []
    with pytest.raises(AssertionError):
        run()
    assert len(failed[-1].program.body) <= 3
    assert any(name.startswith("binary.") for name in failed[-1].operators)


def test_a_pattern_that_matches_nothing_is_told() -> None:
    with pytest.raises(UserMistake, match="no operator matches"):
        programs(include=["nonsense.*"])


def test_without_hypothesis_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, scope: Mapping[str, Any] | None = None, *rest: Sequence[Any]) -> Any:
        if name.partition(".")[0] == "hypothesis":
            raise ImportError(name)
        return real(name, scope, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match="pip install 'assay-dl\\[hypothesis\\]'"):
        programs()
