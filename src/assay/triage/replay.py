"""Running the script of a finding fresh: a new interpreter, an empty folder, caches of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

BUG, OK, CANNOT_RUN = 1, 0, 2


@dataclass(frozen=True, slots=True)
class Replay:
    """How a script ended: its exit status (None where it was stopped), last line, and the end of what it printed."""

    status: int | None
    last_line: str
    output: str

    @property
    def shows_bug(self) -> bool:
        """Whether it ended as the script of a live finding does."""
        return self.status == BUG and self.last_line.startswith("BUG:")


def replay(script: str, *, python: str | None = None, seconds: float = 300.0) -> Replay:
    """Run a script to its end, or for so many seconds."""
    with tempfile.TemporaryDirectory(prefix="assay-replay-") as folder:
        file = Path(folder) / "finding.py"
        file.write_text(script, encoding="utf-8")
        environment = {**os.environ, "TORCHINDUCTOR_CACHE_DIR": str(Path(folder) / "cache"), "PYTHONWARNINGS": "ignore"}
        process = subprocess.Popen(
            [python or sys.executable, str(file)],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=seconds)
            status: int | None = process.returncode
        except subprocess.TimeoutExpired:
            output, status = "", None
        finally:
            # A compiler's own children must not outlive the script.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            if process.returncode is None:
                output = process.communicate()[0]
    lines = output.strip().splitlines()
    return Replay(status, lines[-1] if lines else "", output[-4000:])
