"""A check from beginning to end, in workers: of a file, or of texts that need no file."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from assay.campaign import assemble
from assay.campaign.bench import Bench
from assay.campaign.mistake import UserMistake
from assay.checking.checker import LADDER, Check, Wish, compare_subject, report_of, start
from assay.checking.defaults import CASE_SECONDS, MEMORY_MB
from assay.checking.derivatives import compare_derivatives
from assay.checking.differences import differences_of
from assay.checking.lift import Lifted, Unliftable
from assay.checking.lifted import lift_subject
from assay.checking.report import Report
from assay.checking.texts import Subject
from assay.checking.transformed import compare_transformed


def silent(what: str) -> None:
    """Tell nobody."""


def check_file(
    subject: Subject,
    wish: Wish,
    *,
    tell: Callable[[str], None] = silent,
    seconds: float = CASE_SECONDS,
    memory_mb: int = MEMORY_MB,
    out: Path | None = None,
) -> Report:
    """Check a subject that is in a file, in workers alone. Raises UserMistake, BackendNotInstalled."""
    begun = time.monotonic()
    bench = bench_of(wish, seconds, memory_mb)
    try:
        return finished(start(subject, wish, bench.run, bench.run, tell=tell), begun, out)
    finally:
        bench.close()


def bench_of(wish: Wish, seconds: float, memory_mb: int) -> Bench:
    """Workers for the targets of a check."""
    return assemble.start_bench(wish.targets or LADDER, seconds, memory_mb)


def finished(check: Check, begun: float, out: Path | None) -> Report:
    """What a check comes to, once its subject was seen to run; scripts are written to a folder that is made when there
    is one."""
    sizes = compare_subject(check)
    if check.wish.derivatives:
        compare_derivatives(check)
    lifted = _lifted(check)
    if check.wish.transformed:
        plain = lifted[False]
        compare_transformed(check, plain if isinstance(plain, Lifted) else None)
    found = differences_of(check, lifted, out)
    told = lifted[False]
    if isinstance(told, Lifted):
        return report_of(check, sizes, found, time.monotonic() - begun, lifted=told.told, opaque=told.opaque)
    return report_of(check, sizes, found, time.monotonic() - begun, lifted=f"not lifted, wrapped as it is: {told}")


def _lifted(check: Check) -> dict[bool, Lifted | str]:
    """By mode the program that the subject was lifted to, or why it was not; in training only where that is needed to
    say what differs."""
    found: dict[bool, Lifted | str] = {}
    modes = {False} | {case.training for _, case, _, _ in check.differences}
    for training in sorted(modes):
        check.tell("lifting it")
        try:
            found[training] = lift_subject(check.described, check.run, check.targets[0], training)
        except Unliftable as reason:
            found[training] = str(reason)
        except UserMistake as lost:
            found[training] = str(lost)
    return found
