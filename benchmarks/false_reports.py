"""Cases where every report is false: eager against itself, and Dynamo's backend that runs the captured graph eagerly.

    python -m benchmarks.false_reports --cases 20000 --jobs 2

Prints, per target, the cases, the buckets, and the other verdicts. A report on `torch:eager` may be a real bug of
Dynamo: look at its script.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path


def main() -> int:
    """Run both campaigns and print JSON; exit 1 if anything was reported."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--values", default="kept", help="as of assay fuzz: kept, found or special")
    parser.add_argument("--target", action="append", help="default: eager and torch:eager")
    parser.add_argument("--out", type=Path, help="folder that keeps the runs; they resume")
    arguments = parser.parse_args()
    assay = str(Path(sys.executable).with_name("assay"))
    reports = 0
    with tempfile.TemporaryDirectory() as name:
        for target in arguments.target or ["eager", "torch:eager"]:
            folder = (arguments.out or Path(name)) / target.replace(":", "-")
            command = [
                assay,
                "fuzz",
                "--source",
                "graph",
                "--target",
                target,
                "--cases",
                str(arguments.cases),
                "--json",
            ]
            command += ["--values", arguments.values]
            command += ["--jobs", str(arguments.jobs), "--seed", str(arguments.seed), "--run", str(folder)]
            if folder.exists():
                command = [assay, "resume", str(folder), "--json"]
            process = subprocess.run(command, stdout=subprocess.PIPE, text=True)
            if process.returncode > 1:
                return process.returncode
            summary = json.loads(process.stdout)
            kept = ("cases", "invalid", "inconclusive", "unsupported", "flaky", "cpu_seconds", "engaged_per_target")
            figures = {"target": target, **{key: summary[key] for key in kept}}
            figures["reports"] = [
                {key: bucket[key] for key in ("id", "kind", "signature", "cases")} for bucket in summary["buckets"]
            ]
            reports += len(summary["buckets"])
            print(json.dumps(figures, indent=1), flush=True)
    return 1 if reports else 0


if __name__ == "__main__":
    sys.exit(main())
