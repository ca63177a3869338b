"""Searches inputs of generated programs, on a worker of its own: it belongs to the thread that makes cases."""

from __future__ import annotations

from collections.abc import Sequence

from assay.backends import find_backend
from assay.execution import Worker
from assay.ir.program import Program

SECONDS = 10.0


class Searcher:
    """Finds inputs, or None. Its worker is started with the first program, and serves the campaign's first target that
    torch has."""

    def __init__(self, targets: Sequence[str]) -> None:
        self._target = next((each for each in targets if find_backend(each).framework == "torch"), None)
        self._worker: Worker | None = None

    def __call__(self, program: Program, seed: str) -> Program | None:
        """The program with inputs with which every intermediate is finite. Raises WorkerDefect."""
        if self._target is None:
            return None
        if self._worker is None:
            self._worker = Worker(targets=[self._target])
        return self._worker.find_inputs(program, seed, seconds=SECONDS).program

    def close(self) -> None:
        """End the worker."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None
