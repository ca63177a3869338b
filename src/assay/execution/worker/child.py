"""A child of the fork server: executes cases one after another until it is told to stop, has served its time, or
dies of one."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
import tempfile
import traceback
from typing import Any

from . import frames, limits
from .stage import StageBoard

CASES_PER_CHILD = 96
GROWTH_LIMIT_MB = 1024


def start(server: int, connection: int, stdout: int, stderr: int, folder: str) -> None:
    """Turn the process that `os.fork` has just made into a child of the server: own group, captured streams, own
    folder."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    limits.die_with_parent(server)
    os.setpgid(0, 0)
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.makedirs(folder, exist_ok=True)
    # Temporary files of a compiler that is killed in the middle of its work lie in a folder that the server removes.
    os.environ["TMPDIR"] = folder
    tempfile.tempdir = folder
    spare = os.dup(2)
    faulthandler.enable(file=spare)
    # On a time-out the server asks where the child is before it kills it.
    faulthandler.register(signal.SIGUSR2, file=spare, all_threads=False)
    os.set_inheritable(connection, False)


def serve(connection: int, runtime: Any, board: StageBoard) -> None:
    """Execute the cases that arrive on ``connection``. Returns when it is closed."""
    pid, decoder, served = os.getpid(), frames.Decoder(), 0
    before = limits.resident_megabytes()
    while True:
        frame = frames.read(connection, decoder)
        if frame is None:
            return
        request = frame.header
        limits.limit_memory(int(request.get("memory_mb", 0)))
        try:
            reply, buffers = runtime.execute(request, board)
        except Exception:
            reply, buffers = {"op": "defect", "id": request.get("id"), "traceback": traceback.format_exc()}, []
            reply["retire"] = True
        if os.getpid() != pid:
            # The case forked, and this is the copy that came back from it.
            os._exit(0)
        limits.limit_memory(0)
        served += 1
        grown = limits.resident_megabytes() - before > GROWTH_LIMIT_MB
        if served >= CASES_PER_CHILD or grown or request.get("alone") or reply.get("ended") == "memory":
            reply["retire"] = True
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                stream.flush()
        frames.write(connection, frames.encode(reply, buffers))
        board.set("idle")
