"""The ladder and the signature of a bucket."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from assay.backends import rungs_below
from assay.campaign.bench import Abandoned
from assay.campaign.climbing import on_rung
from assay.campaign.findings import RunCase
from assay.ir.case import Case
from assay.ir.program import Operation, Value
from assay.ir.types import TensorType
from assay.oracles.verdict import Judgement, Kind, Verdict
from assay.triage import triage_finding
from assay.triage.ladder import localise
from assay.triage.reduction import CHEAP, Budget, Reduction
from assay.triage.replay import Replay
from assay.triage.signature import bucket_signature, dtype_classes
from triage.build import RIGHT, WRONG, Builder, case_of, program_of, random_program

SHOWN = Replay(1, "BUG: wrong", "")


@pytest.mark.parametrize(
    ("wrong_from", "layer"),
    [
        ("eager", "eager"),
        ("torch:eager", "dynamo"),
        ("aot_eager", "aot autograd"),
        ("aot_eager_decomp", "decompositions"),
        ("inductor", "inductor"),
    ],
)
def test_the_first_rung_that_is_wrong_names_the_layer(wrong_from: str, layer: str) -> None:
    rungs = ("eager", "torch:eager", "aot_eager", "aot_eager_decomp", "inductor")

    def run(case: Case) -> Judgement:
        return WRONG if rungs.index(case.target) >= rungs.index(wrong_from) else RIGHT

    assert localise(case_of(random_program(0)), WRONG, run) == layer


@pytest.mark.parametrize(("target", "layer"), [("torch:eager", "dynamo"), ("inductor", ""), ("aot_eager", "")])
def test_without_time_the_layer_is_known_of_a_target_that_has_only_one(target: str, layer: str) -> None:
    def run(case: Case) -> Judgement:
        raise AssertionError("no time is left")

    found = triage_finding(case_of(random_program(0), target), WRONG, run, out_of_time=lambda: True)
    assert found.layer == layer
    assert found.signature == bucket_signature(WRONG, layer, found.operators, program_of(found.case))


def test_another_kind_on_a_lower_rung_is_another_finding() -> None:
    other = replace(WRONG, kind=Kind.stride)
    assert localise(case_of(random_program(0)), WRONG, lambda case: other) == "inductor"


def test_a_rung_gets_the_options_that_mean_something_there() -> None:
    config = {"inductor.cpp_wrapper": True, "functorch.cse": False, "dynamo.specialize_int": True}
    options = {"dynamic": True, "mode": "reduce-overhead", "config": config}
    case = case_of(random_program(0), "inductor@/opt/python", options)
    assert dict(on_rung(case, "eager").options) == {}
    lower = on_rung(case, "torch:eager")
    assert lower.target == "torch:eager@/opt/python"
    assert dict(lower.options) == {"dynamic": True, "config": {"dynamo.specialize_int": True}}
    assert lower.id != case.id


def test_a_backend_of_the_users_has_dynamo_below_it() -> None:
    assert rungs_below("torch:mine.backend") == ("eager", "torch:eager")
    assert rungs_below("torch:eager@/opt/python") == ("eager@/opt/python",)
    assert rungs_below("eager") == ()


def test_two_dtypes_of_one_class_and_two_sizes_give_one_signature() -> None:
    signatures = set()
    for dtype, shape in (("float32", (3,)), ("float64", (5, 2))):
        builder = Builder()
        program = builder.made(builder.op("a", "smooth.tanh", builder.input("x", dtype, shape)))
        judgement = replace(WRONG, signature=f"value|{dtype}|output")
        signatures.add(bucket_signature(judgement, "inductor", case_of(program).operators, program))
    assert signatures == {"value|inductor|output|smooth.tanh|float"}


def test_strides_that_change_with_a_write_are_one_cause() -> None:
    signatures = set()
    wrong = replace(WRONG, kind=Kind.stride, signature="stride|output")
    for operator, form in (("unary.neg", "inplace"), ("unary.abs", "inplace"), ("unary.abs", "function")):
        builder = Builder()
        x = builder.input("x")
        result = Value("a", TensorType("float32", (3, 4)), x if form == "inplace" else "a")
        builder.add(Operation(operator, (x,), (), (result,), form))
        program = builder.made("a")
        signatures.add(bucket_signature(wrong, "aot autograd", case_of(program).operators, program))
    assert signatures == {
        "stride|aot autograd|output|written in place",
        "stride|aot autograd|output|unary.abs",
    }


@pytest.mark.parametrize("form", ["iterator->iterator", "operator object->function", "declined->computed"])
def test_how_an_object_is_made_again_is_one_cause_whatever_made_it(form: str) -> None:
    wrong = replace(WRONG, kind=Kind.type, signature=f"type|{form}|output")
    named = {bucket_signature(wrong, "dynamo", [name], None) for name in ("itertools.islice", "dict.keys")}
    assert named == {f"type|dynamo|{form}|output"}
    for form in ("iterator->int", "length of class"):
        other = replace(wrong, signature=f"type|{form}|output")
        assert len({bucket_signature(other, "dynamo", [name], None) for name in ("list.copy", "list.pop")}) == 2


def test_the_signature_of_an_exception_is_its_own_whatever_the_program() -> None:
    raised = Judgement(Verdict.Exception, Kind.exception, "", "", "exception|E|f.py:g|no lowering")
    signatures = {
        bucket_signature(raised, "inductor", case_of(random_program(seed)).operators, random_program(seed))
        for seed in range(3)
    }
    assert signatures == {"exception|inductor|E|f.py:g|no lowering"}


def test_dtypes_fall_into_classes() -> None:
    builder = Builder()
    x, y = builder.input("x", "bfloat16"), builder.input("y", "int64")
    program = builder.made(builder.op("a", "unary.logical_not", x), builder.op("b", "unary.neg", y))
    assert dtype_classes(program) == ["bool", "half", "int"]


def wrong_on(operator: str, case: Case) -> Judgement:
    return WRONG if operator in case.operators and case.target == "inductor" else RIGHT


def test_a_finding_becomes_a_report() -> None:
    case = case_of(random_program(0, 14))
    operator = case.operators[1]
    triaged = triage_finding(
        case,
        WRONG,
        lambda other, **rest: wrong_on(operator, other),
        run_script=lambda script, python: SHOWN,
    )
    assert (triaged.operators, triaged.layer, triaged.notes) == ((operator,), "inductor", "")
    assert triaged.reduced
    assert triaged.script.startswith('"""')
    assert triaged.signature.startswith("value|inductor|output")


def test_a_finding_on_a_dear_target_is_reduced_where_a_run_is_cheap() -> None:
    case = case_of(random_program(0, 14))
    operator = case.operators[1]
    runs: Counter[str] = Counter()

    def run(other: Case, **rest: object) -> Judgement:
        runs[other.target] += 1
        shown = operator in other.operators and other.target in ("aot_eager", "aot_eager_decomp", "inductor")
        return WRONG if shown else RIGHT

    triaged = triage_finding(case, WRONG, run, run_script=lambda script, python: SHOWN)
    assert (triaged.case.target, triaged.operators, triaged.layer) == ("inductor", (operator,), "aot autograd")
    assert runs["inductor"] <= 3
    assert runs["aot_eager"] > runs["inductor"]


def test_what_a_lower_rung_reduces_to_counts_only_if_the_target_shows_it() -> None:
    """The rung below has another fault beside it, which it is led astray by."""
    case = case_of(random_program(0, 14))
    wanted, other_fault = case.operators[1], case.operators[0]

    def run(other: Case, **rest: object) -> Judgement:
        faults = {"aot_eager": {other_fault}, "inductor": {wanted}}.get(other.target, set())
        return WRONG if faults & set(other.operators) else RIGHT

    triaged = triage_finding(case, WRONG, run, run_script=lambda script, python: SHOWN)
    assert triaged.operators == (wanted,)


def test_a_reduction_takes_no_longer_than_it_is_given() -> None:
    case = case_of(random_program(0, 14))
    now = iter(range(10_000))
    triaged = triage_finding(
        case,
        WRONG,
        lambda other, **rest: wrong_on(case.operators[0], other),
        most_seconds=5,
        clock=lambda: float(next(now)),
        run_script=lambda script, python: SHOWN,
    )
    assert "reduction stopped" in triaged.notes
    assert triaged.steps < 5


def test_a_script_that_does_not_show_the_finding_is_said_to() -> None:
    case = case_of(random_program(0))
    triaged = triage_finding(
        case,
        WRONG,
        lambda other, **rest: wrong_on(case.operators[0], other),
        run_script=lambda script, python: Replay(0, "OK", ""),
    )
    assert triaged.notes == "unscripted: the script, run fresh, ended with 0: OK"


def test_a_script_keeps_the_formula_of_its_inputs_where_literals_do_not_show_the_finding() -> None:
    """Found as a view of an argument that is a view itself, which a literal is not."""
    case = case_of(random_program(0))
    triaged = triage_finding(
        case,
        WRONG,
        lambda other, **rest: wrong_on(case.operators[0], other),
        run_script=lambda script, python: SHOWN if "def fill(" in script else Replay(0, "OK", ""),
    )
    assert triaged.notes == ""
    assert "= fill(" in triaged.script


def test_a_script_runs_backward_where_the_finding_shows_only_then() -> None:
    """Found as an output that the compiled backward overwrote."""
    case = case_of(replace(random_program(0), training=True))
    triaged = triage_finding(
        case,
        WRONG,
        lambda other, **rest: wrong_on(case.operators[0], other) if other.training else RIGHT,
        run_script=lambda script, python: SHOWN if "backward(" in script else Replay(0, "OK", ""),
    )
    assert triaged.notes == ""
    assert ".backward(" in triaged.script
    assert "return result" in triaged.script


def test_what_was_reduced_by_then_is_kept_when_the_campaign_ends() -> None:
    case = case_of(random_program(0, 14))
    runs: list[Case] = []

    def run(other: Case, **rest: object) -> Judgement:
        if len(runs) == 10:  # four of them ask the rungs below
            raise Abandoned
        runs.append(other)
        return wrong_on(case.operators[0], other)

    triaged = triage_finding(case, WRONG, run, run_script=lambda script, python: SHOWN)
    assert triaged.case.operations < case.operations
    assert "reduction stopped" in triaged.notes


def test_a_case_without_a_program_is_reported_as_it_is() -> None:
    case = replace(case_of(random_program(0)), recipe={"seed": 1})
    triaged = triage_finding(case, WRONG, lambda other, **rest: RIGHT)
    assert (triaged.script, triaged.reduced) == (case.text, False)
    assert "no program" in triaged.notes


def test_a_reduced_case_still_has_its_recipe() -> None:
    case = case_of(random_program(3, 14))
    triaged = triage_finding(
        case, WRONG, lambda other, **rest: wrong_on(case.operators[0], other), run_script=lambda script, python: SHOWN
    )
    assert len(program_of(triaged.case).body) == triaged.case.operations == 1


def test_the_rung_below_is_given_as_many_runs_as_the_target_where_those_are_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`assay reduce` is bounded by time alone, on whatever rung it reduces."""
    given: list[Budget] = []

    def reduce(case: Case, judgement: Judgement, run: RunCase, *, budget: Budget, **rest: Any) -> Reduction:
        given.append(budget)
        return Reduction(case, judgement, (), 0, 0.0, complete=True)

    monkeypatch.setattr("assay.triage.finding.reduce_case", reduce)
    case = case_of(random_program(0))
    for executions in (10, 100_000):
        budget = Budget(executions, 60.0)
        triage_finding(case, WRONG, lambda other, **rest: WRONG, budget=budget, run_script=lambda *_: SHOWN)
    below = given[::2]
    assert [each.executions for each in below] == [CHEAP.executions, 100_000]


RAISED = Judgement(Verdict.Exception, Kind.exception, "call 0, forward", "it raised", "exception|E|a.py:f|m")


@pytest.mark.parametrize("early", [True, False])
def test_what_is_raised_before_there_is_code_is_reduced_without_making_any(early: bool) -> None:
    case = case_of(random_program(0, 14), "inductor")
    codes: list[str] = []

    def run(other: Case, *, alone: bool = False, confirm: bool = False, code: str = "merged") -> Judgement:
        if other.target != "inductor":
            return RIGHT
        codes.append(code)
        if case.operators[0] not in other.operators:
            return replace(RAISED, signature="exception|CodeReached|b.py:g|m") if code == "none" else RIGHT
        return RAISED if early or code != "none" else replace(RAISED, signature="exception|CodeReached|b.py:g|m")

    triaged = triage_finding(case, RAISED, run, run_script=lambda script, python: SHOWN)
    assert triaged.case.operators == case.operators[:1]
    assert codes[0] == "none"
    assert set(codes[1:]) == ({"none"} if early else {"merged"})


def test_what_is_wrong_in_number_needs_the_code() -> None:
    case = case_of(random_program(0, 6), "inductor")
    codes: list[str] = []

    def run(other: Case, *, alone: bool = False, confirm: bool = False, code: str = "merged") -> Judgement:
        codes.append(code)
        return WRONG if other.target == "inductor" else RIGHT

    triage_finding(case, WRONG, run, run_script=lambda script, python: SHOWN)
    assert set(codes) == {"merged"}
