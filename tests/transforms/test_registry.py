"""Transforms by name: found by listing a folder, of four kinds, each with its reason."""

from __future__ import annotations

from collections import Counter

import pytest

from assay.transforms.families import control
from assay.transforms.registry import KINDS, Transform, run, transforms, transforms_of

ALL = list(transforms().values())


def test_there_are_many_that_differ_in_kind() -> None:
    assert len(ALL) >= 250
    assert len({each.family for each in ALL}) >= 20
    assert set(Counter(each.kind for each in ALL)) == set(KINDS)


@pytest.mark.parametrize("each", ALL, ids=lambda each: each.name)
def test_a_transform_says_why_the_meaning_stays(each: Transform) -> None:
    assert each.reason.endswith(".")
    assert "\n\n" not in each.reason
    assert each.name == f"{each.family}.{each.name.partition('.')[2]}"
    assert set(each.extras) <= {"int", "str", "bool", "tensor"}


def test_a_module_has_the_transforms_that_it_defines_and_not_those_that_it_imports() -> None:
    names = [each.name for each in transforms_of(control)]
    assert "control.for_break" in names
    assert len(names) == len(set(names))


def test_two_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    @run("control.for_break")
    def again(w: object) -> list[str]:
        """The same name."""
        return []

    again.write.__module__ = control.__name__
    monkeypatch.setattr(control, "again", again, raising=False)
    transforms.cache_clear()
    with pytest.raises(ValueError, match=r"two transforms are called 'control\.for_break'"):
        transforms()
    monkeypatch.undo()
    transforms.cache_clear()
    assert transforms()["control.for_break"].reason.startswith("The first trip")
