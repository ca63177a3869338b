"""What the oracles accept and reject of Python: a correct system that does everything otherwise, and one fault at a
time, on programs of the source ``python``. No report is allowed against the one; each fault must be told in 95 % of the
programs in which it has something to spoil.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from assay.emit.cases import build_case  # noqa: E402
from assay.execution.worker import torch_runtime  # noqa: E402
from assay.execution.worker.records import same_records, ship  # noqa: E402
from assay.generate.python.modelled import Modelled  # noqa: E402
from assay.generate.python.source import compose  # noqa: E402
from assay.ir.case import Case  # noqa: E402
from assay.oracles.judge import judge  # noqa: E402
from assay.oracles.outcome import outcome_from_frame  # noqa: E402
from assay.oracles.verdict import FINDINGS, Verdict  # noqa: E402

from . import wrong_python  # noqa: E402

PROGRAMS = 120
# What features have little of: exceptions that leave the program, writes to what it was given, bare numbers, warnings.
BODIES = (
    "import warnings\nwarnings.warn('given')\nreturn x",
    "try:\n    {}['k']\nexcept KeyError as error:\n    raise ValueError('x') from error",
    "try:\n    [][1]\nexcept IndexError:\n    raise TypeError('y')",
    "raise LookupError('z')",
    "x.append(2)\nreturn 0.1 + 0.2",
    "x[0] = 5\nraise KeyError('written before')",
)


def _cases() -> list[Case]:
    nothing = Modelled("", (), {}, (), frozenset())
    programs = [compose(random.Random(f"oracles/{number}"), nothing) for number in range(PROGRAMS)]
    return [build_case(each, source="python", target="eager", options={}) for each in programs] + [
        _written(body) for body in BODIES
    ]


def _written(body: str) -> Case:
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    text = f"def program(x):\n{lines}\n\n\ndef inputs(call=0):\n    return ([1],)\n"
    return Case("python", "eager", {}, text, False, 2, {}, {"everything": True}, (), 1)


def _judged(case: Case, system: Any) -> Verdict:
    request = {"text": case.text, "training": case.training, "calls": case.calls, "goes_on": True}
    run = torch_runtime._Run(request)
    reference = run.execute(lambda program: program)
    wrong_python.FIRED.clear()
    target = run.execute(system)
    again = None if same_records(reference, target) else run.execute(lambda program: program)
    header: dict[str, Any] = {"op": "outcome", "id": case.id, "ended": "completed"}
    buffers = ship(reference, target, again, False)
    sides = {"reference": reference, "target": target, "again": again}
    header |= {name: None if side is None else [call.json for call in side] for name, side in sides.items()}
    return judge(case, outcome_from_frame(header, buffers)).verdict


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return _cases()


@pytest.fixture(autouse=True)
def modes_as_before() -> Any:
    yield
    torch_runtime._plain_modes()


def test_a_correct_system_that_does_everything_otherwise_is_accepted(cases: list[Case]) -> None:
    verdicts = {case.id: _judged(case, wrong_python.rebuilt) for case in cases}
    texts = {case.id: case.text for case in cases}
    assert not [texts[name] for name, verdict in verdicts.items() if verdict in FINDINGS]
    assert Counter(verdicts.values())[Verdict.Inconclusive] <= 0.03 * len(cases)


@pytest.mark.parametrize("fault", sorted(wrong_python.FAULTS))
def test_a_system_with_one_fault_is_rejected(cases: list[Case], fault: str) -> None:
    spoilt, told, missed = 0, 0, []
    for case in cases:
        verdict = _judged(case, wrong_python.FAULTS[fault])
        if wrong_python.FIRED[fault]:
            spoilt += 1
            told += verdict in FINDINGS
            if verdict not in FINDINGS:
                missed.append((verdict, case.text))
        if spoilt == 25:
            break
    assert spoilt, "nothing to spoil in any program"
    assert told >= 0.95 * spoilt, missed[0]
