"""Tasks done in forked processes that a task may hang or end: what it emitted before is kept, and the rest goes on.

For the programs of this folder that ask a library; it is imported by them from beside, and needs the standard library.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

MOST_LANES = 4

Emit = Callable[[Any], None]
Task = Callable[[Emit], None]


def spread(tasks: Sequence[Task], prepare: Callable[[], None], seconds: float) -> list[list[Any]]:
    """What each task emitted (values of JSON), in the order of the tasks. A process that emits nothing for ``seconds``
    is killed; a task lost in this way ends with {"reason": ...}. ``prepare`` runs first in every process, in a folder
    that is removed at the end."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:

        def begin() -> None:
            os.chdir(folder)
            prepare()

        return _spread(tasks, begin, seconds)


def _spread(tasks: Sequence[Task], prepare: Callable[[], None], seconds: float) -> list[list[Any]]:
    results: list[list[Any]] = [[] for _ in tasks]
    lanes = max(1, min(MOST_LANES, len(os.sched_getaffinity(0))))
    active = [Worker(tasks, list(range(lane, len(tasks), lanes)), prepare) for lane in range(min(lanes, len(tasks)))]
    while active:
        select.select([worker.pipe for worker in active], [], [], 0.5)
        going = []
        for worker in active:
            for index, item in worker.read():
                results[index].append(item)
            late = time.monotonic() - worker.heard > seconds
            if not (worker.ended or late):
                going.append(worker)
                continue
            worker.stop()
            reason = {"reason": "it ends its process" if worker.ended else "it hangs"}
            if worker.current is not None:
                results[worker.current].append(reason)
            if not worker.began:
                for index in worker.remaining:
                    results[index].append(reason)
            elif worker.remaining:
                going.append(Worker(tasks, worker.remaining, prepare))
        active = going
    return results


class Worker:
    """A process that does tasks one after the other and tells of each when it begins."""

    def __init__(self, tasks: Sequence[Task], indices: list[int], prepare: Callable[[], None]) -> None:
        self.remaining = indices
        self.began = not indices
        self.current: int | None = None
        self.ended = False
        self.heard = time.monotonic()
        self.partial = b""
        self.pipe, inlet = os.pipe()
        self.process = os.fork()
        if not self.process:
            os.close(self.pipe)
            _work(tasks, indices, prepare, inlet)
        os.close(inlet)
        os.set_blocking(self.pipe, False)

    def read(self) -> list[tuple[int, Any]]:
        """What came since the last time, with the indices of the tasks."""
        came = []
        with contextlib.suppress(BlockingIOError):
            while not self.ended:
                part = os.read(self.pipe, 1 << 20)
                self.ended = not part
                *lines, self.partial = (self.partial + part).split(b"\n")
                for line in lines:
                    self.heard = time.monotonic()
                    came += self._take(json.loads(line))
        return came

    def _take(self, line: list[Any]) -> list[tuple[int, Any]]:
        if line[0] == "begin":
            self.began = True
            self.current = line[1]
            self.remaining = self.remaining[self.remaining.index(line[1]) + 1 :]
        elif line[0] == "end":
            self.current = None
        else:
            assert self.current is not None
            return [(self.current, line[1])]
        return []

    def stop(self) -> None:
        os.close(self.pipe)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)


def _work(tasks: Sequence[Task], indices: Sequence[int], prepare: Callable[[], None], inlet: int) -> None:
    """The forked process: it never returns."""
    code = 1
    try:
        silence = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(silence, descriptor)
        sys.stdout = sys.stderr = os.fdopen(silence, "w")

        def tell(line: list[Any]) -> None:
            rest = memoryview(json.dumps(line).encode() + b"\n")
            while rest:
                rest = rest[os.write(inlet, rest) :]

        prepare()
        for index in indices:
            tell(["begin", index])
            tasks[index](lambda item: tell(["item", item]))
            tell(["end", index])
        code = 0
    finally:
        os._exit(code)
