"""Users' subjects differentiated in every way: a module's parameters too, with a script where a rule is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.checking.test_check import SUBJECTS

from assay.checking.checker import Wish
from assay.checking.derivatives import PART
from assay.checking.inputs import given_of
from assay.checking.report import Report
from assay.checking.run import check_file
from assay.checking.texts import Subject
from assay.triage.replay import replay

pytestmark = pytest.mark.torch


def checked(name: str, out: Path | None = None, *inputs: str) -> Report:
    file = SUBJECTS / "rules.py"
    subject = Subject(str(file), name, given_of(inputs or ("float32[5,4]",)), title=f"rules.py:{name}")
    wish = Wish(("torch:eager",), transformed=0, training=False, sizes=False)
    return check_file(subject, wish, out=out)


def test_a_rule_of_the_users_that_is_wrong_is_told_with_a_script(tmp_path: Path) -> None:
    report = checked("Wronged", tmp_path, "float32[5,4]", "scale=2.0")
    (difference,) = report.differences
    assert difference.part == PART
    assert difference.where.startswith("first reverse")
    assert "numerical" in difference.judgement.detail
    assert not difference.note
    assert replay(Path(difference.file).read_text()).shows_bug


def test_a_module_with_buffers_and_a_named_output_agrees_with_itself() -> None:
    (part,) = [each for each in checked("Normalised").parts if each.name == PART]
    assert (part.same, part.cases) == (True, 1)
