"""A task that hangs or ends its process costs nothing but itself."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

from assay.apis.workers import Emit, spread


def answers(emit: Emit) -> None:
    emit({"value": 1})
    emit([2, "two"])


def hangs(emit: Emit) -> None:
    emit("before")
    threading.Event().wait()


def ends(emit: Emit) -> None:
    emit("before")
    os._exit(3)


def test_answers_come_in_the_order_of_the_tasks() -> None:
    tasks = [lambda emit, index=index: emit(index) for index in range(20)]
    assert spread(tasks, lambda: None, 30.0) == [[index] for index in range(20)]


def test_what_a_lost_task_emitted_is_kept_and_the_tasks_behind_it_are_done() -> None:
    lost = {"hangs": {"reason": "it hangs"}, "ends": {"reason": "it ends its process"}}
    found = spread([answers, hangs, answers, ends, answers, answers], lambda: None, 1.5)
    whole = [{"value": 1}, [2, "two"]]
    assert found == [whole, ["before", lost["hangs"]], whole, ["before", lost["ends"]], whole, whole]


def test_a_process_that_cannot_begin_is_no_endless_loop() -> None:
    assert spread([answers, answers], lambda: sys.exit(1), 5.0) == [[{"reason": "it ends its process"}]] * 2


def speaks(emit: Emit) -> None:
    print("noise", flush=True)
    os.write(2, b"noise")
    Path("left").write_text("x")
    emit(os.getcwd())


def test_a_task_prints_nothing_and_leaves_nothing_behind(capfd: pytest.CaptureFixture[str]) -> None:
    ((folder,),) = spread([speaks], lambda: None, 5.0)
    assert capfd.readouterr() == ("", "")
    assert not Path(folder).exists()
