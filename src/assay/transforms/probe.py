"""Which operators the transforms of `torch.func` do not take, found by calling them.

    python -m assay.transforms.probe [--samples 20]

prints `REFUSED` of `assay.transforms.functional`, which says what may stand in a function that is transformed. An
operator is refused where it raises under a transform (a branch on data, no batching rule, random numbers) or where it
does not give, on exact values, the same bits.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assay.ops.catalogue import load
from assay.ops.check import request
from assay.ops.facts import Unsatisfied
from assay.ops.sampling import sample_instance

RUNNER = Path(__file__).with_name("probe_torch.py")
WAYS = ("functionalize", "jvp", "vjp", "vmap", "vmap_of_vmap")


def probe(
    names: Sequence[str] = (), samples: int = 20, python: str = sys.executable, seed: int = 0
) -> dict[str, tuple[str, ...]]:
    """The operators, of these or of all, that each transform refuses. Raises RuntimeError where the process that tries
    them ends early."""
    requests: list[dict[str, Any]] = []
    for name, operator in load().items():
        if (names and name not in names) or operator.inplace_only:
            continue
        rng = random.Random(f"{seed} {name}")
        for _ in range(samples):
            try:
                instance = sample_instance(operator, rng)
            except Unsatisfied:
                continue
            exact = all(result.facts is not None and result.facts.exact for result in instance.applied.results)
            requests.append(request(instance, rng, 0) | {"exact": exact})
    lines = "".join(json.dumps(each) + "\n" for each in requests)
    done = subprocess.run([python, str(RUNNER)], input=lines, capture_output=True, text=True, check=False)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if len(answers) != len(requests):
        raise RuntimeError(f"the probe ended at {requests[len(answers)]['operator']}\n{done.stderr[-2000:]}")
    found: dict[str, set[str]] = {way: set() for way in WAYS}
    for asked, ways in zip(requests, answers, strict=True):
        for way in ways:
            found[way].add(asked["operator"])
    return {way: tuple(sorted(each)) for way, each in found.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=20)
    found = probe(samples=parser.parse_args().samples)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
