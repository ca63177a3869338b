"""`assay doctor`: what this machine has, and what to do about what it lacks."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
from importlib import metadata
from typing import Any

from assay import __version__
from assay.cli import FOUND_NOTHING
from assay.cli.runs import print_json

GIGABYTE = 1 << 30


def doctor(options: argparse.Namespace, began: float) -> int:
    """Look at the machine."""
    facts: dict[str, Any] = {
        "assay": __version__,
        "python": platform.python_version(),
        "interpreter": sys.executable,
        "torch": version("torch"),
        "numpy": version("numpy"),
        "onnx": version("onnx"),
        "compiler": shutil.which(os.environ.get("CXX", "g++")),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIGABYTE, 1),
        "temporary_folder": tempfile.gettempdir(),
        "temporary_free_gb": round(shutil.disk_usage(tempfile.gettempdir()).free / GIGABYTE, 1),
    }
    facts["advice"] = advice(facts)
    if options.json:
        print_json(facts)
        return FOUND_NOTHING
    for name, value in facts.items():
        if name != "advice":
            print(f"{name.replace('_', ' '):18} {'missing' if value is None else value}")
    for line in facts["advice"] or ["all there; `assay fuzz --time 2m` runs a short campaign"]:
        print(f"-> {line}")
    return FOUND_NOTHING


def advice(facts: dict[str, Any]) -> list[str]:
    """What to do, a line for each thing that is missing or scarce."""
    found = []
    if facts["torch"] is None:
        found.append(
            "install torch into this environment (pip install torch), or name an interpreter: TARGET@/path/to/python"
        )
    if facts["compiler"] is None:
        found.append("install g++ (inductor compiles C++), or leave out the target inductor")
    if facts["memory_gb"] < 4:
        found.append("less than 4 GB of memory: use --jobs 1")
    if facts["temporary_free_gb"] < 2:
        found.append(f"less than 2 GB are free in {facts['temporary_folder']}: make room, or set TMPDIR")
    return found


def version(package: str) -> str | None:
    """The version of an installed package, found without importing it; None where there is none."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
