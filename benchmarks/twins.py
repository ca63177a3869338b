"""Measures transforms: a rewritten program against its original in eager mode, and what of it Dynamo traces.

python -m benchmarks.twins --count 50000 [--only 'control.*'] [--trace 10]
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
import warnings
from collections import Counter
from collections.abc import Mapping
from fnmatch import fnmatchcase

from assay.emit.torch import render
from assay.ir.program import Program
from assay.transforms.check import Twin, request_of, twins
from assay.transforms.check_torch import compare, executed
from assay.transforms.registry import Transform, transforms


def check(twin: Twin) -> str | None:
    """What differs between the two in eager mode, with the rewritten text; None where nothing does."""
    request = request_of(twin)
    difference = compare(**request)
    return None if difference is None else f"{difference}\n{request['rewritten']}"


def traced(twin: Twin) -> str | None:
    """Why Dynamo does not trace the rewritten program whole, empty where it does; None where it does not trace the
    original either."""
    reason = _stumble(twin.rewritten)
    return None if reason and _stumble(twin.original) else reason


def _stumble(program: Program) -> str:
    import torch

    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    text = render(program)
    try:
        executed(text, lambda function: torch.compile(function, backend="eager"))
    except Exception as error:  # a bug of the compiler, or a limitation that it raises
        return f"{type(error).__name__}: {str(error)[:150]}"
    breaks = torch._dynamo.utils.counters["graph_break"]
    return str(next(iter(breaks))).strip()[:200] if breaks else ""


def chosen(pattern: str) -> Mapping[str, Transform]:
    """The transforms whose names match."""
    return {name: each for name, each in transforms().items() if fnmatchcase(name, pattern)}


def main() -> int:
    """Run the measurement and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2_000, help="sites, divided among the transforms")
    parser.add_argument("--only", default="*", help="names, as a glob")
    parser.add_argument("--trace", type=int, default=0, help="sites of each transform that Dynamo is given")
    parser.add_argument("--start", type=int, default=0, help="index of the first program")
    parser.add_argument("--show", type=int, default=3, help="how many differences to print whole")
    arguments = parser.parse_args()
    import torch

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    torch._logging.set_logs(all=logging.CRITICAL)
    known = chosen(arguments.only)
    each = max(1, arguments.count // max(len(known), 1))
    sites: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    judged: Counter[str] = Counter()
    reasons: dict[str, Counter[str]] = {}
    began = time.process_time()
    for name, transform in known.items():
        for twin in twins(transform, each, arguments.start):
            sites[name] += 1
            difference = check(twin)
            if difference is not None:
                wrong[name] += 1
                lines = difference.splitlines()
                print(f"--- {name}, program {twin.index}: {lines[0]}", file=sys.stderr)
                if sum(wrong.values()) <= arguments.show:
                    print("\n".join(lines[1:]), file=sys.stderr)
            elif sites[name] <= arguments.trace and not transform.breaks:
                reason = traced(twin)
                if reason is not None:
                    judged[name] += 1
                    whole[name] += reason == ""
                    if reason:
                        reasons.setdefault(name, Counter())[reason] += 1
                        print(f"{name}: {reason}".replace("\n", " "), file=sys.stderr, flush=True)
        if not sites[name]:
            print(f"--- {name}: no site", file=sys.stderr)
    for name, counts in reasons.items():
        print(f"{name}: {whole[name]} of {judged[name]} traced; {counts.most_common(1)}", file=sys.stderr)
    unbroken = sum(whole.values()) / max(1, sum(judged.values()))
    figures = {
        "transforms": len(known),
        "sites": sum(sites.values()),
        "fewest_sites": min(sites.values(), default=0),
        "without_a_site": sorted(set(known) - set(sites)),
        "differ": sum(wrong.values()),
        "traced_whole": round(unbroken, 4) if judged else None,
        "traced_transforms": len(judged),
        "breaks_declared": sorted(name for name, each in known.items() if each.breaks),
        "cpu_seconds": round(time.process_time() - began, 1),
    }
    print(json.dumps(figures, indent=1))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
