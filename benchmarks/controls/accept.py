"""A campaign on the control that must be accepted, and its figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TARGET = "torch:benchmarks.controls.different.backend"
KEPT = (
    "cases",
    "engaged_per_target",
    "invalid",
    "inconclusive",
    "unsupported",
    "flaky",
    "cpu_seconds",
    "cpu_seconds_sut",
)
BELOW = "aot_eager"
"""What the control stands on: dynamo and AOTAutograd, whose own faults it inherits."""


class Failed(Exception):
    """The campaign itself ended in an error, which it printed."""


def environment() -> dict[str, str]:
    """Variables under which a worker finds the controls."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def run(cases: int, jobs: int, seed: int, folder: Path, nodes: int | None = None) -> dict[str, Any]:
    """Run or resume a campaign in ``folder``. Raises Failed."""
    assay = str(Path(sys.executable).with_name("assay"))
    if folder.exists():
        command = [assay, "resume", str(folder), "--json"]
    else:
        command = [assay, "fuzz", "--source", "graph", "--target", TARGET, "--json", "--no-reduce"]
        command += ["--cases", str(cases), "--jobs", str(jobs), "--seed", str(seed), "--run", str(folder)]
        command += ["--nodes", str(nodes)] if nodes else []
    process = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment())
    if process.returncode > 1:
        raise Failed(f"assay ended with {process.returncode}")
    return json.loads(process.stdout)  # type: ignore[no-any-return]


def figures(summary: dict[str, Any], folder: Path, seed: int, operations: int | None = None) -> dict[str, Any]:
    """What is to be looked at in a campaign. ``own`` counts the findings that aot_eager does not give as well."""
    found = {name: summary[name] for name in KEPT if name in summary}
    found["cpu_per_case"] = round(summary["cpu_seconds"] / max(1, summary["cases"]), 3)
    found |= exactness(seed, summary["cases"], operations)
    found["buckets"] = [
        {name: bucket.get(name) for name in ("id", "kind", "signature", "cases", "script")}
        for bucket in summary["buckets"]
    ]
    found["findings"] = inherited(folder)
    found["own"] = sum(not finding["inherited"] for finding in found["findings"])
    return found


def inherited(folder: Path) -> list[dict[str, Any]]:
    """The findings of a run, and whether aot_eager gives each as well."""
    from assay.campaign import assemble
    from assay.campaign.examine import settle
    from assay.campaign.store import open_run
    from assay.oracles.verdict import FINDINGS

    with open_run(folder) as store:
        findings = store.findings()
    if not findings:
        return []
    told = []
    bench = assemble.start_bench([BELOW])
    try:
        for each in findings:
            below = replace(each.case, target=BELOW, _id="")
            judgement = settle(below, bench.run, assemble.judge, assemble.witnesses).judgement
            told.append(
                {
                    "index": each.index,
                    "kind": each.judgement.kind,
                    "where": each.judgement.where,
                    "detail": each.judgement.detail[:300],
                    "inherited": judgement.verdict in FINDINGS and judgement.kind == each.judgement.kind,
                }
            )
    finally:
        bench.close()
    return told


def exactness(seed: int, cases: int, operations: int | None, sample: int = 500) -> dict[str, Any]:
    """The shares of cases that have outputs to compare by value, and of these the ones whose outputs are all exact;
    of a sample of the cases."""
    from assay.generate.graph import make_case
    from assay.generate.settings import Settings
    from assay.ops.catalogue import load

    settings = Settings(seed, tuple(load()), operations, (TARGET,))
    counts: Counter[str] = Counter()
    taken = range(min(cases, sample))
    for index in taken:
        outputs = list(make_case(settings, index).exact.get("outputs") or ())
        counts["by value"] += bool(outputs)
        counts["exact"] += bool(outputs) and all(outputs)
    return {
        "sampled": len(taken),
        "value_compared": counts["by value"],
        "exact_only_share": round(counts["exact"] / max(1, counts["by value"]), 3),
    }
