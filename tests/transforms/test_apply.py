"""Transforms dealt and composed."""

from __future__ import annotations

import random
from collections import Counter

from assay.emit.torch import render
from assay.generate.dialect import Dialect
from assay.generate.graph import make_case, make_program
from assay.generate.settings import Settings
from assay.ir.program import Region, walk
from assay.ir.verify import verify
from assay.ops.catalogue import load
from assay.ops.interpret import interpret
from assay.transforms.apply import MOST, apply_all, dealt
from assay.transforms.registry import transforms

SETTINGS = Settings(seed=3, operators=tuple(load()), nodes=None, targets=("torch:eager",))


def test_every_ordered_pair_is_dealt_once_before_any_is_dealt_again() -> None:
    count = len(transforms()) ** 2
    pairs = {dealt(1, index, 2, random.Random(0)) for index in range(count)}
    assert len(pairs) == count


def test_neighbouring_cases_are_dealt_other_transforms() -> None:
    firsts = Counter(dealt(1, index, 2, random.Random(index))[0] for index in range(200))
    assert len(firsts) > 100


def test_a_number_of_transforms_is_what_was_asked_for() -> None:
    for count in range(MOST + 1):
        assert len(dealt(1, 5, count, random.Random(0))) == count


def test_transforms_compose() -> None:
    """Six on one program, which stays well formed."""
    deepest = 0
    for index in range(25):
        program, _ = make_program(SETTINGS, index, {"transforms": 0})
        rng = random.Random(index)
        rewritten, done = apply_all(program, dealt(7, index, 6, rng), rng)
        verify(rewritten)
        assert interpret(rewritten, load())[0] == rewritten
        assert len(done) >= 1
        found = [one for one in walk(rewritten.body) if isinstance(one, Region) and one.kind == "rewrite"]
        assert len(found) == len(done)
        deepest = max(deepest, *(sum(one.kind == "rewrite" for one in _inside(each)) + 1 for each in found))
        render(rewritten)
    assert deepest > 1


def test_what_a_worker_calls_of_a_module_is_never_a_transforms_own() -> None:
    """A worker enters what ``around`` gives where a module has it, and a transform's context manager is called so."""
    texts = []
    for index in range(12):
        program, _ = make_program(SETTINGS, index, {"transforms": 0})
        program, done = apply_all(program, ("contexts.generator",), random.Random(index))
        texts += [render(program)] if done and not any(call.around for call in program.calls) else []
    assert texts
    assert not any("def around(" in text for text in texts)


def _inside(region: Region) -> list[Region]:
    return [each for block in region.blocks for each in walk(block.statements) if isinstance(each, Region)]


def test_generation_draws_none_or_up_to_six_and_says_so_in_the_recipe() -> None:
    cases = [make_case(SETTINGS, index) for index in range(60)]
    counts = Counter(case.recipe["policy"]["transforms"] for case in cases)
    assert set(counts) <= set(range(MOST + 1))
    assert 10 < counts[0] < 40
    assert all(list(case.transforms) == case.recipe["transforms"] for case in cases)
    assert sum(bool(case.transforms) for case in cases) >= 25


def test_a_dialect_without_python_gets_no_transforms() -> None:
    for index in range(10):
        program, policy = make_program(SETTINGS, index, dialect=Dialect(21))
        assert policy.transforms == 0
        assert not any(isinstance(one, Region) and one.kind == "rewrite" for one in walk(program.body))
