"""Reduction reaches the minimum, whatever it is that a system gets wrong; no framework runs here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from assay.ir.case import Case
from assay.ir.program import Layout, Operation, Program, Value, operations, output_names
from assay.ir.types import TensorType
from assay.oracles.verdict import Judgement, Kind, Verdict
from assay.triage.liveness import unpromised
from assay.triage.reduction import Budget, Reduction, reduce_case
from triage.build import (
    RIGHT,
    WRONG,
    Builder,
    case_of,
    contains,
    program_of,
    random_program,
    rank_of,
    wrong_if,
)

SEEDS = range(12)


def reduced(
    program: Program, condition: Callable[[Program], bool], options: Mapping[str, Any] | None = None
) -> tuple[Program, Reduction]:
    """What is left of a program, of which a condition stays true."""
    case, run = case_of(program, options=options), wrong_if(condition)
    judgement = run(case)
    assert judgement == WRONG, "the condition of the test holds of the whole program"
    result = reduce_case(case, judgement, run)
    return program_of(result.case), result


def shapes(program: Program) -> list[tuple[Any, ...]]:
    """The shapes of the inputs."""
    return [entry.value.type.shape for entry in program.inputs if isinstance(entry.value.type, TensorType)]


@pytest.mark.parametrize("seed", SEEDS)
def test_an_operator_is_left_alone_with_one_number(seed: int) -> None:
    program = random_program(seed)
    operator = operations(program)[seed % len(program.body)].operator
    left, result = reduced(program, contains(operator))
    assert [each.operator for each in operations(left)] == [operator]
    assert shapes(left) == [()]
    assert result.complete
    assert result.executions <= 40


@pytest.mark.parametrize("seed", SEEDS)
def test_an_operator_of_a_rank_keeps_that_rank_and_sizes_of_one(seed: int) -> None:
    program = random_program(seed)
    wanted = next(each for each in operations(program) if rank_of(each) >= 2)
    left, result = reduced(program, contains(wanted.operator, lambda each, _: rank_of(each) >= 2))
    assert [each.operator for each in operations(left)] == [wanted.operator]
    assert {size for shape in shapes(left) for size in shape} <= {1}
    assert rank_of(operations(left)[0]) == 2
    assert result.executions <= 80


@pytest.mark.parametrize("least", [2, 3, 7, 8, 9])
def test_a_size_that_matters_is_found_exactly(least: int) -> None:
    builder = Builder()
    x, y = builder.input("x", shape=(21, 4)), builder.input("y", shape=(4,))
    builder.op("b", "smooth.tanh", builder.op("a", "binary.mul", x, y))
    builder.op("c", "reduce.sum", "b", dim=(0,), keepdim=False)

    def condition(program: Program) -> bool:
        return contains("reduce.sum")(program) and any(shape and shape[0] >= least for shape in shapes(program))

    left, _ = reduced(builder.made("c"), condition)
    assert [each.operator for each in operations(left)] == ["reduce.sum"]
    assert shapes(left) == [(least,)]


@pytest.mark.parametrize("seed", SEEDS)
def test_two_operators_where_one_reads_the_other_are_both_left(seed: int) -> None:
    program = random_program(seed, 16)
    made = {each.results[0].name: each.operator for each in operations(program)}
    producer, consumer = next(
        (made[operand], each.operator)
        for each in operations(program)
        for operand in each.operands
        if isinstance(operand, str) and operand in made
    )

    def condition(other: Program) -> bool:
        names = {each.results[0].name for each in operations(other) if each.operator == producer}
        return any(each.operator == consumer and names & set(each.operands) for each in operations(other))

    left, result = reduced(program, condition)
    assert [each.operator for each in operations(left)] == [producer, consumer]
    assert result.executions <= 80


def test_only_the_dtype_that_matters_is_left() -> None:
    builder = Builder()
    x, y = builder.input("x", "bfloat16"), builder.input("y", "float64")
    program = builder.made(builder.op("a", "unary.relu", x), builder.op("b", "binary.mul", y, x))

    def narrow(each: Operation, _: Program) -> bool:
        type_ = each.results[0].type
        return isinstance(type_, TensorType) and type_.dtype == "bfloat16"

    left, _ = reduced(program, contains("unary.relu", narrow))
    assert [entry.value.type for entry in left.inputs] == [TensorType("bfloat16", ())]


def test_only_the_form_and_the_attribute_that_matter_are_left() -> None:
    builder = Builder()
    x, y = builder.input("x"), builder.input("y")
    builder.op("a", "binary.add", x, y, form="inplace", alpha=3)
    builder.op("b", "unary.neg", "a", form="method")
    program = builder.made("b")
    left, _ = reduced(program, contains("binary.add", lambda each, _: each.form == "inplace"))
    assert [(each.form, dict(each.attributes)["alpha"]) for each in operations(left)] == [("inplace", 1)]
    left, _ = reduced(program, contains("binary.add", lambda each, _: dict(each.attributes)["alpha"] == 3))
    assert [(each.form, dict(each.attributes)["alpha"]) for each in operations(left)] == [("function", 3)]


def test_everything_around_the_program_goes_too() -> None:
    builder = Builder(training=True)
    x = builder.input("x", layout=Layout("sliced", offset=1, step=2), requires_grad=True)
    w = builder.input("w", shape=(4,), role="parameter", requires_grad=True)
    builder.op("a", "binary.mul", x, w)
    program = replace(builder.made(("dict", ("a",), ("first",)), calls=3), style="forward")
    options = {"dynamic": True, "config": {"inductor.cpp_wrapper": True}}
    left, result = reduced(program, contains("binary.mul"), options)
    assert dict(result.case.options) == {}
    assert (len(left.calls), left.training, left.style, left.outputs) == (1, False, "function", "a")
    assert {entry.role for entry in left.inputs} == {"argument"}
    assert left.calls[0].argument(left.inputs[0].name).layout == Layout()


def test_code_that_nobody_reads_stays_where_it_matters() -> None:
    builder = Builder()
    x = builder.input("x")
    builder.op("a", "unary.neg", x)
    left, _ = reduced(builder.made(builder.op("b", "smooth.tanh", x), x), contains("unary.neg"))
    assert [each.operator for each in operations(left)] == ["unary.neg"]


def test_an_exception_is_followed_by_its_signature() -> None:
    raised = Judgement(Verdict.Exception, Kind.exception, "", "the target raised", "exception|A|f|no lowering")
    other = replace(raised, signature="exception|B|g|something else")
    builder = Builder()
    builder.op("b", "smooth.tanh", builder.op("a", "unary.neg", builder.input("x")))

    def run(case: Case) -> Judgement:
        names = case.operators
        return raised if "smooth.tanh" in names else other if "unary.neg" in names else RIGHT

    result = reduce_case(case_of(builder.made("b")), raised, run)
    assert result.case.operators == ("smooth.tanh",)


def test_a_mismatch_on_exact_arithmetic_never_drifts_into_rounding() -> None:
    exact = replace(WRONG, detail="1 of 1 elements differ (float32[], exact arithmetic)")
    case = case_of(random_program(0))
    result = reduce_case(case, exact, lambda other: WRONG)
    assert result.case == case
    assert result.steps == ()


def test_the_budget_of_runs_is_kept() -> None:
    runs: list[str] = []

    def run(case: Case) -> Judgement:
        runs.append(case.id)
        return WRONG if case.operations > 6 else RIGHT

    result = reduce_case(case_of(random_program(1, 16)), WRONG, run, budget=Budget(9))
    assert result.executions == len(runs) == len(set(runs)) == 9
    assert not result.complete


def test_no_time_means_no_run() -> None:
    case = case_of(random_program(2))
    result = reduce_case(case, WRONG, wrong_if(lambda program: True), out_of_time=lambda: True)
    assert (result.case, result.executions, result.complete) == (case, 0, False)


def test_the_output_that_is_accused_is_tried_alone_and_then_with_those_that_share_its_memory() -> None:
    builder = Builder()
    builder.input("x")
    for name in ("a", "b", "c", "d"):
        builder.op(name, "unary.neg", "x")
    ran: list[Case] = []

    def run(case: Case) -> Judgement:
        ran.append(case)
        return RIGHT

    wrong = replace(WRONG, where="call 0, output 2", detail="shares storage with output 0 on the target, not in eager")
    reduce_case(case_of(builder.made("a", "b", "c", "d")), wrong, run)
    assert [output_names(program_of(case).outputs) for case in ran[:2]] == [["c"], ["a", "c"]]


def test_a_reduction_does_not_end_with_what_nobody_promises() -> None:
    """Which of several equal elements topk names is open; a system that names another is not wrong."""
    builder = Builder(False)
    builder.add(top("b", "c", builder.input("x")))
    program = builder.made(builder.op("d", "unary.neg", "b"))

    def negated_or_open(tried: Program) -> bool:
        return contains("sort.topk")(tried) and (contains("unary.neg")(tried) or bool(unpromised(tried)))

    left, _ = reduced(program, negated_or_open)
    assert [each.operator for each in operations(left)] == ["sort.topk", "unary.neg"]
    index = operations(left)[0].results[1].name
    assert unpromised(replace(left, outputs=index)) == {index}
    assert not unpromised(left)


def top(values: str, indices: str, operand: str) -> Operation:
    """The greatest element of each row."""
    results = tuple(
        Value(name, TensorType(dtype, (3, 1)), name) for name, dtype in ((values, "float32"), (indices, "int64"))
    )
    return Operation("sort.topk", (operand,), (("dim", -1), ("k", 1), ("largest", True)), results)
