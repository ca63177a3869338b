"""Starting workers, what they say, what they cost."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.backends import UnknownTarget
from assay.execution import BackendNotInstalled, Worker
from assay.ir.case import Case

MakeCase = Callable[..., Case]


@pytest.mark.torch
def test_a_worker_says_what_it_is_and_has_one_thread(worker: Worker) -> None:
    hello = worker.hello
    assert hello.framework == "torch"
    assert hello.version[0].isdigit()
    assert hello.pid == worker.pid
    assert len(os.listdir(f"/proc/{hello.pid}/task")) == 1, "a process with more threads cannot be forked safely"


@pytest.mark.torch
def test_another_interpreter_runs_the_same_program(tmp_path: Path, case: MakeCase) -> None:
    other = tmp_path / "python"
    other.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    other.chmod(other.stat().st_mode | stat.S_IXUSR)
    target = f"eager@{other}"
    with Worker(targets=[target]) as worker:
        outcome = worker.run(case("return x + 1", target))
    assert worker.python == str(other)
    assert outcome.ended == "completed"


def test_an_interpreter_without_the_framework_is_told_in_one_line(tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    bare.chmod(bare.stat().st_mode | stat.S_IXUSR)
    with pytest.raises(BackendNotInstalled, match=r"install torch there, or name another interpreter") as caught:
        Worker(targets=[f"aot_eager@{bare}"], environment={"PYTHONPATH": ""}).start()
    assert "\n" not in str(caught.value)


def test_an_interpreter_that_does_not_exist_is_told_in_one_line() -> None:
    with pytest.raises(BackendNotInstalled, match="cannot start /no/such/python"):
        Worker(targets=["eager@/no/such/python"]).start()


def test_targets_of_two_interpreters_do_not_share_a_worker() -> None:
    with pytest.raises(ValueError, match="share an interpreter"):
        Worker(targets=["eager", "eager@/other/python"])
    with pytest.raises(UnknownTarget):
        Worker(targets=["nonsense"])


@pytest.mark.torch
def test_an_unknown_dynamo_backend_is_not_available() -> None:
    with pytest.raises(BackendNotInstalled, match="dynamo has no backend 'nonsense'"):
        Worker(targets=["torch:nonsense"]).start()


@pytest.mark.torch
def test_a_child_serves_many_cases_and_rests_while_one_runs_alone(worker: Worker, case: MakeCase) -> None:
    body = "return os.getpid()"

    def pid(alone: bool) -> str:
        outcome = worker.run(case(body), alone=alone)
        assert outcome.reference is not None
        return getattr(outcome.reference.calls[0].outputs, "repr", "")

    first, second = pid(False), pid(False)
    alone, again, after = pid(True), pid(True), pid(False)
    assert first == second == after
    assert len({first, alone, again}) == 3


@pytest.mark.torch
def test_a_case_that_dies_alone_takes_no_other_process_with_it(worker: Worker, case: MakeCase) -> None:
    def pid(body: str = "return os.getpid()", **how: bool) -> str:
        outcome = worker.run(case(body), **how)
        return getattr(outcome.reference.calls[0].outputs, "repr", "") if outcome.reference else outcome.ended

    first = pid()
    assert pid("os.kill(os.getpid(), 9)", alone=True) == "died"
    assert pid("import subprocess; subprocess.Popen(['sleep', '600']); os._exit(3)", alone=True) == "died"
    assert pid() == first


@pytest.mark.torch
def test_a_resting_process_that_dies_is_replaced(worker: Worker, case: MakeCase) -> None:
    body = "return os.getpid()"
    outcome = worker.run(case(body))
    assert outcome.reference is not None
    first = getattr(outcome.reference.calls[0].outputs, "repr", "")
    killed = worker.run(case(f"os.kill({first}, 9); import time; time.sleep(0.3); return os.getpid()"), alone=True)
    assert killed.ended == "completed"
    after = worker.run(case(body))
    assert after.ended == "completed"
    assert after.reference is not None
    assert getattr(after.reference.calls[0].outputs, "repr", "") != first


@pytest.mark.torch
def test_cpu_is_counted_where_it_was_spent(worker: Worker, case: MakeCase) -> None:
    burn = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass\nreturn x"
    before = worker.cpu_seconds()
    outcome = worker.run(case(burn))
    assert 0.28 < outcome.cpu["reference"] < 0.6
    assert 0.28 < outcome.cpu["sut"] < 0.6
    assert outcome.cpu["total"] >= outcome.cpu["reference"] + outcome.cpu["sut"] - 0.01
    assert worker.cpu_seconds() - before > 0.5
    dead = worker.run(case("import time\nwhile time.process_time() < 1e9: pass"), seconds=0.6)
    assert dead.cpu["reference"] > 0.1
    assert dead.cpu["sut"] == 0.0


@pytest.mark.torch
def test_what_surrounds_the_target_costs_a_few_milliseconds(worker: Worker, case: MakeCase) -> None:
    body = "\n".join(f"x = torch.sin(x) * {number}" for number in range(10)) + "\nreturn x, x.view(2, 2)"
    worker.run(case(body))
    overheads = []
    for number in range(10):
        outcome = worker.run(case(body + f"  # {number}"))
        overheads.append(outcome.cpu["total"] - outcome.cpu["sut"])
    assert sorted(overheads)[5] < 0.015
