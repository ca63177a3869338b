"""The orchestrator's end of a worker: start it, hand it cases, take outcomes, survive whatever happens to it.

campaign --case--> Worker --frames--> fork server --> child (the framework)
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from assay.backends import Backend, find_backend
from assay.emit.torch import render
from assay.execution.found import Found, found_in
from assay.execution.worker import PROTOCOL, frames, limits
from assay.inputs.request import names_in_order
from assay.ir.case import DERIVATIVES, Case
from assay.ir.program import Program
from assay.ops.domains import search_rules
from assay.ops.framework import error_rules
from assay.oracles.outcome import Code, Outcome, outcome_from_frame
from assay.oracles.registry import VALID_BY_CONSTRUCTION

PROGRAM = Path(__file__).parent / "worker"
# The folder is loaded under a name of its own, so that the interpreter needs no Assay and cannot mistake another
# package for it.
BOOT = """
import importlib.util, sys
sys.path[:] = [entry for entry in sys.path if entry]
folder = sys.argv[1]
spec = importlib.util.spec_from_file_location(
    "assay_worker", folder + "/__init__.py", submodule_search_locations=[folder]
)
module = importlib.util.module_from_spec(spec)
sys.modules["assay_worker"] = module
spec.loader.exec_module(module)
from assay_worker.main import main
sys.exit(main(sys.argv[2:]))
"""
TAIL = 64 << 10
START_SECONDS = 900.0
# How much longer than a case's own limit the server may be silent before it is taken for dead.
GRACE_SECONDS = 30.0


class BackendNotInstalled(Exception):
    """A target's framework is missing or does not work; the text says what to do."""


class WorkerDefect(Exception):
    """The worker's own program failed: a defect of Assay, never of the system under test."""


@dataclass(frozen=True)
class Hello:
    """What a worker says it is."""

    protocol: int
    framework: str
    version: str
    python: str
    pid: int
    options: Mapping[str, Any]
    memory_limit_mb: int
    backends: Mapping[str, Mapping[str, Any]]


class _Gone(Exception):
    """The server closed its end or broke the protocol."""


def run_request(case: Case, backend: str, evidence: Iterable[str], code: Code) -> dict[str, Any]:
    """What a worker's program is asked, to run a case: `Worker.run` without limits."""
    wanted = list(evidence)
    request = {
        "op": "run",
        "id": case.id,
        "text": case.text,
        "target": backend,
        "options": dict(case.options),
        "training": case.training,
        "calls": case.calls,
        "evidence": wanted,
        "code": code,
        "goes_on": case.source != VALID_BY_CONSTRUCTION,
    }
    if "shadow" in wanted:
        request["rules"] = error_rules()
    if DERIVATIVES in case.options:
        request[DERIVATIVES] = case.options[DERIVATIVES]
    return request


class Worker:
    """A fork server with the given targets loaded. All share one framework and one interpreter.

    Example: ``with Worker(targets=["aot_eager"]) as worker: outcome = worker.run(case)``.
    Raises ValueError for targets that cannot live together, UnknownTarget, and BackendNotInstalled when started.
    """

    def __init__(
        self,
        targets: Sequence[str],
        python: str | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        start_seconds: float = START_SECONDS,
        require: bool = True,
    ) -> None:
        self._backends: dict[str, Backend] = {target: find_backend(target) for target in targets}
        interpreters = {backend.python or python or sys.executable for backend in self._backends.values()}
        frameworks = {backend.framework for backend in self._backends.values()}
        if len(interpreters) != 1 or len(frameworks) != 1:
            raise ValueError("the targets of one worker must share an interpreter and a framework")
        self.python = interpreters.pop()
        self.framework = frameworks.pop()
        self.restarts = 0
        self._environment = dict(environment or {})
        self._start_seconds = start_seconds
        self._require = require
        self._process: subprocess.Popen[bytes] | None = None
        self._hello: Hello | None = None
        self._spent = 0.0
        self._orders = self._replies = -1
        self._decoder = frames.Decoder()
        self._tail = bytearray()
        self._drain: threading.Thread | None = None

    @property
    def hello(self) -> Hello:
        """What the worker said when it was started last. Raises RuntimeError before that."""
        if self._hello is None:
            raise RuntimeError("the worker was not started")
        return self._hello

    @property
    def pid(self) -> int | None:
        """The server's process, None where there is none."""
        return self._process.pid if self._process else None

    def __enter__(self) -> Worker:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> Hello:
        """Start the server and wait until its backends are warm. Raises BackendNotInstalled, WorkerDefect."""
        if self._process is not None:
            return self.hello
        order_read, self._orders = os.pipe()
        self._replies, reply_write = os.pipe()
        plan = {
            "framework": self.framework,
            "orders": order_read,
            "replies": reply_write,
            "targets": {
                backend.name: {"stem": Path(backend.path).stem, "path": backend.path}
                for backend in self._backends.values()
            },
        }
        environment = {**os.environ, "PYTHONHASHSEED": "0", **self._environment}
        try:
            self._process = subprocess.Popen(
                [self.python, "-c", BOOT, str(PROGRAM), json.dumps(plan)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(order_read, reply_write),
                env=environment,
            )
        except OSError as error:
            self._close_pipes()
            raise BackendNotInstalled(
                f"cannot start {self.python}: {error.strerror}; name another interpreter"
            ) from None
        finally:
            os.close(order_read)
            os.close(reply_write)
        self._decoder = frames.Decoder()
        self._tail = bytearray()
        self._drain = threading.Thread(target=self._drain_output, args=(self._process,), daemon=True)
        self._drain.start()
        try:
            frame = self._receive(time.monotonic() + self._start_seconds)
        except _Gone as error:
            self._stop(kill=True)
            raise WorkerDefect(f"the worker did not start ({error}):\n{self._output()}") from None
        header = frame.header
        if header.get("op") != "hello" or header.get("protocol") != PROTOCOL:
            self._stop(kill=True)
            raise WorkerDefect(f"the worker speaks another protocol: {str(header)[:200]}")
        fields = {name: header[name] for name in Hello.__dataclass_fields__}
        self._hello = Hello(**fields)
        self._check(self._hello)
        return self._hello

    def _check(self, hello: Hello) -> None:
        missing = {name: facts for name, facts in hello.backends.items() if not facts["available"]}
        if missing and self._require:
            self.close()
            name, facts = next(iter(missing.items()))
            asked = next(backend for backend in self._backends.values() if backend.name == name)
            package = asked.packages[0]
            advice = (
                f"install {package} there, or name another interpreter with {name}@/path/to/python"
                if facts.get("missing")
                else "see that it works by itself, or leave this target out"
            )
            raise BackendNotInstalled(
                f"target '{name}' is not available in {self.python} ({facts['reason']}): {advice}"
            )

    def run(
        self,
        case: Case,
        evidence: Iterable[str] = (),
        *,
        alone: bool = False,
        code: Code = "merged",
        seconds: float = 60.0,
        memory_mb: int = 4096,
    ) -> Outcome:
        """Run a case: eagerly, and on its target.

        ``seconds`` is wall time for all of it, ``memory_mb`` what it may allocate; ``alone`` demands a process that
        ran nothing before, ``code`` says how machine code is made, and ``evidence`` may name "values" (send every
        tensor), "eager_again" (run the reference twice) and "shadow" (run the reference alone, with values of higher
        precision and error bounds). What the case does to the worker is part of the outcome. Raises WorkerDefect, and
        KeyError for a target that the worker was not started with.
        """
        request = run_request(case, self._backends[case.target].name, evidence, code)
        return self._ask(request | {"seconds": seconds, "memory_mb": memory_mb, "alone": alone})

    def find_inputs(self, program: Program, seed: str, *, seconds: float = 60.0, memory_mb: int = 4096) -> Found:
        """Search inputs of a program for torch with which every intermediate is finite; ``seed`` decides where the
        search begins anew. Raises WorkerDefect; what the program does to the worker counts as nothing found.
        """
        target = next(iter(self._backends.values())).name
        request = {
            "op": "run",
            "id": f"inputs-{seed}",
            "text": render(program),
            "target": target,
            "training": program.training,
            "calls": len(program.calls),
            "evidence": ["inputs"],
            "inputs": names_in_order(program),
            "rules": search_rules(),
            "seed": seed,
            "seconds": seconds,
            "memory_mb": memory_mb,
        }
        return found_in(program, self._ask(request))

    def _ask(self, request: dict[str, Any]) -> Outcome:
        case_id, seconds = request["id"], float(request["seconds"])
        for attempt in (1, 2):
            try:
                self.start()
                self._send(frames.encode(request))
                return self._await_outcome(case_id, time.monotonic() + seconds + GRACE_SECONDS)
            except _Gone as gone:
                outcome = self._lost(case_id, str(gone))
                # A case can kill the server, or keep it from answering; that it exits by itself is our own doing.
                if outcome.signal is not None or outcome.ended == "timeout":
                    return outcome
                if attempt == 2:
                    raise WorkerDefect(
                        f"the worker's server exited twice at case {case_id}:\n{outcome.stderr}"
                    ) from None
        raise AssertionError("unreachable")

    def _await_outcome(self, case_id: str, deadline: float) -> Outcome:
        stderr = ""
        while True:
            frame = self._receive(deadline)
            header = frame.header
            if header.get("id") != case_id:
                continue
            match header.get("op"):
                case "output":
                    stderr = header["stderr"]
                case "outcome" | "died":
                    return outcome_from_frame(header, frame.buffers, stderr)
                case "defect":
                    raise WorkerDefect(f"case {case_id}:\n{header['traceback']}")

    def _lost(self, case_id: str, reason: str) -> Outcome:
        """The outcome of a case during which the server itself was lost; the server is started anew for the next."""
        status = self._stop(kill=reason == "silent")
        self.restarts += 1
        number = -status if status < 0 else None
        return Outcome(
            case_id=case_id,
            ended="timeout" if reason == "silent" else "died",
            stage="target",
            signal=None if reason == "silent" else number,
            status=status if status >= 0 else None,
            cpu={"reference": 0.0, "sut": 0.0, "total": 0.0},
            stderr=f"the worker's server was lost ({reason})\n{self._output()}",
        )

    def cpu_seconds(self) -> float:
        """User and system seconds of the server and all its descendants, dead ones too, over all restarts."""
        process = self._process
        return self._spent + (limits.cpu_of_tree(process.pid) if process else 0.0)

    def close(self) -> None:
        """End the server and everything below it."""
        if self._process is not None:
            self._stop(kill=False)

    def _send(self, data: bytes) -> None:
        try:
            frames.write(self._orders, data)
        except OSError as error:
            raise _Gone(error.strerror or "closed") from None

    def _receive(self, deadline: float) -> frames.Frame:
        while True:
            try:
                frame = self._decoder.next()
            except frames.Malformed as error:
                raise _Gone(f"malformed: {error}") from None
            if frame is not None:
                return frame
            remaining = deadline - time.monotonic()
            if remaining <= 0 or not select.select([self._replies], [], [], remaining)[0]:
                raise _Gone("silent")
            data = os.read(self._replies, 1 << 18)
            if not data:
                raise _Gone("closed")
            self._decoder.feed(data)

    def _stop(self, kill: bool) -> int:
        """End the process, kindly if ``kill`` is false; add up what it used. Returns its status as `subprocess`
        does."""
        process = self._process
        if process is None:
            return 0
        if not kill:
            # Closing its orders is the sign to leave; it then ends its children and removes its folder.
            self._close_pipes()
        spent = limits.cpu_of_tree(process.pid)
        if kill or not _ended(process.pid, 10.0):
            limits.kill_descendants(process.pid)
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        with contextlib.suppress(ChildProcessError):
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            spent = max(spent, usage.ru_utime + usage.ru_stime)
        self._spent += spent
        self._process = None
        self._close_pipes()
        if self._drain is not None:
            self._drain.join(5.0)
        return int(process.returncode or 0)

    def _close_pipes(self) -> None:
        for descriptor in (self._orders, self._replies):
            if descriptor >= 0:
                os.close(descriptor)
        self._orders = self._replies = -1

    def _drain_output(self, process: subprocess.Popen[bytes]) -> None:
        """Keep the end of what the server prints; it must never block on a full pipe."""
        stream, tail = process.stdout, self._tail
        assert stream is not None
        with stream:
            while data := os.read(stream.fileno(), 1 << 16):
                tail += data
                if len(tail) > 2 * TAIL:
                    del tail[:-TAIL]

    def _output(self) -> str:
        return self._tail[-TAIL:].decode("utf-8", "replace")


def _ended(pid: int, seconds: float) -> bool:
    """Whether a child of ours ends within a time; it is left to be waited for."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return True
        time.sleep(0.005)
    return False
