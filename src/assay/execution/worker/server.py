"""The fork server: one thread that hands cases to a child, relays what it answers, enforces limits, and outlives it.

The framework is loaded and warm here, and is never used after that: a process with more threads than one cannot be
forked safely.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import socket
import time
from typing import Any

from . import child as child_program
from . import frames, limits
from .stage import StageBoard

TAIL = 64 << 10
WATCH_SECONDS = 0.2
STACK_DUMP_SECONDS = 0.3
RESIDENT_SLACK_MB = 512
# How many limits a computing case may wait for its share of a busy machine.
PATIENCE = 4


class Stop(Exception):
    """The orchestrator is gone or said exit."""


class Child:
    """One forked process and the ends of its pipes that the server holds."""

    def __init__(self, pid: int, connection: int, stdout: int, stderr: int, folder: str) -> None:
        self.pid, self.connection, self.stdout, self.stderr, self.folder = pid, connection, stdout, stderr, folder
        self.decoder = frames.Decoder()
        self.tails = {stdout: bytearray(), stderr: bytearray()}
        self.open = [connection, stdout, stderr]
        self.case: str | None = None
        self.deadline = self.kill_at = 0.0
        self.seconds = self.cpu_before = self.waited_before = self.patience = 0.0
        self.limit_mb = 0
        self.base_mb = limits.resident_megabytes(pid)
        self.reason: str | None = None
        self.status: int | None = None
        self.cpu = 0.0

    def tail(self) -> str:
        """The end of what the child wrote to its standard error, or, if that is empty, to its standard output."""
        data = self.tails[self.stderr] or self.tails[self.stdout]
        return data[-TAIL:].decode("utf-8", "replace")


class Server:
    """Serves run requests from the descriptor ``orders``, answers on ``replies``; see `serve`."""

    def __init__(self, orders: int, replies: int, runtime: Any, folder: str, orchestrator: int) -> None:
        self.orders, self.replies, self.runtime, self.folder = orders, replies, runtime, folder
        self.orchestrator = orchestrator
        self.board = StageBoard()
        self.decoder = frames.Decoder()
        self.child: Child | None = None
        # The child that goes on when a case that runs alone has ended: warm, which a new one is not.
        self.resting: Child | None = None
        self.forks = 0
        self.wake_read, self.wake_write = os.pipe()
        for descriptor in (self.wake_read, self.wake_write):
            os.set_blocking(descriptor, False)

    def serve(self) -> None:
        """Serve until the orchestrator closes its end or says exit."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._on_terminate)
        signal.set_wakeup_fd(self.wake_write, warn_on_full_buffer=False)
        limits.ctypes.CDLL(None).prctl(limits.PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        try:
            while True:
                self._step()
        except (Stop, BrokenPipeError):
            pass
        finally:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            for child in (self.resting, self.child):
                if child is not None:
                    self._end(child)

    def _on_terminate(self, *_: object) -> None:
        # The signal of a parent's death also comes when only the thread that started this process has ended.
        if os.getppid() != self.orchestrator:
            raise Stop

    def _step(self) -> None:
        child = self.child
        poll = select.poll()
        watched = (
            [self.orders, self.wake_read] if child is None or child.case is None else [self.wake_read, self.orders]
        )
        for descriptor in watched + (child.open if child else []):
            poll.register(descriptor, select.POLLIN)
        busy = child is not None and child.case is not None
        ready = {descriptor for descriptor, _ in poll.poll(WATCH_SECONDS * 1000 if busy else None)}
        if self.wake_read in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(self.wake_read, 4096)
        if child is not None:
            for descriptor in ready.intersection(child.open):
                self._receive(child, descriptor)
        self._reap()
        if self.child is not None and self.child.case is not None:
            self._watch(self.child)
        if self.orders in ready:
            data = os.read(self.orders, 1 << 16)
            if not data:
                raise Stop
            self.decoder.feed(data)
        while self.child is None or self.child.case is None:
            frame = self.decoder.next()
            if frame is None:
                break
            if frame.header.get("op") == "exit":
                raise Stop
            if frame.header.get("op") == "run":
                self._dispatch(frame)

    def _dispatch(self, frame: frames.Frame) -> None:
        request = frame.header
        if self.child is not None and self.child.status is not None:
            self._end(self.child)
        if self.child is not None and request.get("alone"):
            self.resting, self.child = self.child, None
        child = self.child or self._fork()
        self.board.clear()
        child.case = request["id"]
        child.limit_mb = int(request.get("memory_mb", 0))
        child.seconds, child.cpu_before = float(request["seconds"]), limits.cpu_of_tree(child.pid)
        child.waited_before = limits.waited_of_tree(child.pid)
        child.deadline, child.kill_at, child.reason = time.monotonic() + child.seconds, 0.0, None
        child.patience = child.deadline + PATIENCE * child.seconds
        for tail in child.tails.values():
            tail.clear()
        with contextlib.suppress(OSError):
            frames.write(child.connection, frame.raw)

    def _fork(self) -> Child:
        self.forks += 1
        ours, theirs = socket.socketpair()
        out_read, out_write = os.pipe()
        err_read, err_write = os.pipe()
        folder = os.path.join(self.folder, f"child-{self.forks}")
        server = os.getpid()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                child_program.start(server, theirs.fileno(), out_write, err_write, folder)
                for descriptor in (self.orders, self.replies, self.wake_read, self.wake_write, ours.fileno()):
                    os.close(descriptor)
                for descriptor in (out_read, out_write, err_read, err_write):
                    os.close(descriptor)
                if self.resting is not None:
                    for descriptor in (self.resting.connection, self.resting.stdout, self.resting.stderr):
                        os.close(descriptor)
                self.runtime.in_child(folder)
                child_program.serve(theirs.fileno(), self.runtime, self.board)
                status = 0
            finally:
                os._exit(status)
        theirs.close()
        os.close(out_write)
        os.close(err_write)
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)
        for descriptor in (out_read, err_read):
            os.set_blocking(descriptor, False)
        self.child = Child(pid, ours.detach(), out_read, err_read, folder)
        return self.child

    def _receive(self, child: Child, descriptor: int) -> None:
        """Take what a child's descriptor holds; relay the frames that are complete."""
        try:
            data = os.read(descriptor, 1 << 18) if descriptor != child.connection else self._read_connection(child)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            child.open.remove(descriptor)
            return
        if descriptor != child.connection:
            tail = child.tails[descriptor]
            tail += data
            if len(tail) > 2 * TAIL:
                del tail[:-TAIL]
            return
        child.decoder.feed(data)
        try:
            frame = child.decoder.next()
            while frame is not None:
                self._relay(child, frame)
                frame = child.decoder.next()
        except frames.Malformed:
            # The case wrote into our descriptor; what else it sends cannot be told apart.
            child.open.remove(descriptor)
            self._kill(child, "exit")

    @staticmethod
    def _read_connection(child: Child) -> bytes:
        with socket.socket(fileno=os.dup(child.connection)) as connection:
            return connection.recv(1 << 20, socket.MSG_DONTWAIT)

    def _relay(self, child: Child, frame: frames.Frame) -> None:
        operation = frame.header.get("op")
        if operation not in ("outcome", "defect") or frame.header.get("id") != child.case:
            return
        for descriptor in (child.stdout, child.stderr):
            if descriptor in child.open:
                self._receive(child, descriptor)
        text = child.tail()
        if text:
            frames.write(self.replies, frames.encode({"op": "output", "id": child.case, "stderr": text}))
        child.case = None
        frames.write(self.replies, frame.raw)
        if frame.header.get("retire"):
            self._end(child)

    def _watch(self, child: Child) -> None:
        """Enforce the time and memory limits of the running case."""
        now = time.monotonic()
        if child.kill_at:
            if now >= child.kill_at:
                self._kill(child, child.reason or "timeout")
        elif now >= child.deadline and now < child.patience and self._is_starved(child):
            child.deadline = now + child.seconds / 4
        elif now >= child.deadline:
            child.reason = "starved" if self._waited_most(child) else "timeout"
            child.kill_at = now + STACK_DUMP_SECONDS
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGUSR2)
        elif child.limit_mb:
            resident = limits.resident_megabytes(child.pid) + sum(
                limits.resident_megabytes(other) for other in limits.children(child.pid)
            )
            if resident > child.base_mb + child.limit_mb + RESIDENT_SLACK_MB:
                self._kill(child, "memory")

    @staticmethod
    def _is_starved(child: Child) -> bool:
        """Whether the case computes, or would, but had less of a core than its limit grants: a busy machine is not a
        hang."""
        used = limits.cpu_of_tree(child.pid) - child.cpu_before
        waited = limits.waited_of_tree(child.pid) - child.waited_before
        return used < child.seconds and (used > child.seconds / 10 or waited > child.seconds / 2)

    @staticmethod
    def _waited_most(child: Child) -> bool:
        """Whether a case at the end of all patience had used less than its limit, and waited for a core most of the
        time: nothing is known of it."""
        used = limits.cpu_of_tree(child.pid) - child.cpu_before
        waited = limits.waited_of_tree(child.pid) - child.waited_before
        return used < child.seconds and waited > (1 + PATIENCE) * child.seconds / 2

    @staticmethod
    def _kill(child: Child, reason: str) -> None:
        child.reason = reason
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)

    def _reap(self) -> None:
        """Wait for whatever has died, adopted orphans too; report the child's death if it had a case."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            child = self.child
            if child is not None and pid == child.pid:
                child.status, child.cpu = status, usage.ru_utime + usage.ru_stime
                for descriptor in list(child.open):
                    # Taking its last answer may end the child's record, and with it these descriptors.
                    while self.child is child and descriptor in child.open and self._more(descriptor):
                        self._receive(child, descriptor)
                if self.child is child:
                    if child.case is not None:
                        self._report_death(child, status)
                    self._end(child)
            elif self.resting is not None and pid == self.resting.pid:
                self.resting.status = status
                self._end(self.resting)

    @staticmethod
    def _more(descriptor: int) -> bool:
        return bool(select.select([descriptor], [], [], 0)[0])

    def _report_death(self, child: Child, status: int) -> None:
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
        text = child.tail()
        how = child.reason or ("exit" if number is None else "signal")
        if how == "signal" and number == signal.SIGABRT and ("bad_alloc" in text or "MemoryError" in text):
            how = "memory"
        report = {
            "op": "died",
            "id": child.case,
            "how": how,
            "signal": number if how == "signal" else None,
            "status": os.WEXITSTATUS(status) if number is None else None,
            "stage": self.board.stage(),
            "note": self.board.noted(),
            "stderr": text,
            "cpu": self.board.spent(child.cpu),
        }
        child.case = None
        frames.write(self.replies, frames.encode(report))

    def _end(self, child: Child) -> None:
        """Kill a child and its group if it still lives, wait for it, and remove what it left."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        if child.status is None:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child.pid, 0)
        if child is self.resting:
            self.resting = None
        else:
            # What the child left behind is a descendant of ours now; the one that rests is too, and stays.
            limits.kill_descendants(but=None if self.resting is None else self.resting.pid)
            self.child, self.resting = self.resting, None
        for descriptor in (child.connection, child.stdout, child.stderr):
            os.close(descriptor)
        shutil.rmtree(child.folder, ignore_errors=True)
