"""Measures generation: validity in eager mode, CPU per program, shares of operators, pairs, attribute values, motifs.

python -m benchmarks.generation --programs 10000 --nodes 10 [--no-eager]
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
import time
import traceback
from collections import Counter, defaultdict

from assay.emit.torch import render
from assay.generate.coverage import Features, compatible, count_operations, exercised
from assay.generate.graph import draw_program, make_program
from assay.generate.motifs.catalogue import load as load_motifs
from assay.generate.settings import Settings
from assay.ir.program import Program
from assay.ir.verify import verify
from assay.ops.catalogue import load

# Draws of an attribute below which a share of its values means nothing, and the programs spent to reach them.
FEWEST_DRAWS = 100
MOST_PROGRAMS = 2_000


class Eager:
    """The process that runs programs eagerly, started again when one kills it."""

    def __init__(self) -> None:
        self.process = self._start()

    def _start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "benchmarks.eager_runner"]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, text: str, *, normal: bool = False) -> str | None:
        """The error of a program, or None; with its own inputs, or with standard ``normal`` ones."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"text": text, "finite": True, "normal": normal}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            status = self.process.wait()
            self.process = self._start()
            return f"eager mode died with status {status}"
        return json.loads(line)["error"]


class Statistics:
    """Counts over programs."""

    def __init__(self) -> None:
        self.features = Features()
        self.values: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self.depths: list[int] = []

    def add(self, program: Program, drawn: bool = True) -> None:
        """Count one program; ``drawn``: no motif has given attributes in it, so that shares of their values mean
        something."""
        each = list(exercised(program))
        count_operations(self.features, each)
        self.depths.append(max((one.depth for one in each), default=0))
        for one in each if drawn else ():
            for value in one.drawn:
                if len({repr(other) for values in value.legal.values() for other in values}) >= 5:
                    self.values[one.operator.name, value.attribute][repr(value.value)] += 1

    @property
    def operators(self) -> Counter[str]:
        """Operations by operator."""
        return Counter({key[0]: count for key, count in self.features.seen["operators"].items()})

    def missing_class_pairs(self) -> list[str]:
        """Pairs of attribute value classes that specifications declare and that never occurred."""
        declared, seen = set(self.features.chances["classes"]), set(self.features.seen["classes"])
        return [" ".join(key) for key in sorted(declared - seen)]


def top_up(values: dict[tuple[str, str], Counter[str]], settings: Settings) -> None:
    """Draw attributes that the programs drew too rarely for a share to mean anything, in programs of their operator.

    Of five values drawn evenly thirty times, the commonest passes 40 % by chance for one attribute in 64.
    """
    for name in sorted({name for (name, _), counts in values.items() if counts.total() < FEWEST_DRAWS}):
        alone = Statistics()
        for index in range(MOST_PROGRAMS):
            settings = dataclasses.replace(settings, operators=(name,))
            alone.add(make_program(settings, index, {"motifs": 0.0})[0])
            mine = [counts.total() for (owner, _), counts in alone.values.items() if owner == name]
            if mine and min(mine) >= FEWEST_DRAWS:
                break
        for key, counts in alone.values.items():
            if values[key].total() < FEWEST_DRAWS:
                values[key] += counts


def main() -> int:
    """Run the measurement and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=10_000)
    parser.add_argument("--nodes", type=int, help="default: what a campaign draws on a cheap target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-eager", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    names = tuple(load())
    settings = Settings(arguments.seed, names, arguments.nodes, ("eager",))
    eager = None if arguments.no_eager else Eager()
    statistics = Statistics()
    invalid: Counter[str] = Counter()
    motifs = Counter(dict.fromkeys(load_motifs(), 0))
    changes: Counter[str] = Counter()
    cpu = 0.0
    for index in range(arguments.programs):
        start = time.process_time()
        try:
            drawn = draw_program(settings, index)
            program = drawn.program
            text = render(program)
        except Exception as error:  # a defect of a specification: counted as what it costs a campaign
            frame = traceback.extract_tb(error.__traceback__)[-1]
            invalid[f"generator: {error!r} at {frame.name}:{frame.lineno}"] += 1
            continue
        cpu += time.process_time() - start
        verify(program)
        statistics.add(program, drawn=not drawn.policy.motifs)
        motifs.update(name for name, _ in drawn.motifs)
        changes.update(change.partition(" ")[0] or "none" for _, change in drawn.motifs)
        if eager is not None:
            error = eager.run(text)
            if error is not None:
                invalid[error[:150]] += 1
                if invalid[error[:150]] <= 2:
                    print(f"--- program {index}: {error}\n{text}", file=sys.stderr)
    seen = statistics.features.seen
    possible = compatible(statistics.features.produced)
    uniform = sum(statistics.operators.values()) / len(names)
    top_up(statistics.values, settings)
    shares = {name: statistics.operators[name] / uniform for name in names}
    commonest = {
        key: counts.most_common(1)[0][1] / counts.total()
        for key, counts in statistics.values.items()
        if counts.total() >= FEWEST_DRAWS
    }
    worst = sorted(commonest.items(), key=lambda item: -item[1])[:5]
    missing = statistics.missing_class_pairs()
    figures = {
        "programs": arguments.programs,
        "operations_mean": statistics.operators.total() / arguments.programs,
        "depth_mean": sum(statistics.depths) / len(statistics.depths),
        "invalid": sum(invalid.values()) if eager is not None else None,
        "cpu_ms_mean": cpu / arguments.programs * 1000,
        "least_share": min(shares.items(), key=lambda item: item[1]),
        "shares_below_quarter": sorted(name for name, share in shares.items() if share < 0.25),
        "pairs_share": len(set(seen["pairs"]) & possible) / max(len(possible), 1),
        "commonest_value": worst,
        "missing_class_pairs": len(missing),
        "motifs": sum(motifs.values()),
        "motif_changes": dict(changes.most_common()),
        "rarest_motifs": motifs.most_common()[:-11:-1],
    }
    print(json.dumps(figures, indent=1, default=str))
    if not arguments.json:
        print("\n".join(f"{count:6d}  {error}" for error, count in invalid.most_common(20)))
        print("\n".join(missing[:40]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
