"""Where runs are, and what an id means in one."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.campaign.findings import Bucket, Finding
from assay.campaign.mistake import UserMistake
from assay.campaign.store import FILE, Store, open_run

RUNS = Path("runs")


def newest_or(run: Path | None) -> Path:
    """The run that was named, else the one in ./runs that was worked on last. Raises UserMistake where there is
    none.
    """
    if run is not None:
        return run
    found = [path.parent for path in RUNS.glob(f"*/{FILE}")] if RUNS.is_dir() else []
    if not found:
        raise UserMistake("there is no run in ./runs; make one by `assay fuzz`, or name one with --run")
    return max(found, key=lambda folder: (_worked_on(folder), folder.name))


def _worked_on(folder: Path) -> int:
    # Only a campaign takes the lock, so that looking at a run does not make it the newest.
    lock = folder / "lock"
    return (lock if lock.exists() else folder / FILE).stat().st_mtime_ns


@dataclass(frozen=True, slots=True)
class Found:
    """What an id stands for: a finding to run (reduced where it was reduced), and the bucket that it lies in."""

    finding: Finding
    original: Finding
    bucket: Bucket | None


def look_up(store: Store, identity: str) -> Found:
    """What ``identity``, or the first digits of one, stands for in a run. Raises UserMistake where that is
    nothing, or several.
    """
    buckets = {bucket.id: bucket for bucket in store.buckets()}
    findings = store.findings()
    matches: dict[str, Found] = {}
    for bucket in buckets.values():
        if bucket.id.startswith(identity):
            original = next(finding for finding in findings if finding.bucket == bucket.id)
            matches[bucket.id] = Found(store.bucket_case(bucket.id), original, bucket)
    for finding in findings:
        for name in (finding.id, finding.case.id):
            if name.startswith(identity):
                matches[name] = Found(finding, finding, buckets.get(finding.bucket or ""))
    if len(matches) > 1:
        raise UserMistake(f"{identity!r} may be {' or '.join(sorted(matches)[:4])}; give more digits")
    if not matches or not identity:
        raise UserMistake(f"nothing in {store.folder} has the id {identity!r}; `assay findings` lists what there is")
    return next(iter(matches.values()))


def open_for_reading(run: Path | None) -> Store:
    """The store of the run that was named, or of the newest."""
    return open_run(newest_or(run))


def print_json(value: Any) -> None:
    """One JSON value on stdout."""
    json.dump(value, sys.stdout, indent=2)
    print()
