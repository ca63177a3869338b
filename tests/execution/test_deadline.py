"""The time limit counts what a case computes: a busy machine is not a hang, a busy loop and a sleep are."""

from __future__ import annotations

import os

from assay.execution.worker import limits, server


class Starved(server.Child):
    """A child of which only the numbers matter."""

    def __init__(self, seconds: float, before: float) -> None:
        self.pid, self.seconds, self.cpu_before, self.waited_before = 1, seconds, before, before


def child(monkeypatch, used: float, seconds: float = 60.0, waited: float = 0.0) -> Starved:
    monkeypatch.setattr(limits, "cpu_of_tree", lambda pid: 5.0 + used)
    monkeypatch.setattr(limits, "waited_of_tree", lambda pid: 5.0 + waited)
    return Starved(seconds, 5.0)


def starved(monkeypatch, used: float, waited: float = 0.0) -> bool:
    return server.Server._is_starved(child(monkeypatch, used, waited=waited))


def test_a_case_that_had_less_than_its_share_is_starved(monkeypatch) -> None:
    assert starved(monkeypatch, used=20.0)


def test_a_case_that_used_its_limit_is_not(monkeypatch) -> None:
    assert not starved(monkeypatch, used=61.0)
    assert not starved(monkeypatch, used=61.0, waited=100.0)


def test_a_case_that_sleeps_is_not(monkeypatch) -> None:
    assert not starved(monkeypatch, used=0.5)


def test_a_case_that_has_hardly_a_core_is(monkeypatch) -> None:
    assert starved(monkeypatch, used=0.5, waited=50.0)


def test_patience_that_ends_is_a_hang_unless_the_case_waited_for_a_core_most_of_the_time(monkeypatch) -> None:
    assert server.Server._waited_most(child(monkeypatch, used=20.0, waited=200.0))
    assert not server.Server._waited_most(child(monkeypatch, used=20.0, waited=100.0)), "then it slept"
    assert not server.Server._waited_most(child(monkeypatch, used=61.0, waited=200.0))


def test_waiting_for_a_core_is_measured() -> None:
    pid = os.getpid()
    before = limits.waited_of_tree(pid)
    with open(f"/proc/{pid}/schedstat", "rb") as file:
        told = int(file.read().split()[1]) / 1e9
    after = limits.waited_of_tree(pid)
    # Threads and children wait as well.
    assert 0.0 <= before <= after
    assert told <= after
