"""Inductor in a worker: what it compiles is counted, trains, obeys settings, and leaves nothing behind."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from assay.execution import Worker
from assay.ir.case import Case
from assay.oracles.outcome import Outcome, TensorRecord

pytestmark = [pytest.mark.torch, pytest.mark.slow]
MakeCase = Callable[..., Case]


@pytest.fixture(scope="module")
def inductor() -> Iterator[Worker]:
    with Worker(targets=["inductor"]) as started:
        yield started


def digests(outcome: Outcome) -> list[str]:
    assert outcome.ended == "completed", outcome.stderr
    found = []
    for side in (outcome.reference, outcome.target):
        assert side is not None
        assert side.calls[0].exception is None, side.calls[0].exception
        record = side.calls[0].outputs
        assert isinstance(record, TensorRecord)
        found.append(record.digest)
    return found


def test_kernels_are_compiled_and_counted(inductor: Worker, case: MakeCase) -> None:
    outcome = inductor.run(case("return torch.relu(x - 2) * 3", "inductor"))
    reference, target = digests(outcome)
    assert reference == target
    assert outcome.engagement["engaged"]
    assert outcome.engagement["kernels"] == 1
    assert outcome.engagement["operators"] == 3
    assert outcome.cpu["sut"] > 0.2, "the C++ compiler's time counts"


def test_kernels_are_vectorised_where_the_machine_can(inductor: Worker, case: MakeCase) -> None:
    text = (
        "import torch\nCALLS = 1\nTRAINING = False\ndef program(x):\n    return (x * 2).exp().sum()\n"
        "def inputs(call=0):\n    return (torch.zeros(64, 64),)\n"
    )
    outcome = inductor.run(case("", "inductor", text=text))
    digests(outcome)
    facts = inductor.hello.backends["inductor"]
    if not facts["vector_isa"].startswith("INVALID"):
        assert outcome.engagement["vectorised"] == 1, facts


def test_a_fault_in_the_code_generator_is_seen_and_ends_with_its_case(inductor: Worker, case: MakeCase) -> None:
    fault = {"inductor.cpp.inject_relu_bug_TESTING_ONLY": "accuracy"}
    body = "return torch.relu(x - 2) * 3"
    reference, target = digests(inductor.run(case(body, "inductor", config=fault)))
    assert reference != target
    reference, target = digests(inductor.run(case(body, "inductor")))
    assert reference == target


def test_a_kernel_that_does_not_compile_is_an_exception_of_the_target(inductor: Worker, case: MakeCase) -> None:
    fault = {"inductor.cpp.inject_relu_bug_TESTING_ONLY": "compile_error"}
    outcome = inductor.run(case("return torch.relu(x - 2) * 3", "inductor", config=fault))
    assert outcome.target is not None
    exception = outcome.target.calls[0].exception
    assert exception is not None
    assert any("CppCompileError" in link for link in (exception.type, *exception.chain))


def test_children_share_the_servers_warm_state_but_not_its_folder(inductor: Worker, case: MakeCase) -> None:
    body = "return torch.sin(x) + 1"
    digests(inductor.run(case(body + "  # first", "inductor")))
    text = "import os\nCALLS = 1\nTRAINING = False\ndef program(x):\n    return os.environ['TORCHINDUCTOR_CACHE_DIR']\n"

    def folder(alone: bool) -> str:
        program = case("", "inductor", text=text + "def inputs(call=0):\n    return (1,)\n")
        outcome = inductor.run(program, alone=alone)
        assert outcome.reference is not None
        return getattr(outcome.reference.calls[0].outputs, "repr", "").strip("'")

    first = folder(alone=False)
    assert os.path.isdir(first)
    alone = folder(alone=True)
    digests(inductor.run(case(body + "  # after", "inductor")))
    assert not os.path.exists(alone)
    assert folder(alone=False) == first != alone


def test_no_code_is_made_where_none_is_wanted(inductor: Worker, case: MakeCase) -> None:
    wanted = case("return torch.tan(x - 3) * 5", "inductor")
    outcome = inductor.run(wanted, code="none")
    assert outcome.target is not None
    raised = outcome.target.calls[0].exception
    assert raised is not None
    assert "no machine code" in raised.message
    reference, target = digests(inductor.run(wanted))
    assert reference == target


def test_what_is_raised_before_there_is_code_is_raised_without_it_too(inductor: Worker, case: MakeCase) -> None:
    wanted = case("return torch.ops.aten.no_such_operator(x)", "inductor")
    raised = []
    for code in ("merged", "none"):
        outcome = inductor.run(wanted, code=code)  # type: ignore[arg-type]
        assert outcome.target is not None
        raised.append(outcome.target.calls[0].exception)
    assert raised[0] is not None
    assert raised[0] == raised[1]
