"""A campaign of the fuzzer under one mutant, and the verdict on what it reports.

The fuzzer runs as a black box with the import hook in its environment. A script that it wrote is judged twice in fresh
interpreters: with the mutant and without. Only exit 1 with and exit 0 without is a detection.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.mutants import catalogue, confirm
from benchmarks.mutants.baseline import append, read_lines

SCRIPT_SECONDS = 180.0
JUDGED = 30  # scripts run with and without, oldest first; a detection ends it


@dataclass(frozen=True, slots=True)
class Plan:
    """How each campaign is run. `fuzzer` is the command in front of `fuzz`."""

    fuzzer: tuple[str, ...]
    seconds: float
    jobs: int
    seed: int
    target: str | None = None
    extra: tuple[str, ...] = ()


@dataclass(slots=True)
class Judged:
    """One reported bucket: what its script does with the mutant and without."""

    bucket: dict[str, Any]
    with_mutant: str
    without: str
    found_after: float | None
    operations: int | None
    lines: int | None
    script: str

    @property
    def verdict(self) -> str:
        match self.with_mutant, self.without:
            case "bug", "ok":
                return "detection"
            case "bug", "bug":
                return "unrelated"
            case _:
                return "unreproduced"


@dataclass(slots=True)
class Result:
    """One line of results.jsonl."""

    mutant: str
    layer: str
    status: str  # "detected", "missed", "error"
    seconds: float
    applied: int
    reached: bool | None
    cases: int | None = None
    first: dict[str, Any] | None = None
    detections: list[dict[str, Any]] = field(default_factory=list)
    unrelated: list[dict[str, Any]] = field(default_factory=list)
    unreproduced: list[dict[str, Any]] = field(default_factory=list)
    unjudged: int = 0
    error: str | None = None


def parse_duration(text: str) -> float:
    """Seconds of "90", "90s", "2m", "1h". ValueError otherwise."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if not found:
        raise ValueError(f"{text!r} is no duration; write 90s, 2m or 1h")
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]


def run(entry: catalogue.Entry, plan: Plan, folder: Path) -> Result:
    """Fuzz under the mutant in `folder`, then judge what was reported."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    campaign = folder / "campaign"
    variables = environment(entry, folder, "fuzz")
    command = [*plan.fuzzer, "fuzz", "--time", f"{plan.seconds:g}s", "--jobs", str(plan.jobs), "--seed", str(plan.seed)]
    command += ["--run", str(campaign), "--json", *(("--target", plan.target) if plan.target else ()), *plan.extra]
    started, clock = time.time(), time.monotonic()
    status, out, err = bounded(command, variables, plan.seconds * 2 + 300)
    seconds = time.monotonic() - clock
    log = folder / "log"
    applied, loaded = (len(lines(log / name)) for name in ("applied", "torch"))
    reached = None
    if entry["probe"]:
        reached = (log / "reached").exists() and (log / "reached").read_bytes()[:1] == b"\1"
    result = Result(entry["id"], entry["layer"], "missed", round(seconds, 1), applied, reached)
    summary = summary_of(out)
    if status not in (0, 1) or summary is None:
        result.status, result.error = "error", f"exit {status}: {err.strip()[-400:]}"
        return result
    result.cases = summary.get("cases")
    if not loaded:  # else a module that is imported on demand was not demanded, which is a miss
        result.status, result.error = "error", "no process of the campaign imported torch under the hook"
        return result
    judge_all(entry, summary.get("buckets", []), campaign, folder, started, result)
    for cache in folder.glob("cache-*"):
        shutil.rmtree(cache, ignore_errors=True)
    return result


def judge_all(
    entry: catalogue.Entry,
    buckets: Sequence[dict[str, Any]],
    campaign: Path,
    folder: Path,
    started: float,
    result: Result,
) -> None:
    """Run the scripts of the buckets, earliest first, until three detect."""
    order = sorted(buckets, key=lambda bucket: found_at(bucket, campaign) or started)
    for place, bucket in enumerate(order):
        if place >= JUDGED or len(result.detections) >= 3:
            result.unjudged = len(order) - place
            break
        judged = judge(entry, bucket, campaign, folder, started)
        row = {
            "bucket": bucket.get("id"),
            **{name: bucket.get(name) for name in ("source", "target", "kind", "signature", "operators")},
            "found_after": judged.found_after,
            "operations": judged.operations,
            "lines": judged.lines,
            "script": judged.script,
            "with": judged.with_mutant,
            "without": judged.without,
        }
        {"detection": result.detections, "unrelated": result.unrelated, "unreproduced": result.unreproduced}[
            judged.verdict
        ].append(row)
    if result.detections:
        result.status, result.first = "detected", result.detections[0]


def judge(
    entry: catalogue.Entry,
    bucket: dict[str, Any],
    campaign: Path,
    folder: Path,
    started: float,
) -> Judged:
    path = campaign / (bucket.get("script") or "")
    if not path.is_file():
        return Judged(bucket, "no script", "no script", None, None, None, str(bucket.get("script")))
    seen = found_at(bucket, campaign)
    after = None if seen is None else round(max(0.0, seen - started), 1)
    text = path.read_text(encoding="utf-8", errors="replace")
    with_mutant = script_result(path, environment(entry, folder, "with"))
    without = without_mutant(path, text, folder) if with_mutant == "bug" else "not run"
    return Judged(
        bucket, with_mutant, without, after, operations(bucket, text), source_lines(text), str(path.relative_to(folder))
    )


def without_mutant(path: Path, text: str, folder: Path) -> str:
    """What a script does on the unchanged compiler. Campaigns of one seed find the same bugs of torch's own under every
    mutant: a script that showed one there shows it under the next."""
    known = {line["script"]: line["result"] for line in read_lines(folder.parent / "without.jsonl")}
    key = hashlib.sha256(text.encode()).hexdigest()
    if key not in known:
        known[key] = script_result(path, environment(None, folder, "without"))
        append(folder.parent / "without.jsonl", {"script": key, "result": known[key]})
    return str(known[key])


def script_result(path: Path, variables: dict[str, str]) -> str:
    """`bug`, `ok` or what else a finding's script did; its last line and exit status must agree."""
    status, out, err = bounded([sys.executable, str(path)], variables, SCRIPT_SECONDS)
    last = next((line for line in reversed(out.splitlines()) if line.strip()), "")
    if status == 1 and last.startswith("BUG:"):
        return "bug"
    if status == 0 and last.strip() == "OK":
        return "ok"
    return f"exit {status}: {(last or err.strip()[-200:])[:200]}"


def environment(entry: catalogue.Entry | None, folder: Path, name: str) -> dict[str, str]:
    """Variables of one execution: the hook if there is an entry, and a cache folder of its own.

    torch keys its caches by the sources on disk, which a mutant leaves as they are: a shared cache would carry compiled
    code from one execution to another. The precompiled headers, which no mutant changes, are kept elsewhere by torch.
    """
    log = folder / "log"
    log.mkdir(exist_ok=True)
    cache = folder / f"cache-{name}"
    cache.mkdir(exist_ok=True)
    variables = confirm.environment(entry, catalogue.PATH, log.resolve() if name == "fuzz" else None)
    return variables | {"TORCHINDUCTOR_CACHE_DIR": str(cache.resolve())}


def bounded(command: Sequence[str], variables: dict[str, str], seconds: float) -> tuple[int, str, str]:
    """Exit status, stdout, stderr; status 124 and the whole group killed when the time is over."""
    with subprocess.Popen(
        list(command),
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            return 124, out, err
    return process.returncode, out, err


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").split() if path.exists() else []


def summary_of(out: str) -> dict[str, Any] | None:
    try:
        found = json.loads(out)
    except json.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def found_at(bucket: dict[str, Any], campaign: Path) -> float | None:
    """When a bucket's script was written, which is after its reduction."""
    path = campaign / (bucket.get("script") or "")
    return path.stat().st_mtime if path.is_file() else None


def operations(bucket: dict[str, Any], text: str) -> int | None:
    """Operations of the reduced program: as the bucket says, else calls and operators in the script's `program`."""
    if isinstance(bucket.get("operations"), int):
        return bucket["operations"]
    import ast

    try:
        tree = ast.parse(text)
    except SyntaxError:
        return None
    bodies = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "program"]
    if not bodies:
        return None
    return sum(
        isinstance(node, ast.Call | ast.BinOp | ast.Compare | ast.UnaryOp | ast.Subscript)
        for node in ast.walk(bodies[0])
    )


def source_lines(text: str) -> int:
    return sum(bool(line.strip()) and not line.lstrip().startswith("#") for line in text.splitlines())
