"""Run a function in a forked child of a warm process, within a time limit, and get its JSON result."""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import time
from collections.abc import Callable
from typing import Any

MEMORY = 12 << 30  # of address space: torch alone maps several


class Hang(Exception):
    """The child passed its time limit and was killed with its group."""


class Died(Exception):
    """The child ended without a result."""


def in_child(function: Callable[[], Any], seconds: float) -> Any:
    """What `function` returns, by way of JSON. Hang or Died if there is nothing to return."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.setsid()
            os.close(read)
            null = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(null, stream)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            with os.fdopen(write, "w") as pipe:
                json.dump(function(), pipe)
            status = 0
        finally:
            os._exit(status)
    os.close(write)
    try:
        text = _drain(read, time.monotonic() + seconds)
    except Hang:
        os.killpg(pid, signal.SIGKILL)
        raise
    finally:
        os.close(read)
        _, status = os.waitpid(pid, 0)
    if status or not text:
        raise Died(f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"status {os.WEXITSTATUS(status)}")
    return json.loads(text)


def _drain(descriptor: int, deadline: float) -> bytes:
    parts = []
    while True:
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise Hang
        part = os.read(descriptor, 1 << 16)
        if not part:
            return b"".join(parts)
        parts.append(part)
