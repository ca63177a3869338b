"""Measures transforms: a rewritten program against its original in eager mode, and what of it Dynamo traces.

python -m benchmarks.twins --count 50000 [--only 'control.*'] [--trace 10]
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import sys
import time
import types
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from assay.emit.torch import render
from assay.generate.graph import make_program
from assay.generate.settings import Settings
from assay.ir.program import Program, output_names
from assay.ir.verify import verify
from assay.ops.catalogue import load
from assay.ops.interpret import interpret
from assay.transforms.apply import apply
from assay.transforms.registry import Transform, transforms

SEED = 5
ATTEMPTS = 60
"""Programs that are tried for a site of one transform, a row of them."""


@dataclass(frozen=True, slots=True)
class Twin:
    """A program, the same with one rewrite, and the number of outputs that the rewrite adds."""

    transform: Transform
    index: int
    original: Program
    rewritten: Program


@lru_cache(maxsize=5000)
def original(seed: int, index: int) -> Program:
    """A program as generation makes them, without transforms."""
    return make_program(Settings(seed, tuple(load()), None, ("torch:eager",)), index, {"transforms": 0})[0]


def twins(transform: Transform, count: int, start: int = 0, seed: int = SEED) -> Iterator[Twin]:
    """Sites of a transform, each in another program as generation makes them."""
    index, missed = start, 0
    while count and missed < ATTEMPTS:
        program = original(seed, index)
        made = apply(program, transform.name, random.Random(f"{seed}/{index}/{transform.name}"))
        index += 1
        if made is None:
            missed += 1
            continue
        missed = 0
        count -= 1
        yield Twin(transform, index - 1, program, made)


def check(twin: Twin) -> str | None:
    """What differs between the two in eager mode; None where nothing does."""
    verify(twin.rewritten)
    interpreted, environment = interpret(twin.rewritten, load())
    text = render(interpreted)
    try:
        first = executed(render(twin.original))
    except Exception:  # a program that eager mode refuses is another measurement's
        return None
    try:
        second = executed(text)
    except Exception as error:  # whatever a rewritten program raises is the measurement
        return f"{type(error).__name__}: {str(error)[:300]}\n{text}"
    exact = [environment.values[name].exact for name in output_names(twin.rewritten.outputs)]
    rounded = twin.transform.needs.quiet
    difference = _difference(first, second, rounded, exact)
    return None if difference is None else f"{difference}\n{text}"


def executed(text: str, prepare: Any = lambda function: function) -> list[dict[str, list[Any]]]:
    """The outputs, arguments and state after each call of a program's text, as leaves. Raises whatever it raises."""
    import torch
    from torch.utils._pytree import tree_leaves

    # A module that can be found by its name, as dataclasses ask.
    sys.modules["case"] = made = types.ModuleType("case")
    module: dict[str, Any] = made.__dict__
    exec(compile(text, "case.py", "exec"), module)
    first = (module["state"](),) if "state" in module else ()
    function = prepare(module["program"])
    calls = []
    for call in range(module["CALLS"]):
        arguments = module["inputs"](call)
        torch.manual_seed(0)
        with torch.set_grad_enabled(module["TRAINING"]):
            outputs = function(*first, *arguments)
        if module["TRAINING"]:
            roots = [t for t in tree_leaves(outputs) if isinstance(t, torch.Tensor) and t.requires_grad]
            if roots:
                torch.autograd.backward(roots, [torch.ones_like(t) for t in roots])
        state = [t.detach().clone() for t in first[0].state_dict().values()] if first else []
        leaves = [_copied(leaf) for leaf in tree_leaves(outputs)]
        kept = [_copied(leaf) for leaf in tree_leaves(list(arguments))]
        calls.append({"outputs": leaves, "arguments": kept, "state": state})
    return calls


def _copied(leaf: Any) -> Any:
    import torch

    return leaf.detach().clone() if isinstance(leaf, torch.Tensor) else leaf


def _difference(
    first: list[dict[str, list[Any]]], second: list[dict[str, list[Any]]], rounded: bool, exact: list[bool]
) -> str | None:
    for call, (one, two) in enumerate(zip(first, second, strict=True)):
        for place, leaves in one.items():
            others = two[place]
            if len(others) < len(leaves):
                return f"call {call}, {place}: {len(others)} in place of {len(leaves)}"
            for number, (a, b) in enumerate(zip(leaves, others, strict=False)):
                loose = rounded and not (place == "outputs" and len(exact) == len(others) and exact[number])
                if not _same(a, b, loose):
                    return f"call {call}, {place} {number}: {a!r} and {b!r}"
    return None


def _same(a: Any, b: Any, loose: bool) -> bool:
    import torch

    if not isinstance(a, torch.Tensor) or not isinstance(b, torch.Tensor):
        return type(a) is type(b) and a == b
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if loose:
        # Another layout adds in another order; what was decided on rounded values is not to be compared at all.
        return True
    first, second = (torch.empty(each.shape, dtype=each.dtype).copy_(each).reshape(-1) for each in (a, b))
    return torch.equal(first.view(torch.uint8), second.view(torch.uint8))


def traced(twin: Twin) -> str | None:
    """Why Dynamo does not trace the rewritten program whole, or None: judged only where it traces the original."""
    import torch

    for program in (twin.original, twin.rewritten):
        torch._dynamo.reset()
        torch._dynamo.utils.counters.clear()
        try:
            executed(render(program), lambda function: torch.compile(function, backend="eager"))
        except Exception as error:  # a bug of the compiler, or what fullgraph forbids
            return None if program is twin.original else f"{type(error).__name__}: {str(error)[:150]}"
        breaks = torch._dynamo.utils.counters["graph_break"]
        if breaks:
            return None if program is twin.original else str(next(iter(breaks))).strip()[:200]
    return ""


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
            elif sites[name] <= arguments.trace:
                reason = traced(twin)
                if reason is not None:
                    judged[name] += 1
                    whole[name] += reason == ""
                    if reason:
                        reasons.setdefault(name, Counter())[reason] += 1
        if not sites[name]:
            print(f"--- {name}: no site", file=sys.stderr)
    for name, counts in reasons.items():
        if not known[name].breaks:
            print(f"{name}: {whole[name]}/{judged[name]} {counts.most_common(1)}", file=sys.stderr)
    meant = [name for name in judged if not known[name].breaks]
    unbroken = sum(whole[name] for name in meant) / max(1, sum(judged[name] for name in meant))
    figures = {
        "transforms": len(known),
        "sites": sum(sites.values()),
        "fewest_sites": min(sites.values(), default=0),
        "without_a_site": sorted(set(known) - set(sites)),
        "differ": sum(wrong.values()),
        "traced_whole": round(unbroken, 4) if judged else None,
        "traced_transforms": len(meant),
        "breaks_declared": sorted(name for name, each in known.items() if each.breaks),
        "cpu_seconds": round(time.process_time() - began, 1),
    }
    print(json.dumps(figures, indent=1))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
