"""The catalogue: what is in it, how it is asked, what a specification may not do."""

from __future__ import annotations

import pytest

from assay.ops.catalogue import UnknownOperator, load, select
from assay.ops.protocol import Operator, Registry


def blank(name: str) -> Operator:
    return Operator(name, (), (), lambda b: (), lambda b, f: (), "torch.zeros")


def test_operators_come_in_the_order_of_their_names() -> None:
    names = list(load())
    assert names == sorted(names)


def test_a_name_is_registered_once() -> None:
    registry = Registry()
    registry.add(blank("family.name"))
    with pytest.raises(ValueError, match="registered twice"):
        registry.add(blank("family.name"))


def test_names_and_globs_select_and_exclude() -> None:
    assert select(["sort.*"], ["sort.topk"]) == [
        name for name in load() if name.startswith("sort.") and name != "sort.topk"
    ]


def test_a_pattern_that_matches_nothing_is_the_users_mistake() -> None:
    with pytest.raises(UnknownOperator, match="no operator matches 'sorted'"):
        select(["sorted"])
