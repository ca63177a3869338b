"""`assay check` on a module of about a hundred lines: a backend that miscompiles one operator is found and the operator
named within a minute; one that is correct and differs from eager is accepted.

    python -m benchmarks.check [--only wrong|different]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SUBJECT = ROOT / "tests" / "checking" / "subjects" / "network.py"
WRONG = "torch:tests.checking.backends.wrong_silu"
DIFFERENT = "torch:benchmarks.controls.different.backend"
OPERATOR = "activation.silu"
SECONDS = 60.0


def check(target: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The figures and the report of a check on a target, started as a user starts it."""
    begun, before = time.monotonic(), os.times()
    command = [sys.executable, "-m", "assay", "check", f"{SUBJECT}:network", "--target", target, "--json"]
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment, check=False)
    after = os.times()
    # On a machine that is busy otherwise, only this says what a check costs.
    used = after.children_user + after.children_system - before.children_user - before.children_system
    figures = {"exit": done.returncode, "seconds": round(time.monotonic() - begun, 1), "cpu_seconds": round(used, 1)}
    return figures, json.loads(done.stdout or "{}")


def main(arguments: list[str] | None = None) -> int:
    """Exit code 1 where a figure is not met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.check", description="What assay check finds, and when")
    parser.add_argument("--only", choices=("wrong", "different"))
    options = parser.parse_args(arguments)
    found: dict[str, Any] = {"lines": len(SUBJECT.read_text(encoding="utf-8").splitlines())}
    met = True
    if options.only != "different":
        figures, report = check(WRONG)
        named = [name for each in report.get("differences", []) for name in each["operators"]]
        found["wrong"] = {**figures, "operators": named, "lifted": report.get("lifted")}
        right = bool(named) and all(OPERATOR in name for name in named)
        met &= figures["exit"] == 1 and right and figures["seconds"] <= SECONDS
    if options.only != "wrong":
        figures, report = check(DIFFERENT)
        found["different"] = {**figures, "parts": report.get("parts")}
        met &= figures["exit"] == 0
    print(json.dumps({**found, "met": met}, indent=1))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
