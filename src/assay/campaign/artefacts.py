"""Files of a run: written whole or not at all, and named by their content where nothing else names them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def write_durably(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old content or the new, and a power cut loses neither."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def keep(folder: Path, content: bytes, suffix: str) -> Path:
    """Put ``content`` into the folder under its digest and return the path; nothing is written where it is there
    already.
    """
    name = hashlib.sha256(content).hexdigest()
    path = folder / name[:2] / f"{name}{suffix}"
    if not path.exists():
        write_durably(path, content)
    return path
