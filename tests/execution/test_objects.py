"""What is recorded of Python objects."""

from __future__ import annotations

import collections
import functools
import itertools
import types
from typing import Any

import pytest

from assay.execution.worker.objects import REMAINING, parts, plain

MODULE = __name__
Point = collections.namedtuple("Point", "x")


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


@pytest.mark.parametrize(
    "one", [iter([1]), iter((1,)), iter({1: 2}), iter({1}), reversed([1]), iter(collections.deque([1])), iter(b"\1")]
)
def test_a_type_of_iterators_without_a_name_is_not_told_from_another(one: Any) -> None:
    found = parts(one, MODULE)
    assert found is not None
    assert (found.kind, found.items) == ("iterator", [1, None])


def test_such_a_type_is_not_told_from_another_where_it_is_the_value_itself() -> None:
    assert plain(type(iter(()))) == plain(type(iter([])))
    assert plain(zip) != plain(map) != plain(type(iter([])))
    assert plain(tuple) != plain(list)


@pytest.mark.parametrize("around", [lambda one: {one: 0}, lambda one: {(1, one): 0}, lambda one: {frozenset({one}): 0}])
def test_a_type_of_iterators_without_a_name_is_not_told_in_a_key(around: Any) -> None:
    keys = [parts(around(each), MODULE).keys for each in (itertools.repeat(5, 2), iter((5, 5)))]  # type: ignore[union-attr]
    assert keys[0] == keys[1]
    assert parts(around(zip([1])), MODULE).keys != keys[0]  # type: ignore[union-attr]


def test_a_type_of_iterators_without_a_name_is_not_told_in_a_slice_or_by_the_order_of_a_set() -> None:
    class Holds:
        def __init__(self, held: Any, number: int) -> None:
            self.held, self.number = held, number

    assert plain(slice(iter({7}), -4)) == plain(slice(iter((7,)), -4)) != plain(slice(7, -4))
    for first, second in ((iter([1]), itertools.repeat(1, 1)), (itertools.repeat(1, 1), iter([1]))):
        assert [each.number for each in items({Holds(second, 2), Holds(first, 1)})] == [1, 2]


@pytest.mark.parametrize(
    ("one", "kind"),
    [(zip([1]), "zip"), (map(abs, [1]), "map"), ((each for each in [1]), "generator")],
)
def test_an_iterator_of_a_type_that_has_a_name_is_recorded_with_it(one: Any, kind: str) -> None:
    found = parts(one, MODULE)
    assert found is not None
    assert found.kind == kind


def test_the_module_of_a_named_tuple_made_in_a_function_is_nobodys_promise() -> None:
    made = collections.namedtuple("Made", "x", module=MODULE)
    elsewhere = collections.namedtuple("Made", "x", module="somewhere.else")
    other = collections.namedtuple("Other", "x", module=MODULE)
    assert parts(made(1), MODULE) == parts(elsewhere(1), MODULE)
    assert parts(made(1), MODULE) != parts(other(1), MODULE)
    assert parts(Point(1), MODULE).kind == f"{MODULE}.Point"  # type: ignore[union-attr]
