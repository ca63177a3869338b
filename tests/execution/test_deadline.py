"""The time limit counts what a case computes: a busy machine is not a hang, a busy loop and a sleep are."""

from __future__ import annotations

from assay.execution.worker import limits, server


class Starved(server.Child):
    """A child of which only the numbers matter."""

    def __init__(self, seconds: float, cpu_before: float) -> None:
        self.pid, self.seconds, self.cpu_before = 1, seconds, cpu_before


def starved(monkeypatch, used: float, seconds: float = 60.0) -> bool:
    monkeypatch.setattr(limits, "cpu_of_tree", lambda pid: 5.0 + used)
    return server.Server._is_starved(Starved(seconds, 5.0))


def test_a_case_that_had_less_than_its_share_is_starved(monkeypatch) -> None:
    assert starved(monkeypatch, used=20.0)


def test_a_case_that_used_its_limit_is_not(monkeypatch) -> None:
    assert not starved(monkeypatch, used=61.0)


def test_a_case_that_sleeps_is_not(monkeypatch) -> None:
    assert not starved(monkeypatch, used=0.5)
