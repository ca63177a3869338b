"""What is recorded of Python objects."""

from __future__ import annotations

import collections
import functools
import types
from typing import Any

import pytest

from assay.execution.worker.objects import REMAINING, parts, plain

MODULE = __name__


def items(value: Any) -> Any:
    found = parts(value, MODULE)
    assert found is not None
    return found.items


def test_what_has_no_parts_is_its_text_without_an_address() -> None:
    assert parts(3, MODULE) is None
    assert plain(object()) == "<object object>"
    assert plain(len) == "len"


def test_an_iterator_is_what_it_still_gives_and_how_it_ends() -> None:
    def generator() -> Any:
        yield 1
        yield 2
        return "end"

    half = generator()
    next(half)
    found = parts(half, MODULE)
    assert found is not None
    assert (found.kind, found.keys, found.items) == ("generator", ["0", "returns"], [2, "end"])


def test_an_iterator_without_end_and_one_that_raises_come_to_an_end() -> None:
    def raising() -> Any:
        yield 1
        raise KeyError("k")

    assert len(items(iter(int, 1))) == REMAINING
    assert items(raising()) == [1, "KeyError"]


def test_a_subclass_is_read_by_the_methods_of_the_builtin() -> None:
    class Liar(list[int]):
        def __iter__(self) -> Any:
            return iter(())

        def __len__(self) -> int:
            return 0

    liar = Liar([1, 2])
    liar.note = 5  # type: ignore[attr-defined]
    assert items(liar) == [1, 2, 5]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (collections.deque([1]), collections.deque([1], maxlen=2)),
        (collections.defaultdict(list), collections.defaultdict(int)),
        (collections.OrderedDict(a=1, b=2), collections.OrderedDict(b=2, a=1)),
        ({1: "a"}, {True: "a"}),
        (functools.partial(max, 1), functools.partial(min, 1)),
        (types.MappingProxyType({"a": 1}), {"a": 1}),
        ({"a": 1}.keys(), ["a"]),
    ],
)
def test_what_differs_is_recorded_differently(one: Any, other: Any) -> None:
    first, second = parts(one, MODULE), parts(other, MODULE)
    assert (first, str(first)) != (second, str(second))


def test_slots_and_attributes_of_the_programs_own_objects_are_read() -> None:
    class Slotted:
        __slots__ = ("x", "y")

        def __init__(self) -> None:
            self.x = 1

    found = parts(Slotted(), MODULE)
    assert found is not None
    assert (found.keys, found.items, found.promised) == ([".x"], [1], True)


def test_of_an_exception_the_chain_is_read_and_no_text_of_the_interpreters() -> None:
    class Own(ValueError):
        pass

    plain_one, own = KeyError("text"), Own("kept")
    own.__cause__ = plain_one
    assert "text" not in items(plain_one)
    assert items(own) == [plain_one, None, True, ("kept",)]


def test_a_class_of_the_program_is_what_it_keeps_and_not_its_methods() -> None:
    class Kept:
        level = 3

        def method(self) -> None: ...

    assert items(Kept) == [3]
