"""What a program finds out about an installed library, kept in the user's cache folder: it is asked once per release.

A release is known by its own files, so that a build of somebody's own that has changed is asked again. What is kept is
JSON; where nothing can be kept, the library is asked each time.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

LOCATE = (
    "import importlib.util, json, sys; found = importlib.util.find_spec(sys.argv[1]); "
    "print(json.dumps([sys.version, found and found.origin]))"
)
LOCATE_SECONDS = 60
ENVIRONMENT = {"PYTHONHASHSEED": "0", "PATH": ""}


class CannotTell(RuntimeError):
    """The interpreter does not answer; the text says why, in a few words."""


def collect(python: str, program: Path, library: str, watched: Sequence[str], seconds: float) -> Any:
    """What ``program`` prints, a JSON value, when ``python`` runs it: kept until the program, what it imports from
    beside it, the interpreter or one of the library's files below ``watched`` (paths in its folder) changes. Raises
    CannotTell; ``seconds`` is how long the program may take."""
    place = kept_folder() / f"{program.stem}-{key_of(python, program, library, watched)}.json"
    with contextlib.suppress(OSError, ValueError):
        return json.loads(place.read_text())
    printed = _run([python, str(program)], seconds)
    try:
        found = json.loads(printed)
    except ValueError:
        raise CannotTell(f"{program.name} printed no JSON") from None
    keep(place, printed)
    return found


def is_kept(python: str, program: Path, library: str, watched: Sequence[str]) -> bool | None:
    """Whether `collect` has nothing to run; None where what is kept is of another release, interpreter or program.
    Raises CannotTell."""
    name = f"{program.stem}-{key_of(python, program, library, watched)}.json"
    kept = {each.name for each in kept_folder().glob(f"{program.stem}-*.json")}
    return name in kept if name in kept or not kept else None


def kept_folder() -> Path:
    """Where what was collected is kept: ``$XDG_CACHE_HOME/assay``, or ``~/.cache/assay``."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(home) / "assay"


def key_of(python: str, program: Path, library: str, watched: Sequence[str]) -> str:
    """What changes with a program, what it imports from beside it, an interpreter, and a library's files. Raises
    CannotTell."""
    version, origin = json.loads(_run([python, "-c", LOCATE, library], LOCATE_SECONDS))
    known = hashlib.sha256()
    for part in _with_neighbours(program):
        known.update(part.read_bytes())
    known.update(f"{python}\n{version}\n{origin}\n".encode())
    if origin is not None:
        root = Path(origin).parent
        for name in watched:
            below = root / name
            for path in sorted(below.rglob("*.py")) if below.is_dir() else [below]:
                with contextlib.suppress(OSError):
                    seen = path.stat()
                    known.update(f"{path} {seen.st_size} {seen.st_mtime_ns}\n".encode())
    return known.hexdigest()[:20]


def _with_neighbours(program: Path) -> list[Path]:
    """The program and the files that it imports from beside it."""
    parts = [program]
    for part in parts:
        for node in ast.walk(ast.parse(part.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                beside = program.with_name(f"{node.module}.py")
                if beside.exists() and beside not in parts:
                    parts.append(beside)
    return parts


def _run(command: Sequence[str], seconds: float) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=seconds, env=ENVIRONMENT
        )  # fmt: skip
    except OSError as error:
        raise CannotTell(error.strerror or str(error)) from None
    except subprocess.TimeoutExpired:
        raise CannotTell(f"no answer in {seconds:.0f} s") from None
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise CannotTell(said[-1] if said else f"exit code {done.returncode}")
    return done.stdout


def keep(place: Path, text: str) -> None:
    """Write whole or not at all: another campaign may be reading."""
    partial = place.with_suffix(f".{os.getpid()}")
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text)
        partial.replace(place)
