"""What judging numbers costs in a campaign, and how much of it stays undecided.

    python -m benchmarks.controls.cost --target inductor --cases 60

Prints the CPU seconds of shadow runs, of runs in float64 and in exact arithmetic, and of the judge itself, as a share
of all; how often each was wanted; and the share of elements and of cases that no evidence decided.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from assay.campaign.assemble import judge, start_bench, witnesses
from assay.campaign.examine import Witness, settle
from assay.generate.graph import make_case
from assay.generate.settings import Settings
from assay.ir.case import Case
from assay.ops.catalogue import load
from assay.oracles.outcome import Outcome, TensorRecord
from assay.oracles.pairs import tensor_pairs
from assay.oracles.verdict import Judgement, Verdict

_SHARE = re.compile(r"^(\d+) of (\d+) elements differ")


class Meter:
    """CPU seconds and counts by what they were spent on."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.runs: Counter[str] = Counter()
        self.elements = self.undecided = 0
        self.verdicts: Counter[str] = Counter()
        self.open: list[str] = []


def measure(target: str, cases: int, seed: int, operations: int | None) -> dict[str, Any]:
    """Settle ``cases`` generated cases on a target; the figures."""
    meter = Meter()
    settings = Settings(seed, tuple(load()), operations, (target,))
    bench = start_bench([target])
    asked: list[str] = []

    def run(case: Case, evidence: tuple[str, ...] = (), **how: Any) -> Outcome:
        name = asked.pop() if asked else "first run" if not evidence else "again"
        before = bench.cpu_seconds()
        outcome = bench.run(case, evidence, **how)
        meter.seconds[name] += bench.cpu_seconds() - before
        meter.runs[name] += 1
        return outcome

    def witness(case: Case, name: str) -> Witness | None:
        before = time.process_time()
        found = witnesses(case, name)
        meter.seconds["judge"] += time.process_time() - before
        if found is not None:
            asked.append(name)
        return found

    def judged(case: Case, outcome: Outcome, evidence: Mapping[str, Outcome]) -> Judgement:
        before = time.process_time()
        found = judge(case, outcome, evidence)
        meter.seconds["judge"] += time.process_time() - before
        return found

    bench.warm()
    started, own = bench.cpu_seconds(), time.process_time()
    for index in range(cases):
        case = make_case(settings, index)
        examination = settle(case, run, judged, witness)
        outcome, judgement = examination.outcome, examination.judgement
        meter.verdicts[judgement.verdict.value] += 1
        for pair in tensor_pairs(case, outcome.reference, outcome.target):
            if isinstance(pair.reference, TensorRecord):
                meter.elements += math.prod(pair.reference.shape)
        if judgement.verdict is Verdict.Inconclusive:
            found = _SHARE.match(judgement.detail)
            meter.undecided += int(found.group(1)) if found else 0
            meter.open.append(f"case {index}: {judgement.where}: {judgement.detail.splitlines()[0][:200]}")
    total = bench.cpu_seconds() - started + time.process_time() - own
    bench.close()
    spent = sum(meter.seconds[name] for name in ("shadow", "float64", "float64_shadow", "exact", "judge"))
    return {
        "target": target,
        "cases": cases,
        "cpu_seconds": round(total, 1),
        "share_of_cpu": round(spent / total, 4),
        "cpu_by_purpose": {name: round(seconds, 2) for name, seconds in sorted(meter.seconds.items())},
        "runs": dict(sorted(meter.runs.items())),
        "verdicts": dict(meter.verdicts),
        "elements": meter.elements,
        "undecided_elements": round(meter.undecided / max(meter.elements, 1), 6),
        "undecided_cases": round(meter.verdicts[Verdict.Inconclusive.value] / max(cases, 1), 4),
        "undecided": meter.open,
    }


def main() -> int:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", default="inductor")
    parser.add_argument("--cases", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--nodes", type=int, help="operations of a program (default: by the target's cost)")
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.target, arguments.cases, arguments.seed, arguments.nodes), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
