"""A case may do anything to its process: that is its outcome, and the next case runs as if nothing had happened."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest

from assay.execution import Worker
from assay.execution.worker import limits
from assay.ir.case import Case

pytestmark = pytest.mark.torch
MakeCase = Callable[..., Case]


def assert_next_case_runs(worker: Worker, case: MakeCase) -> None:
    outcome = worker.run(case("return x + 1"))
    assert outcome.ended == "completed"
    assert outcome.target is not None
    assert outcome.target.calls[0].status == "ok"


@pytest.mark.parametrize(
    ("body", "number"),
    [
        ("ctypes.string_at(0)", signal.SIGSEGV),
        ("os.abort()", signal.SIGABRT),
        ("os.kill(os.getpid(), 9)", signal.SIGKILL),
    ],
)
def test_a_signal_is_an_outcome(worker: Worker, case: MakeCase, body: str, number: int) -> None:
    outcome = worker.run(case(body))
    assert (outcome.ended, outcome.signal, outcome.stage) == ("died", number, "reference"), outcome.stderr
    if number != signal.SIGKILL:
        assert "assay_case.py" in outcome.stderr, "the stack at the signal is kept"
    assert_next_case_runs(worker, case)


def test_an_exit_is_an_outcome_with_its_status(worker: Worker, case: MakeCase) -> None:
    outcome = worker.run(case("os._exit(7)"))
    assert (outcome.ended, outcome.signal, outcome.status) == ("died", None, 7)
    assert_next_case_runs(worker, case)


def test_a_hang_ends_at_its_limit_with_a_stack(worker: Worker, case: MakeCase) -> None:
    began = time.monotonic()
    outcome = worker.run(case("time.sleep(1000)"), seconds=0.5)
    assert outcome.ended == "timeout"
    assert time.monotonic() - began < 10
    assert "in program" in outcome.stderr
    assert_next_case_runs(worker, case)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_endless_output_is_bounded(worker: Worker, case: MakeCase, stream: str) -> None:
    outcome = worker.run(case(f"while True: sys.{stream}.write('x' * 1000)"), seconds=0.7)
    assert outcome.ended == "timeout"
    assert len(outcome.stderr) <= 64 << 10
    assert_next_case_runs(worker, case)


@pytest.mark.parametrize("piece", ["torch.ones(1 << 24)", "bytearray(1 << 26)"])
def test_runaway_memory_is_stopped(worker: Worker, case: MakeCase, piece: str) -> None:
    outcome = worker.run(case(f"kept = []\nwhile True: kept.append({piece})"), memory_mb=500, seconds=30.0)
    assert outcome.ended == "memory"
    assert_next_case_runs(worker, case)


def test_the_loss_of_the_server_is_survived(case: MakeCase) -> None:
    with Worker(targets=["eager"]) as worker:
        before = worker.pid
        outcome = worker.run(case("os.kill(os.getppid(), 9)\ntime.sleep(1000)"))
        assert (outcome.ended, outcome.signal) == ("died", signal.SIGKILL)
        assert_next_case_runs(worker, case)
        assert worker.restarts == 1
        assert worker.pid != before
        assert worker.cpu_seconds() > 0


def test_processes_that_a_case_leaves_behind_are_ended(worker: Worker, case: MakeCase) -> None:
    worker.run(case("if os.fork() == 0:\n    os.setsid()\n    time.sleep(1000)\nreturn x"))
    assert_next_case_runs(worker, case)
    assert worker.pid is not None
    assert sum(len(limits.children(child)) for child in limits.children(worker.pid)) == 0
    assert len(limits.children(worker.pid)) == 1


def test_a_forked_copy_of_a_case_does_not_answer_twice(worker: Worker, case: MakeCase) -> None:
    for _ in range(2):
        outcome = worker.run(case("os.fork()\nreturn x * 2"))
        assert outcome.ended == "completed"
    assert_next_case_runs(worker, case)


@pytest.mark.parametrize("raised", ["KeyboardInterrupt", "SystemExit(3)", "GeneratorExit"])
def test_exceptions_that_are_no_errors_are_recorded_too(worker: Worker, case: MakeCase, raised: str) -> None:
    outcome = worker.run(case(f"raise {raised}"))
    assert outcome.ended == "completed"
    assert outcome.reference is not None
    assert outcome.reference.calls[0].exception is not None
    assert outcome.reference.calls[0].exception.type == raised.partition("(")[0]


def test_rubbish_on_the_workers_descriptors_does_not_stop_it(worker: Worker, case: MakeCase) -> None:
    body = (
        "import stat\nfor n in range(3, 64):\n    try:\n        if stat.S_ISSOCK(os.fstat(n).st_mode):"
        "\n            os.write(n, b'\\xff' * 64)\n    except OSError:\n        pass\nreturn x"
    )
    assert worker.run(case(body)).ended == "died"
    assert_next_case_runs(worker, case)


def test_global_state_does_not_reach_the_next_case(worker: Worker, case: MakeCase) -> None:
    worker.run(case("torch.set_default_dtype(torch.float64)\nreturn x"))
    outcome = worker.run(case("return torch.zeros(1)"))
    assert outcome.reference is not None
    assert outcome.reference.calls[0].outputs is not None
    assert getattr(outcome.reference.calls[0].outputs, "dtype", "") == "float32"


def test_closing_leaves_no_process_and_no_folder(case: MakeCase) -> None:
    with Worker(targets=["eager"]) as worker:
        worker.run(case("return x"))
        pid = worker.pid
        assert pid is not None
        folders = [entry for entry in os.listdir(_base()) if entry.startswith(f"{pid}-")]
        assert len(folders) == 1
    assert limits.start_time(pid) == 0
    assert folders[0] not in os.listdir(_base())


def test_a_folder_of_a_dead_worker_is_swept_at_the_next_start() -> None:
    stale = os.path.join(_base(), "999999999-5")
    os.makedirs(stale, exist_ok=True)
    with Worker(targets=["eager"]):
        assert not os.path.exists(stale)


def test_a_worker_ends_with_its_orchestrator(tmp_path: object) -> None:
    import subprocess
    import sys

    program = (
        "import os\nfrom assay.execution import Worker\nw = Worker(targets=['eager'])\nw.start()\n"
        "print(w.pid, flush=True)\nos.kill(os.getpid(), 9)"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False).stdout
    pid, deadline = int(printed), time.monotonic() + 20
    while limits.start_time(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert limits.start_time(pid) == 0


def _base() -> str:
    import tempfile

    return os.path.join(tempfile.gettempdir(), f"assay-workers-{os.getuid()}")
