"""Draw faults by seed, keep those that a witness shows: half two of the search. `confirm` then decides under the hook.

    python -m benchmarks.mutants.search baseline --work DIR [--target T]
    python -m benchmarks.mutants.search draw --work DIR --seed S [--layer L] [--surplus 1.15]
    python -m benchmarks.mutants.search confirm --work DIR
    python -m benchmarks.mutants.search build --work DIR          writes catalogue.json

What a drawn fault can turn out to be: `witness` (kept), `equivalent` (no witness that executes its line differs),
`trivial` (it breaks a compiled relu or add, or every witness tried of a line that most witnesses execute), `declared`
(it only widens a gap that the compiler declares), `hang`, `died`, `unpatchable`.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import math
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.mutants import baseline, catalogue, confirm, forking, layers, mutation, patching
from benchmarks.mutants.baseline import append, read_lines
from benchmarks.mutants.witnesses import Witness, find, observe, opinfo, programs

TRIED = {"eager": 16, "aot_eager": 14, "aot_eager_decomp": 14, "inductor": 6}  # witnesses tried a fault
SECONDS = {"eager": 25.0, "aot_eager": 30.0, "aot_eager_decomp": 30.0, "inductor": 75.0}
PER_FUNCTION = 3
FILE_SHARE = 0.2  # of a layer's quota
SLOW = 2.5  # seconds under the tracer, from which a witness is tried only where few others execute the line
AFTER = {"inductor": 1}  # witnesses tried after one that differs; three for the other targets
PATIENCE = 15  # faults tried for each one wanted, before a layer is given up


@dataclasses.dataclass(frozen=True)
class Coverage:
    """Who executes which line: `lines[path][line]` -> names of the witnesses; `basic`: the lines of relu and add."""

    lines: dict[str, dict[int, list[str]]]
    basic: frozenset[tuple[str, int]]
    witnesses: int
    slow: frozenset[str]


def coverage_of(folder: Path, target: str) -> Coverage:
    lines: dict[str, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    basic = set()
    slow = set()
    witnesses = 0
    for entry in read_lines(folder / f"baseline-{target}.jsonl"):
        if entry["differences"] and not entry["name"].startswith("program/"):
            continue
        witnesses += not entry["differences"]
        if entry.get("seconds", 0.0) >= SLOW:
            slow.add(entry["name"])
        for path, numbers in entry["lines"].items():
            for number in numbers:
                if not entry["differences"]:
                    lines[path][number].append(entry["name"])
                if entry["name"] in baseline.BASIC:
                    basic.add((path, number))
    return Coverage(lines, frozenset(basic), witnesses, frozenset(slow))


class Drawer:
    """Faults of one layer in a seeded order, each on a line that some witness executes."""

    def __init__(self, layer: str, coverage: Coverage, seed: int) -> None:
        self.draw = random.Random(f"{seed} {layer}")
        self.coverage = coverage
        self.place = Path(baseline.root())
        self.paths = sorted(path for path in coverage.lines if layers.layer_of(path) == layer)
        self.weights = [math.sqrt(len(coverage.lines[path])) for path in self.paths]
        self.sources: dict[str, tuple[bytes, dict[int, list[mutation.Site]]]] = {}

    def source(self, path: str) -> tuple[bytes, dict[int, list[mutation.Site]]]:
        if path not in self.sources:
            data = (self.place / path).read_bytes()
            by_line: dict[int, list[mutation.Site]] = defaultdict(list)
            for site in mutation.sites(data):
                if site.statement[0] in self.coverage.lines[path]:
                    by_line[site.statement[0]].append(site)
            self.sources[path] = data, by_line
        return self.sources[path]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        seen = set()
        while True:
            (path,) = self.draw.choices(self.paths, self.weights)
            data, by_line = self.source(path)
            if not by_line:
                continue
            line = self.draw.choice(sorted(by_line))
            if (path, line) in self.coverage.basic and self.draw.random() < 0.5:
                continue  # what every program executes is mostly trivial
            site = self.draw.choice(by_line[line])
            module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            entry = {
                "module": module,
                "path": path,
                "sha256": hashlib.sha256(data).hexdigest(),
                **dataclasses.asdict(site),
            }
            entry = {"id": catalogue.identity(entry), **entry}
            if entry["id"] not in seen:
                seen.add(entry["id"])
                yield entry


def choose(names: list[str], count: int, draw: random.Random) -> list[str]:
    """Some witnesses of a line: programs and samples alternate, no operator twice while others remain."""
    written = [name for name in names if name.startswith("program/")]
    sampled = [name for name in names if not name.startswith("program/")]
    draw.shuffle(written)
    draw.shuffle(sampled)
    operators: set[str] = set()
    first, again = [], []
    for name in sampled:
        (again if name.split("/")[1] in operators else first).append(name)
        operators.add(name.split("/")[1])
    sampled = first + again
    mixed = [name for pair in zip(written, sampled, strict=False) for name in pair]
    rest = written[len(sampled) :] + sampled[len(written) :]
    return (mixed + rest)[:count]


def attempt(entry: dict[str, Any], names: list[str], target: str, basic: bool, functions: Any) -> dict[str, Any]:
    """In a child: patch, run relu and add if they execute the line, then witnesses, three more after one differs."""
    path = baseline.root() + entry["path"]
    try:
        patching.patch(functions, Path(path).read_bytes(), path, entry, catalogue.hook().splice)
    except patching.CannotPatch as error:
        return {"verdict": "unpatchable", "detail": str(error)}
    if basic:
        for name in baseline.BASIC:
            if observe.differences(find(name), target):
                return {"verdict": "trivial"}
    failed: list[tuple[str, list[str]]] = []
    ran, gap, after = 0, False, 0
    for name in names:
        aspects = observe.differences(find(name), target)
        ran += 1
        after += bool(failed)
        if observe.declared(aspects):
            gap = True
        elif aspects:
            failed.append((name, sorted(aspects)[:4]))
        if failed and after >= AFTER.get(target, 3):
            break
    if not failed:
        return {"verdict": "declared" if gap else "equivalent", "ran": ran}
    return {
        "verdict": "witness",
        "witness": failed[0][0],
        "differences": failed[0][1],
        "others": [name for name, _ in failed[1:]],
        "ran": ran,
        "failed": len(failed),
    }


def draw_layer(folder: Path, layer: str, seed: int, wanted: int, functions: Any) -> None:
    """Try faults of a layer until `wanted` have a witness; resumes from `tried-<layer>.jsonl`."""
    target = layers.TARGETS[layer]
    coverage = coverage_of(folder, target)
    file = folder / f"tried-{layer}.jsonl"
    tried = {entry["id"]: entry for entry in read_lines(file)}
    kept = catalogue.select(tried.values(), wanted)
    share = max(4, int(layers.QUOTAS[layer] * FILE_SHARE))
    if layer in ("decompositions", "scheduler", "codegen", "lowerings"):  # few files
        share = layers.QUOTAS[layer] // 2
    for entry in Drawer(layer, coverage, seed):
        if len(kept) >= wanted or len(tried) > PATIENCE * wanted:
            return
        per_file, per_function = Counter(e["path"] for e in kept), Counter((e["path"], e["function"]) for e in kept)
        if (
            entry["id"] in tried
            or per_file[entry["path"]] >= share
            or per_function[entry["path"], entry["function"]] >= PER_FUNCTION
        ):
            continue
        line = entry["statement"][0]
        names = coverage.lines[entry["path"]][line]
        quick = [name for name in names if name not in coverage.slow]
        generator = random.Random(entry["id"])
        names = choose(quick, TRIED[target], generator)
        if len(names) < 3:
            names += choose(sorted(coverage.slow.intersection(coverage.lines[entry["path"]][line])), 2, generator)
        basic = (entry["path"], line) in coverage.basic
        try:
            result = forking.in_child(lambda: attempt(entry, names, target, basic, functions), SECONDS[target])  # noqa: B023
        except (forking.Hang, forking.Died) as error:
            result = {"verdict": type(error).__name__.lower(), "detail": str(error)}
        covering = len(coverage.lines[entry["path"]][line])
        if result["verdict"] == "witness" and result["failed"] == result["ran"] and covering > coverage.witnesses / 2:
            result["verdict"] = "trivial"
        tried[entry["id"]] = {**entry, "layer": layer, "target": target, "covering": covering, **result}
        append(file, tried[entry["id"]])
        if result["verdict"] == "witness":
            kept = catalogue.select(tried.values(), wanted)
            say(f"{layer}: {len(kept)} of {wanted} after {len(tried)}")


def about_python(each: Witness) -> bool:
    """Whether a program is there for Dynamo, with little for the layers below."""
    return each.program.__module__.rsplit("_", 1)[1] in {"python", "language", "guards"}


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants.search", description=__doc__.splitlines()[0])
    parser.add_argument("stage", choices=["baseline", "draw", "confirm", "build"])
    parser.add_argument("--work", type=Path, required=True, help="folder of intermediate results")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--layer", choices=sorted(layers.QUOTAS))
    parser.add_argument("--target", choices=sorted(set(layers.TARGETS.values())))
    parser.add_argument(
        "--surplus", type=float, default=1.05, help="faults with a witness to draw, as a multiple of the quota"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="fraction of the quota, for a trial")
    options = parser.parse_args(argv)
    options.work.mkdir(parents=True, exist_ok=True)
    if options.stage == "confirm":
        confirm.confirm_all(options.work, options.surplus, say)
    elif options.stage == "build":
        catalogue.build(options.work, options.seed, say)
    else:
        baseline.warm(options.work)
        opinfo.operators()
        if options.stage == "baseline":
            for target in (
                [options.target] if options.target else ["eager", "aot_eager", "aot_eager_decomp", "inductor"]
            ):
                depth = {"eager": 0, "aot_eager": 1, "aot_eager_decomp": 3, "inductor": 1}[target]
                samples = list(opinfo.names(depth, target == "aot_eager_decomp")) if depth else []
                limit = {"aot_eager": 150, "inductor": 120}.get(target, len(samples))  # inductor's cost a run of g++
                samples = random.Random(0).sample(samples, min(len(samples), limit))
                written = [name for name, each in programs().items() if target != "inductor" or not about_python(each)]
                baseline.collect(options.work, target, [*written, *samples], say)
        else:
            functions = patching.functions_by_key(baseline.root() + "torch/")
            for layer in [options.layer] if options.layer else layers.QUOTAS:
                wanted = math.ceil(layers.QUOTAS[layer] * options.surplus * options.scale)
                draw_layer(options.work, layer, options.seed, wanted, functions)


if __name__ == "__main__":
    main()
