"""An explanation fits one screen whatever the finding, and is JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from assay.ir.case import Case
from assay.oracles.elements import Element
from assay.oracles.numerics.rounding import Ruling
from assay.oracles.verdict import Judgement, Kind, Verdict
from assay.report.explanation import COLUMNS, explanation_screen, explanation_to_json, marked_program, shown
from assay.report.finding import SCREEN_LINES
from assay.triage.explain import Explanation
from assay.triage.parting import OperandSeen, Parting, Way
from triage.build import case_of, random_program

COMMANDS = ("python runs/1/scripts/b1.py",)
ELEMENT = Element(
    call=0,
    path="output 1",
    index=(1, 0),
    dtype="float32",
    shape=(2, 3),
    total=6,
    different=4,
    wrong=2,
    eager=0.333333343,
    target=-1.0,
    value=1 / 3,
    bound=1e-7,
    ruling=Ruling.wrong,
    why="",
    eager_off=1e-8,
    target_off=4 / 3,
    apart=4 / 3,
    allowed=1e-5,
)
ELEMENTS = {
    "rounded": ELEMENT,
    "exact": replace(ELEMENT, bound=0.0),
    "float64": replace(ELEMENT, dtype="float64", eager=0.1 + 0.2, bound=1e-16),
    "integer": replace(ELEMENT, dtype="int64", eager=2**62, target=-(2**62), value=None, bound=1.0),
    "boolean": replace(ELEMENT, dtype="bool", eager=True, target=False, value=None, bound=0.0, shape=(), index=()),
    "complex": replace(ELEMENT, dtype="complex64", eager=1 - 1j, target=-0.123456789 + 1e-20j, value=1 - 1j),
    "nan": replace(ELEMENT, target=float("nan"), target_off=float("inf"), apart=float("inf")),
    "inaccurate": replace(ELEMENT, ruling=Ruling.inaccurate, eager_off=1e-6, target_off=1e-9),
}
MANY = tuple(OperandSeen(f"v{n}", "float64[6]", None, (1 / 3,) * 6, (0.1,) * 6) for n in range(9))


def case(length: int) -> Case:
    """A case of so many statements, with many options."""
    return replace(
        case_of(random_program(1, length)),
        options={"config": {f"inductor.option_{number}": number for number in range(20)}},
    )


def explanation(element: Element | None, way: Way, length: int, statement: int | None) -> Explanation:
    """An explanation of a program of so many statements."""
    parting = Parting(way, statement, "v1" if statement is not None else "", element, MANY, ("unary.neg",) * 30, "note")
    judgement = Judgement(Verdict.Mismatch, Kind.value, "call 0, output 1", "4 of 6 elements differ\n" * 60)
    return Explanation(case(length), judgement, element, "float64", parting)


@pytest.mark.parametrize("element", ELEMENTS.values(), ids=ELEMENTS)
@pytest.mark.parametrize("way", Way)
@pytest.mark.parametrize(("length", "statement"), [(4, 1), (60, 0), (60, 30), (60, 59)])
def test_it_fits_one_screen_with_the_statement_in_sight(
    element: Element, way: Way, length: int, statement: int
) -> None:
    found = explanation(element, way, length, statement)
    lines = explanation_screen("b0123456789ab", "inductor", COMMANDS, found).splitlines()
    assert len(lines) <= SCREEN_LINES
    assert max(map(len, lines)) <= COLUMNS
    assert lines[-1] == COMMANDS[0]
    marked = [line for line in lines if line.startswith("->")]
    assert len(marked) == 1
    assert f"v{statement} = " in marked[0]


def test_what_does_not_differ_or_is_undecided_takes_a_line_or_two() -> None:
    passes = Explanation(case(4), Judgement(Verdict.Pass))
    assert explanation_screen("b1", "", COMMANDS, passes) == "b1 no longer differs on inductor"
    undecided = Explanation(case(4), Judgement(Verdict.Inconclusive, Kind.value, "", "too ill-conditioned\nmore"))
    assert explanation_screen("b1", "", COMMANDS, undecided).splitlines() == [
        "b1 is undecided on inductor",
        "  open       too ill-conditioned",
    ]


def test_where_no_element_is_wrong_the_judgement_is_told() -> None:
    screen = explanation_screen("b1", "", COMMANDS, explanation(None, Way.unknown, 60, None))
    assert len(screen.splitlines()) <= SCREEN_LINES
    assert "4 of 6 elements differ" in screen


@pytest.mark.parametrize("element", ELEMENTS.values(), ids=ELEMENTS)
def test_it_is_strict_json(element: Element) -> None:
    data = explanation_to_json(explanation(element, Way.returned, 5, 2))
    text = json.dumps(data, allow_nan=False)
    assert json.loads(text)["parting"]["text"].startswith("v2 = ")


def test_the_lines_of_a_statement_are_found_behind_those_of_sizes() -> None:
    whole = case(12)
    for statement in range(12):
        lines, marked = marked_program(whole, statement)
        assert [lines[number].strip().partition(" = ")[0] for number in marked] == [f"v{statement}"]


def test_a_model_is_shown_by_the_statements_that_it_was_made_of() -> None:
    whole = case(4)
    lines, marked = marked_program(replace(whole, text="def model():\n    nodes = []\n"), 2)
    assert lines[0].startswith("def program(")
    assert lines[1:] == marked_program(whole, 2)[0][1:]
    assert [lines[number].strip().partition(" = ")[0] for number in marked] == ["v2"]


def test_numbers_have_the_digits_of_their_dtype() -> None:
    assert shown(0.1, "float64") == "0.1"
    assert shown(0.1 + 0.2, "float64") == "0.30000000000000004"
    assert shown(0.333333343267, "float32") == "0.333333343"
    assert shown(0.902344, "bfloat16") == "0.902344"
    assert shown(1 - 2j, "complex64") == "1-2j"
