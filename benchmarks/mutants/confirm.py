"""Prove a fault under the import hook: its witness, in a fresh interpreter, differs with it and does not without."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.mutants import catalogue, layers
from benchmarks.mutants.baseline import append, read_lines

ROOT = catalogue.HERE.parent.parent
TIMEOUT = 150.0
BATCH = 40  # witnesses without a fault that share an interpreter


def environment(entry: dict[str, Any] | None, catalogue_path: Path, log: Path | None = None) -> dict[str, str]:
    """The process environment with a fault switched on, or with none."""
    result = {name: value for name, value in os.environ.items() if not name.startswith("TORCH_MUTANT")}
    if entry is not None:
        places = [str(catalogue.HOOK), *filter(None, [result.get("PYTHONPATH")])]
        result |= {
            "PYTHONPATH": os.pathsep.join(places),
            "TORCH_MUTANT": entry["id"],
            "TORCH_MUTANT_CATALOGUE": str(catalogue_path.resolve()),
        }
        if log is not None:
            result["TORCH_MUTANT_LOG"] = str(log)
    return result


def witness_runs(names: list[str], target: str, variables: dict[str, str]) -> list[dict[str, Any]]:
    """What differs for each witness, in one fresh interpreter. RuntimeError if it failed before it said anything."""
    command = [sys.executable, "-m", "benchmarks.mutants.witnesses", target, *names]
    seconds = TIMEOUT + 20 * len(names)
    try:
        done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise RuntimeError("no answer in time") from None
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise RuntimeError(f"status {done.returncode}: {done.stderr.strip()[-300:]}")
    return [json.loads(line) for line in lines]


def witness_run(name: str, target: str, variables: dict[str, str]) -> list[str]:
    """What differs for a witness in a fresh interpreter. RuntimeError if that failed before it could say."""
    return witness_runs([name], target, variables)[-1]["differences"]


def prove(entry: dict[str, Any], catalogue_path: Path, plain: Callable[[str, str], list[str]]) -> dict[str, Any]:
    """The proof of an entry: verdict `confirmed`, or what went wrong. `plain` gives the differences without a fault."""
    witness, target = entry["witness"]["name"], entry["witness"]["target"]
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        try:
            got = witness_run(witness, target, environment(entry, catalogue_path, Path(folder)))
        except RuntimeError as error:
            return {"verdict": "no result", "detail": str(error)}
        applied = (Path(folder) / "applied").exists()
        reached = entry["probe"] and (Path(folder) / "reached").read_bytes() == b"\1"
    without = plain(witness, target)
    if without:
        return {"verdict": "differs without the fault", "detail": without}
    if not applied:
        return {"verdict": "not applied"}
    if not got:
        return {"verdict": "not seen under the hook"}
    if entry["probe"] and not reached:
        return {"verdict": "probe not reached"}
    return {"verdict": "confirmed", "differences": got[:4]}


def confirm_all(folder: Path, surplus: float, say: Callable[[str], None]) -> None:
    """Prove every drawn fault that has a witness, layer by layer, into `confirmed.jsonl`; resumes."""
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(folder.resolve() / "kernels")  # keyed by source text, so no fault leaks
    file = folder / "confirmed.jsonl"
    known = {entry["id"] for entry in read_lines(file)}
    cached = {(entry["name"], entry["target"]): entry["differences"] for entry in read_lines(folder / "plain.jsonl")}

    chosen = {
        layer: catalogue.select(read_lines(folder / f"tried-{layer}.jsonl"), math.ceil(quota * surplus))
        for layer, quota in layers.QUOTAS.items()
    }
    for target in sorted(set(layers.TARGETS.values())):
        names = {entry["witness"] for entries in chosen.values() for entry in entries if entry["target"] == target}
        missing = sorted(name for name in names if (name, target) not in cached)
        for start in range(0, len(missing), BATCH):
            for row in witness_runs(missing[start : start + BATCH], target, environment(None, catalogue.PATH)):
                cached[row["name"], target] = row["differences"]
                append(folder / "plain.jsonl", row)

    def plain(name: str, target: str) -> list[str]:
        if (name, target) not in cached:  # its batch died before it
            cached[name, target] = witness_run(name, target, environment(None, catalogue.PATH))
        return cached[name, target]

    for layer, entries in chosen.items():
        for entry in entries:
            if entry["id"] in known:
                continue
            tried = {
                **entry,
                "probe": layers.probed(entry["path"]),
                "witness": {"name": entry["witness"], "target": entry["target"]},
            }
            with tempfile.TemporaryDirectory(prefix="mutants-") as place:
                path = Path(place) / "catalogue.json"
                path.write_text(json.dumps({"torch": "", "mutants": [tried]}), encoding="utf-8")
                proof = prove(tried, path, plain)
            append(
                file, {"id": entry["id"], "layer": layer, "probe": tried["probe"], "witness": entry["witness"], **proof}
            )
            say(f"confirm {layer} {entry['id']}: {proof['verdict']}")
