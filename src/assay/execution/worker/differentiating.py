"""What the runtimes of libraries whose cases are only ever differentiated have in common: JAX's and TensorFlow's.

Neither can be forked once it has computed anything, but both can once they are imported: the server imports, each child
starts the library's threads by its first case.
"""

from __future__ import annotations

import gc
import linecache
import os
import sys
import types
from collections.abc import Callable
from typing import Any

from .derivatives import asked_beyond
from .limits import children, own_cpu
from .records import exception_record
from .stage import StageBoard

MODULE = "assay_case"
FILE = "assay_case.py"
DERIVATIVES = "derivatives"
XLA_FLAGS = "--xla_cpu_multi_thread_eigen=false --xla_cpu_parallel_codegen_split_count=1"
"""One thread to compile and to compute."""

_baseline: tuple[Any, ...] = ()

Answer = Callable[[dict[str, Any], Callable[[str], None], "tuple[int, int] | None"], dict[str, Any]]


class Refused(Exception):
    """The program cannot be run by itself."""

    def __init__(self, error: Exception, stage: str) -> None:
        super().__init__(stage)
        self.record, self.stage = exception_record(error), stage
        error.__traceback__ = None


def settle() -> None:
    """Freeze what the imports left, once, before any fork."""
    gc.collect()
    gc.freeze()


def global_state() -> tuple[Any, ...]:
    """What a case must leave as it was. A child in which it differs afterwards is retired."""
    return sys.getrecursionlimit(), os.getcwd(), len(sys.path), len(os.environ), len(children())


def loaded(request: dict[str, Any], note: Callable[[str], None]) -> tuple[Any, tuple[Any, ...]]:
    """The program of a case and what it is given. Raises Refused."""
    note("load")
    module = types.ModuleType(MODULE)
    module.__file__ = FILE
    sys.modules[MODULE] = module
    try:
        exec(compile(request["text"], FILE, "exec", dont_inherit=True), module.__dict__)
        return module.program, module.inputs(0)
    except Exception as error:
        raise Refused(error, "load") from None


def in_child(folder: str) -> None:
    """Note what the cases of a new child must not change."""
    global _baseline
    _baseline = global_state()


def execute(request: dict[str, Any], board: StageBoard, answer: Answer) -> tuple[dict[str, Any], list[bytes]]:
    """Differentiate one case; the header and the buffers of its outcome frame. Raises ValueError for a case that asks
    for anything else."""
    if DERIVATIVES not in request:
        raise ValueError("a case of this library can only be differentiated")
    board.set("load")
    begun = own_cpu()
    text = request["text"]
    linecache.cache[FILE] = (len(text), None, text.splitlines(True), FILE)
    board.set("target")
    try:
        found = answer(request, board.note, asked_beyond(request))
    except Refused as refused:
        found = {"refused": refused.record, "stage": refused.stage}
    finally:
        linecache.cache.pop(FILE, None)
        sys.modules.pop(MODULE, None)
    spent = own_cpu() - begun
    header = {
        "op": "outcome",
        "id": request["id"],
        "ended": "memory" if found.get("exhausted") else "completed",
        "stage": "target",
        "reference": [],
        "target": None,
        "again": None,
        "engagement": {"engaged": bool(found.get("quantities"))},
        "derivatives": found,
        "retire": global_state() != _baseline,
        "cpu": {"reference": 0.0, "sut": spent, "total": spent},
    }
    return header, []
