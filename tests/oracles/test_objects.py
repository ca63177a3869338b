"""The oracle of Python objects, and causes of exceptions."""

from __future__ import annotations

from dataclasses import replace

from assay.oracles.exceptions import exceptions
from assay.oracles.objects import objects
from assay.oracles.outcome import CallRecord, ContainerRecord, ExceptionRecord, Execution, Outcome, Tree, ValueRecord
from assay.oracles.registry import Question
from assay.oracles.verdict import Kind

from .build import case


def returning(*outputs: Tree, arguments: tuple[Tree, ...] = ()) -> Execution:
    result = ContainerRecord("tuple", None, outputs)
    return Execution((CallRecord("ok", None, result, arguments, {}, {}, "forward"),))


def a_list(identity: int) -> ContainerRecord:
    return ContainerRecord("list", None, (ValueRecord("int", "1"),), identity)


def asked(reference: Execution, target: Execution, source: str = "python") -> Question:
    return Question(replace(case(), source=source), Outcome("c0", "completed", reference=reference, target=target))


def test_one_list_that_became_two_is_told() -> None:
    (found,) = objects.check(asked(returning(a_list(0), a_list(0)), returning(a_list(0), a_list(1))))
    assert found.kind is Kind.alias
    assert "is the object output 0 in eager" in found.detail


def test_two_lists_that_became_one_are_told() -> None:
    (found,) = objects.check(asked(returning(a_list(0), a_list(1)), returning(a_list(0), a_list(0))))
    assert "on the target, another in eager" in found.detail


def test_a_list_that_was_passed_and_comes_back_as_another_is_told() -> None:
    same, other = (returning(a_list(number), arguments=(a_list(0),)) for number in (0, 1))
    assert list(objects.check(asked(same, other)))
    assert not list(objects.check(asked(same, same)))


def test_tuples_may_be_one_object_or_two() -> None:
    one, two = (ContainerRecord("tuple", None, (ValueRecord("int", "1"),)) for _ in range(2))
    assert not list(objects.check(asked(returning(one, one), returning(one, two))))


def raising(*chain: str) -> Execution:
    error = ExceptionRecord("ValueError", ("Exception",), "text", (), chain)
    return Execution((CallRecord("exception", error, None, (), {}, {}, "forward"),))


def test_a_program_over_python_may_raise_and_has_to_raise_the_same() -> None:
    assert not list(exceptions.check(asked(raising("KeyError: 'k'"), raising("KeyError: 'other text'"))))
    (found,) = exceptions.check(asked(raising("KeyError: 'k'"), raising()))
    assert found.signature == "exception|chain|ValueError"


def test_what_the_compiler_raised_on_its_way_is_no_cause() -> None:
    assert not list(exceptions.check(asked(raising(), raising("torch._dynamo.exc.ObservedException: x"))))


def test_a_program_that_is_valid_by_construction_may_not_raise() -> None:
    (found,) = exceptions.check(asked(raising(), raising(), source="graph"))
    assert found.verdict.value == "Invalid"
