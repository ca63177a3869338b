"""The screen of a check, from a report that is plain data."""

from __future__ import annotations

import pytest

from assay.checking.report import Difference, Part, Report
from assay.checking.screen import screen
from assay.oracles.verdict import Judgement, Kind, Verdict

TARGET = "torch:my_package.backends.that_has_a_long_name"
WRONG = Judgement(
    Verdict.Mismatch,
    Kind.value,
    "call 0, output['y']",
    "8 of 8 elements differ\nalso: value in call 0, output['n'], value in call 1, output['y']",
    "value",
)


def report(*differences: Difference, calls: int = 3) -> Report:
    """A report on one target."""
    part = Part("plain", TARGET, calls, not differences, "value in output['y']" if differences else "")
    return Report("net.py:net", "2.13.0", ("function",), (), (), "", (), (part,), differences)


def test_no_line_but_a_command_to_be_copied_is_wider_than_the_terminal() -> None:
    difference = Difference("plain, other sizes, training", TARGET, WRONG, "output['y']", file="runs/" + "long" * 20)
    lines = screen(report(difference), 80).splitlines()
    assert [line for line in lines if len(line) > 80] == [line for line in lines if "script" in line]


def test_the_number_of_a_call_is_told_where_it_is_not_the_first() -> None:
    text = screen(report(Difference("plain", TARGET, WRONG, "output['y']")), 80)
    assert "also: value in output['n'], value in call 1, output['y']" in " ".join(text.split())


@pytest.mark.parametrize(("calls", "said"), [(1, "1 call."), (3, "3 calls.")])
def test_calls_are_counted_in_words(calls: int, said: str) -> None:
    assert screen(report(calls=calls), 80).endswith(f"Nothing differs in {said}")
