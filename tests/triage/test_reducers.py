"""Each reducer: what it makes of a program, and that it keeps to what the loop relies on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from assay.ir.program import (
    Block,
    Data,
    Layout,
    Literal,
    Operation,
    Program,
    PythonOperation,
    Region,
    Value,
    operations,
)
from assay.ir.sizes import symbol
from assay.ir.types import FunctionType, ScalarType, TensorType
from assay.triage.conformance import problems
from assay.triage.reduction import prepared
from assay.triage.registry import Reducer, reducer, reducers
from assay.triage.subject import Subject, subject_of
from triage.build import Builder, case_of, random_program

F32 = TensorType("float32", (3, 4))


def subject(program: Program, **options: object) -> Subject:
    found = subject_of(case_of(program, options=options))
    assert found is not None
    return found


def candidates(name: str, start: Subject) -> list[Program]:
    """The programs that a reducer's candidates come to."""
    chosen = next(each for each in reducers() if each.name == name)
    made = [prepared(candidate) for candidate in chosen.candidates(start)]
    return [each[0].program for each in made if each is not None]


def texts(name: str, start: Subject) -> list[list[str]]:
    """The operators of each candidate of a reducer."""
    return [[each.operator for each in operations(program)] for program in candidates(name, start)]


@pytest.mark.parametrize("each", reducers(), ids=lambda each: each.name)
def test_a_reducer_keeps_to_what_the_loop_relies_on(each: Reducer) -> None:
    options = {"dynamic": True, "config": {"dynamo.specialize_int": True}}
    assert not problems(each, [subject(random_program(seed, training=seed == 1), **options) for seed in range(3)])


def test_a_reducer_that_never_ends_is_found_out() -> None:
    @reducer("longer", order=1)
    def longer(start: Subject) -> Iterator[Subject]:
        """Ever larger sizes."""
        entry = start.program.inputs[0]
        assert isinstance(entry.value.type, TensorType)
        (size,) = entry.value.type.shape
        larger = replace(entry, value=replace(entry.value, type=TensorType("float32", (size + 1,))))
        yield start.with_program(replace(start.program, inputs=(larger,)))

    builder = Builder()
    builder.op("a", "unary.relu", builder.input("x", shape=(1,)))
    assert "goes on for more than" in problems(longer, [subject(builder.made("a"))])[0]


def test_two_reducers_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [each.name for each in reducers()]
    assert len(names) == len(set(names)) >= 20


def test_ending_earlier_returns_what_was_computed_so_far() -> None:
    builder = Builder()
    x = builder.input("x")
    for name, previous in (("a", x), ("b", "a"), ("c", "b"), ("d", "c")):
        builder.op(name, "unary.relu", previous)
    shorter = candidates("end-earlier", subject(builder.made("d")))
    assert [program.outputs for program in shorter[:2]] == ["b", "c"]
    assert [len(program.body) for program in shorter[:2]] == [2, 3]


def test_starting_later_passes_values_as_inputs_within_what_is_known_of_them() -> None:
    builder = Builder()
    builder.op("b", "smooth.log", builder.op("a", "smooth.exp", builder.input("x")))
    shorter = candidates("start-later", subject(builder.made("b")))[0]
    assert [entry.name for entry in shorter.inputs] == ["a"]
    data = shorter.calls[0].argument("a").data
    assert data is not None
    assert data.low > 0, "the logarithm takes positive numbers only"


def test_dropping_a_statement_lets_others_use_its_operand() -> None:
    builder = Builder()
    builder.op("b", "unary.relu", builder.op("a", "unary.neg", builder.input("x")))
    assert texts("drop-statements", subject(builder.made("b"))) == [["unary.neg"], ["unary.relu"]]


def loop(kind: str) -> Program:
    builder = Builder()
    x = builder.input("x")
    counter, carried, inner = Value("i", ScalarType("int")), Value("c", F32, "c"), Value("n", F32, "n")
    body = Operation("unary.neg", ("c",), (), (inner,))
    block = Block((body,), ("n",), (counter, carried))
    builder.add(Region(kind, (x,), (("trips", 3),), (block,), (Value("r", F32, "r"),)))
    builder.op("b", "unary.relu", "r")
    return builder.made("b")


@pytest.mark.parametrize("kind", ["for", "while"])
def test_a_loop_becomes_its_initial_values_or_one_trip_or_fewer_trips(kind: str) -> None:
    shorter = candidates("inline-regions", subject(loop(kind)))
    assert [len([s for s in program.body if isinstance(s, Region)]) for program in shorter] == [0, 0, 1, 1]
    assert [[each.operator for each in operations(program)] for program in shorter[:2]] == [
        ["unary.relu"],
        ["unary.neg", "unary.relu"],
    ]


def test_a_function_is_inlined_at_each_of_its_calls() -> None:
    builder = Builder()
    x = builder.input("x")
    inner = Operation("unary.neg", ("p",), (), (Value("n", F32, "n"),))
    block = Block((inner,), ("n",), (Value("p", F32, "p"),))
    builder.add(Region("def", (), (), (block,), (Value("f", FunctionType((F32,), ())),)))
    builder.add(PythonOperation("call", ("f", x), (), (Value("a", F32, "a"),)))
    builder.add(PythonOperation("call", ("f", "a"), (), (Value("b", F32, "b"),)))
    (program,) = candidates("inline-regions", subject(builder.made("b")))
    assert [type(statement) for statement in program.body] == [Operation, Operation]


def test_the_functional_form_hands_the_result_to_later_uses() -> None:
    builder = Builder()
    x = builder.input("x")
    builder.add(Operation("unary.neg", (x,), (), (Value("a", F32, x),), "inplace"))
    builder.op("b", "unary.relu", x)
    followed, not_followed = candidates("functional-form", subject(builder.made("b")))
    assert [each.operands for each in operations(followed)] == [("x",), ("a",)]
    assert [each.operator for each in operations(not_followed)] == ["unary.relu"], "the write is dead code then"


def test_containers_are_unpacked_and_known_numbers_become_constants() -> None:
    builder = Builder()
    x, n = builder.input("x"), builder.number("n", 2)
    builder.op("a", "binary.mul", x, n)
    builder.python("t", "pack", "a", x, container="tuple")
    builder.python("u", "item", "t", index=0)
    program = builder.made("u", "t")
    shorter = candidates("unpack", subject(program))
    assert ("tuple", ("u", "a", "x"), ()) in [each.outputs for each in shorter]
    assert any(operations(each)[0].operands == ("x", Literal(2)) for each in shorter)


def test_sizes_that_differ_between_calls_become_constant() -> None:
    builder = Builder()
    program = replace(builder.program, sizes=(("s", (3, 5)),), instantiations=2)
    builder.program = replace(program, calls=(*program.calls, replace(program.calls[0], instantiation=1)))
    builder.op("a", "unary.relu", builder.input("x", shape=(symbol("s", (3, 5)), 4)))
    shorter = candidates("static-sizes", subject(builder.made("a")))
    shapes = [program.inputs[0].value.type for program in shorter]
    assert TensorType("float32", (3, 4)) in shapes
    assert TensorType("float32", (5, 4)) in shapes
    assert all(not program.sizes for program in shorter)


def test_aliases_and_layouts_become_plain_with_the_contents_that_they_showed() -> None:
    builder = Builder()
    x = builder.input("x", data=Data(1.0, 1.0, 5), layout=Layout("sliced", offset=1, step=2))
    y = builder.input("y", base=x, layout=Layout("alias"))
    program = builder.made(builder.op("a", "binary.add", x, y, alpha=1))
    (plain,) = candidates("plain-inputs", subject(program))
    assert plain.inputs[1].base is None
    assert plain.calls[0].argument("y").data == Data(1.0, 1.0, 5)
    (contiguous,) = candidates("contiguous", subject(program))
    assert contiguous.calls[0].argument("x").layout == Layout()


def test_a_dimension_is_lost_with_the_attribute_that_names_it() -> None:
    builder = Builder()
    program = builder.made(builder.op("a", "reduce.sum", builder.input("x", shape=(2, 3, 4)), dim=(-1,), keepdim=False))
    lower = candidates("lower-ranks", subject(program))
    found = {(each.inputs[0].value.type.rank, operations(each)[0].attributes[0]) for each in lower}  # type: ignore[union-attr]
    assert (1, ("dim", (-1,))) in found
    assert (2, ("dim", (-1,))) in found


def test_one_size_is_lowered_wherever_it_occurs() -> None:
    builder = Builder()
    x, y = builder.input("x", shape=(6, 5)), builder.input("y", shape=(5,))
    program = builder.made(builder.op("a", "binary.mul", x, y))
    shapes = [
        tuple(entry.value.type.shape for entry in each.inputs) for each in candidates("lower-sizes", subject(program))
    ]  # type: ignore[union-attr]
    assert shapes[0] == ((1, 1), (1,))
    assert ((6, 2), (2,)) in shapes
    assert ((3, 5), (5,)) in shapes


def test_options_return_to_their_defaults_one_by_one() -> None:
    start = subject(random_program(0), dynamic=True, config={"a": 1, "b": 2})
    chosen = next(each for each in reducers() if each.name == "default-options")
    options = [dict(each.options) for each in chosen.candidates(start)]
    assert options[0] == {}
    assert {"dynamic": True, "config": {"b": 2}} in options
