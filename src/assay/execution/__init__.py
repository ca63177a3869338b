"""Workers: the processes in which cases run. The orchestrator's side is here; `worker` is the program that runs on
the other."""

from __future__ import annotations

from assay.execution.client import BackendNotInstalled, Hello, Worker, WorkerDefect

__all__ = ["BackendNotInstalled", "Hello", "Worker", "WorkerDefect"]
