"""What holds a case down and what cleans up after it: memory limits, process groups, deaths that follow a parent's,
temporary folders."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import shutil
import signal
import tempfile
import time

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
FILE_SIZE_LIMIT = 2 << 30
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK = os.sysconf("SC_CLK_TCK")


def die_with_parent(parent: int, with_signal: int = signal.SIGKILL) -> None:
    """Have the kernel end this process when ``parent``, which is single-threaded, ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, with_signal, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent died, so that they are ended, and their CPU time is counted."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def limit_files() -> None:
    """No core dumps, no endless files."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_SIZE_LIMIT, FILE_SIZE_LIMIT))


def limit_memory(megabytes: int) -> None:
    """Let this process map at most ``megabytes`` more than it has mapped now; 0 lifts the limit.

    Relative, because a framework reserves gigabytes of address space that it never touches.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    soft = (memory_pages()[0] * _PAGE + (megabytes << 20)) if megabytes else hard
    if hard != resource.RLIM_INFINITY and soft > hard:
        soft = hard
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def memory_pages(pid: int | str = "self") -> tuple[int, int]:
    """Mapped and resident pages of a process; zeros where it is gone."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            fields = file.read().split()
    except OSError:
        return (0, 0)
    return (int(fields[0]), int(fields[1])) if len(fields) > 1 else (0, 0)


def resident_megabytes(pid: int | str = "self") -> int:
    """Resident memory of a process in MiB."""
    return memory_pages(pid)[1] * _PAGE >> 20


def children(pid: int | str = "self") -> list[int]:
    """The living children of a process."""
    found: list[int] = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return found
    for thread in threads:
        with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
            found.extend(int(child) for child in file.read().split())
    return found


def kill_descendants(pid: int | str = "self", but: int | None = None) -> None:
    """End every descendant of a process, those in other process groups and sessions too; ``but`` this child and what is
    below it."""
    for child in children(pid):
        if child == but:
            continue
        kill_descendants(child)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(child, signal.SIGKILL)


def _stat_fields(pid: int | str) -> list[bytes]:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()
    except OSError:
        return []


def start_time(pid: int | str = "self") -> int:
    """When a process started, in ticks since boot; 0 where it is gone. With its number it names a process for good."""
    fields = _stat_fields(pid)
    return int(fields[19]) if fields else 0


def cpu_of_tree(pid: int) -> float:
    """User and system seconds of a process, its living descendants, and those descendants that were waited for."""
    fields = _stat_fields(pid)
    if not fields:
        return 0.0
    own = sum(int(field) for field in fields[11:15]) / _TICK
    return own + sum(cpu_of_tree(child) for child in children(pid))


def waited_of_tree(pid: int) -> float:
    """Seconds for which the main threads of a process and of its living descendants were ready to run and had no core;
    0 where the kernel does not say."""
    own = 0.0
    with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{pid}/schedstat", "rb") as file:
        own = int(file.read().split()[1]) / 1e9
    return own + sum(waited_of_tree(child) for child in children(pid))


def own_cpu() -> float:
    """User and system seconds of this process and of the children that it waited for."""
    # The kernel walks the memory of a process to answer getrusage for itself: 5 to 200 microseconds, by its size.
    theirs = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + theirs.ru_utime + theirs.ru_stime


def private_folder() -> str:
    """A fresh temporary folder that names this process; folders of processes that are gone are removed first."""
    base = os.path.join(tempfile.gettempdir(), f"assay-workers-{os.getuid()}")
    os.makedirs(base, mode=0o700, exist_ok=True)
    if os.stat(base).st_uid != os.getuid():
        base = tempfile.mkdtemp(prefix="assay-workers-")
    for name in os.listdir(base):
        pid, _, started = name.partition("-")
        if pid.isdigit() and start_time(pid) != int(started or -1):
            shutil.rmtree(os.path.join(base, name), ignore_errors=True)
    folder = os.path.join(base, f"{os.getpid()}-{start_time()}")
    os.makedirs(folder, exist_ok=True)
    return folder
