"""CPU of a campaign against a bare loop over the same scripts on the same target, both without their start-up.

    python -m benchmarks.overhead --target aot_eager --cases 200 --nodes 10
    python -m benchmarks.overhead --target inductor --cases 40

A campaign's start-up is measured by a campaign of no operations to speak of (one case), the loop's is measured by the
loop itself. Findings are left unreduced: what a reduction costs depends on the finding, and the loop makes none.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from assay.backends import find_backend
from assay.generate.graph import make_case
from assay.generate.settings import Settings
from assay.ops.catalogue import load


def campaign(arguments: argparse.Namespace, cases: int, folder: Path) -> dict[str, float]:
    """The summary of a campaign of so many cases."""
    command = [
        str(Path(sys.executable).with_name("assay")),
        "fuzz",
        "--source",
        "graph",
        "--json",
        "--jobs",
        "1",
        "--no-reduce",
    ]
    command += [
        "--target",
        arguments.target,
        "--cases",
        str(cases),
        "--seed",
        str(arguments.seed),
        "--run",
        str(folder),
    ]
    command += ["--nodes", str(arguments.nodes)] if arguments.nodes else []
    process = subprocess.run(command, capture_output=True, text=True)
    if process.returncode > 1:
        raise SystemExit(process.stderr)
    summary: dict[str, float] = json.loads(process.stdout)
    return summary


def main() -> int:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", default="aot_eager")
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--nodes", type=int, default=None)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    settings = Settings(arguments.seed, tuple(load()), arguments.nodes, (arguments.target,))
    backend = find_backend(arguments.target)
    cases = [make_case(settings, index) for index in range(arguments.cases)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        listed = [
            {
                "text": case.text,
                "compile": backend.module.source(backend.name, dict(case.options)),
                "training": case.training,
                "calls": case.calls,
            }
            for case in cases
        ]
        (folder / "cases.json").write_text(json.dumps({"cases": listed}))
        dynamo = {"aot_eager_decomp": "aot_eager_decomp_partition"}.get(
            backend.name, backend.name.removeprefix("torch:")
        )
        loop = subprocess.run(
            [sys.executable, "-m", "benchmarks.bare_loop", str(folder / "cases.json"), dynamo],
            capture_output=True,
            text=True,
        )
        if loop.returncode:
            raise SystemExit(loop.stderr)
        bare = json.loads(loop.stdout.splitlines()[-1])
        start = campaign(arguments, 1, folder / "start")
        whole = campaign(arguments, arguments.cases, folder / "run")
    spent = whole["cpu_seconds"] - start["cpu_seconds"] * (1 - 1 / arguments.cases)
    operations = sum(case.operations for case in cases)
    figures = {
        "target": arguments.target,
        "cases": arguments.cases,
        "operations": operations,
        "bare_cpu": round(bare["cpu"], 2),
        "campaign_cpu": round(spent, 2),
        "campaign_cpu_with_start": round(whole["cpu_seconds"], 2),
        "campaign_cpu_sut": round(whole["cpu_seconds_sut"], 2),
        "ratio": round(spent / bare["cpu"], 3),
        "operations_per_cpu_second": round(operations / spent, 2),
        "buckets": len(whole["buckets"]),  # type: ignore[arg-type]
        "failed_in_loop": bare["failed"],
    }
    print(json.dumps(figures, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
