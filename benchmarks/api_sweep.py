"""Measures a sweep over a library's functions: distinct checks for each second of CPU, and what comes of the cases.

    python -m benchmarks.api_sweep [--library torch|jax|tensorflow] [--python FILE] [--every N]

A check is one way to compose a derivative, of one function, in one case, that gave a number; however many directions
were needed to judge it, it counts once. CPU is that of the worker and of this process, which judges: the start of the
worker is told apart. Every N-th case of the sweep is run, of one thread.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence

from assay.apis.seeds import LIBRARIES, seeds_of
from assay.apis.source import ApiSource
from assay.campaign.assemble import WARM, judge, witnesses
from assay.campaign.examine import examine
from assay.execution import Worker
from assay.execution.client import Code
from assay.ir.case import Case
from assay.oracles.derivatives import quantities_of
from assay.oracles.outcome import Outcome


class Counting:
    """Runs cases on a worker, and counts the checks of what is run first of each."""

    def __init__(self, worker: Worker) -> None:
        self.worker, self.checks = worker, 0
        self.seen: set[str] = set()

    def __call__(
        self,
        case: Case,
        evidence: Sequence[str] = (),
        *,
        alone: bool = False,
        code: Code = "merged",
        patience: float = 1.0,
    ) -> Outcome:
        """As a campaign asks it."""
        outcome = self.worker.run(case, evidence, alone=alone, code=code, seconds=60 * patience)
        if case.id not in self.seen:
            self.seen.add(case.id)
            self.checks += len(quantities_of(outcome.derivatives or {}))
        return outcome


def main() -> int:
    """Run the cases and print the rates. Exit code 1 where no case was run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", choices=sorted(LIBRARIES), default="torch")
    parser.add_argument("--python", help="an interpreter that has the library")
    parser.add_argument("--every", type=int, default=10, help="run every N-th case of the sweep (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    target = LIBRARIES[options.library] + (f"@{options.python}" if options.python else "")
    seeds = seeds_of(options.library, options.python or sys.executable)
    source = ApiSource(seeds, options.seed, target)
    # Breadth first the seeds grow larger: a random part stands for the whole.
    numbers = random.Random(options.seed).sample(range(source.sweep), source.sweep // options.every)
    verdicts: Counter[str] = Counter()
    functions: set[str] = set()
    known: set[str] = set()
    dear: list[tuple[float, str]] = []
    with Worker(targets=[target], environment=WARM) as worker:
        started = worker.cpu_seconds()
        counting = Counting(worker)
        own, wall = time.process_time(), time.monotonic()
        for number in numbers:
            case = source.make(number)
            before = worker.cpu_seconds()
            found = examine(case, counting, judge, witnesses, lambda _, judgement: judgement.signature in known)
            # As in a campaign, what one cause gives is confirmed once.
            known.add(found.judgement.signature)
            verdicts[found.judgement.verdict.value] += 1
            dear.append((worker.cpu_seconds() - before, case.operators[0]))
            if found.engaged:
                functions.add(case.operators[0])
        spent = worker.cpu_seconds() - started
        own, wall = time.process_time() - own, time.monotonic() - wall
    total = spent + own
    print(f"{options.library}: {len(numbers)} of {source.sweep} cases, {len(functions)} functions differentiated")
    print(f"verdicts: {', '.join(f'{name} {count}' for name, count in verdicts.most_common())}")
    print(f"CPU: {spent:.0f} s in the worker, {own:.0f} s to judge; {started:.0f} s to start; wall {wall:.0f} s")
    print(f"checks: {counting.checks}, {counting.checks / total:.0f} per CPU second")
    print(f"cases: {len(numbers) / total:.1f} per CPU second; the whole sweep: {total * options.every:.0f} CPU seconds")
    print("dearest: " + ", ".join(f"{name} {cost:.1f} s" for cost, name in sorted(dear, reverse=True)[:8]))
    return 0 if numbers else 1


if __name__ == "__main__":
    sys.exit(main())
