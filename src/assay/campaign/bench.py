"""The workers that one thread of a campaign uses: one per interpreter and framework, started when first needed."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from assay.ir.case import Case
from assay.oracles.outcome import Code, Outcome


class WorkerLike(Protocol):
    """What a campaign needs of `assay.execution.Worker`."""

    restarts: int

    @property
    def pid(self) -> int | None: ...

    def run(
        self,
        case: Case,
        evidence: tuple[str, ...] = (),
        *,
        alone: bool = False,
        code: Code = "merged",
        seconds: float = 60.0,
        memory_mb: int = 4096,
    ) -> Outcome: ...

    def cpu_seconds(self) -> float: ...

    def close(self) -> None: ...


StartWorker = Callable[[Sequence[str]], WorkerLike]
"""Starts a worker that serves these targets; raises where one is not installed."""

GroupOf = Callable[[str], tuple[str, str]]
"""The interpreter and the framework of a target: targets of one group share a worker."""


class Abandoned(Exception):
    """The campaign ran out of time during a run; the case counts as not run."""


class Bench:
    """Runs cases on workers of its own. `run` belongs to one thread; `abandon` and `cpu_seconds` may be called
    from any.
    """

    def __init__(
        self,
        targets: Sequence[str],
        start: StartWorker,
        group_of: GroupOf,
        *,
        seconds: float,
        memory_mb: int,
        below: Callable[[str], Sequence[str]] = lambda target: (),
    ) -> None:
        self._targets = tuple(targets)
        self._start = start
        self._group_of = group_of
        self._below = below
        self._seconds = seconds
        self._memory_mb = memory_mb
        self._workers: dict[tuple[str, ...], WorkerLike] = {}
        self._abandoned = threading.Event()

    def warm(self) -> None:
        """Start every worker that the campaign's targets need."""
        for target in self._targets:
            self._worker(target)

    def run(
        self,
        case: Case,
        evidence: tuple[str, ...] = (),
        *,
        alone: bool = False,
        code: Code = "merged",
        patience: float = 1.0,
    ) -> Outcome:
        """Run a case; raises Abandoned where the campaign has ended meanwhile."""
        self._check()
        worker = self._worker(case.target)
        seconds = self._seconds * patience
        outcome = worker.run(case, evidence, alone=alone, code=code, seconds=seconds, memory_mb=self._memory_mb)
        self._check()
        return outcome

    def _check(self) -> None:
        if self._abandoned.is_set():
            raise Abandoned

    def _worker(self, target: str) -> WorkerLike:
        group = self._group_of(target)
        served: dict[str, None] = {}
        for each in self._targets:
            if self._group_of(each) == group:
                # Triage asks on which rung of the ladder a finding first shows.
                served |= dict.fromkeys((*self._below(each), each))
        return self._serving(tuple(served) if target in served else (target,))

    def _serving(self, served: tuple[str, ...]) -> WorkerLike:
        worker = self._workers.get(served)
        if worker is None:
            worker = self._workers[served] = self._start(served)
        return worker

    @property
    def restarts(self) -> int:
        """How often a server was lost and started anew."""
        return sum(worker.restarts for worker in tuple(self._workers.values()))

    def cpu_seconds(self) -> float:
        """User and system seconds of all workers and what is below them, dead ones too."""
        return sum(worker.cpu_seconds() for worker in tuple(self._workers.values()))

    def abandon(self) -> None:
        """Have the run in progress end at once, uncounted."""
        self._abandoned.set()
        for worker in tuple(self._workers.values()):
            if pid := worker.pid:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        """End all workers."""
        for worker in self._workers.values():
            worker.close()
