"""Measures the search for inputs: of programs in which standard normal inputs give a non-finite intermediate, how many
are found inputs with which all stay finite, at what cost, and how different these are.

python -m benchmarks.inputs --programs 1000 [--nodes 10 20] [--seed 1]

What the search claims is checked by another process, which runs the program eagerly with what was found written into
its text and looks at every intermediate. Programs are not filtered: of all that were generated, the operators are
counted, and beside them those of the programs that run with found inputs. Where nothing is found a program runs all
the same, as one that computes with special values; should it convert those to integers, the program at its index that
keeps its domains by clamps runs instead. So the histogram that a campaign runs is compared with the one that was drawn.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from assay.emit.torch import render
from assay.execution import Worker
from assay.generate.graph import as_special, make_program
from assay.generate.settings import Settings
from assay.ir.program import FOUND, KEPT, Program, operations
from assay.ir.sizes import value_in
from assay.ir.types import TensorType, is_float
from assay.ops.catalogue import load
from benchmarks.generation import Eager


@dataclass
class Row:
    """What was measured at one number of operations. ``inputs`` are the elements of floating inputs that were found,
    ``sets`` those of whole programs; the counters are of operations by operator."""

    programs: int = 0
    non_finite: int = 0
    found: int = 0
    false_claims: list[str] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    fragile: list[int] = field(default_factory=lambda: [0, 0])
    inputs: list[tuple[Any, ...]] = field(default_factory=list)
    sets: list[tuple[Any, ...]] = field(default_factory=list)
    missed: Counter[str] = field(default_factory=Counter)
    drawn: Counter[str] = field(default_factory=Counter)
    run: Counter[str] = field(default_factory=Counter)
    searched: Counter[str] = field(default_factory=Counter)
    successful: Counter[str] = field(default_factory=Counter)

    def figures(self) -> dict[str, Any]:
        """The row as it is printed."""
        cpu = sorted(self.cpu) or [0.0]
        several = [each for each in self.inputs if len(each[1]) > 1]
        return {
            "programs": self.programs,
            "non_finite_with_normal_inputs": self.non_finite,
            "found_share": round(self.found / max(self.non_finite, 1), 4),
            "false_claims": len(self.false_claims),
            "distinct_input_sets": _distinct(self.sets),
            "distinct_inputs": _distinct(several),
            "varied_inputs": round(sum(len(set(each[1])) > 1 for each in several) / max(len(several), 1), 4),
            "cpu_ms_median": round(statistics.median(cpu) * 1000, 2),
            "cpu_ms_mean": round(statistics.fmean(cpu) * 1000, 2),
            "cpu_ms_p90": round(cpu[int(len(cpu) * 0.9)] * 1000, 2),
            "steps_median": statistics.median(self.steps or [0]),
            "fragile_elements": self.fragile,
            "operators_drawn_to_run_distance": _apart(self.drawn, self.run),
            "operators_searched_to_found_distance": _apart(self.searched, self.successful),
            "missed": self.missed.most_common(8),
        }


def _distinct(items: Sequence[tuple[Any, ...]]) -> float:
    return round(len(set(items)) / max(len(items), 1), 4)


def _apart(one: Counter[str], other: Counter[str]) -> float:
    """Half of the sum of the differences of shares: which part of the operations would have to be others."""
    totals = max(one.total(), 1), max(other.total(), 1)
    return round(sum(abs(one[name] / totals[0] - other[name] / totals[1]) for name in one | other) / 2, 4)


def contents(program: Program) -> list[tuple[Any, ...]]:
    """The shape and elements of every floating input in the first call."""
    found: list[tuple[Any, ...]] = []
    call = program.calls[0]
    for entry in program.inputs:
        argument = call.argument(entry.name)
        if isinstance(entry.value.type, TensorType) and is_float(entry.value.type.dtype) and argument.data is not None:
            shape = tuple(value_in(size, call.instantiation) for size in entry.value.type.shape)
            count = 1
            for size in shape:
                count *= size
            data = argument.data
            found.append((shape, tuple(data.element(index) for index in range(count))))
    return found


def measure(worker: Worker, eager: Eager, settings: Settings, programs: int) -> Row:
    """Search inputs of every program in which standard normal ones give what is not finite."""
    row = Row()
    for index in range(programs):
        program, _ = make_program(settings, index, {"values": FOUND})
        mine = Counter(operation.operator for operation in operations(program))
        row.programs += 1
        row.drawn += mine
        if eager.run(render(program), normal=True) is None:
            row.run += mine
            continue
        row.non_finite += 1
        row.searched += mine
        found = worker.find_inputs(program, f"{settings.seed}/{index}")
        row.cpu.append(found.cpu_seconds)
        row.steps.append(found.steps)
        if found.program is None:
            row.missed.update(set(found.wrong))
            special = as_special(program)
            other = special or make_program(settings, index, {"values": KEPT})[0]
            row.run.update(operation.operator for operation in operations(other))
            continue
        row.found += 1
        row.run += mine
        row.successful += mine
        row.fragile = [sum(pair) for pair in zip(row.fragile, found.fragile, strict=True)]
        error = eager.run(render(found.program))
        if error is not None:
            row.false_claims.append(f"program {index}: {error}")
        each = contents(found.program)
        row.inputs += each
        row.sets.append(tuple(each))
    return row


def main() -> int:
    """Run the measurement and print it; exit code 1 where something was claimed falsely."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--nodes", type=int, nargs="+", default=[10, 20])
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    eager, wrong = Eager(), False
    with Worker(targets=["eager"]) as worker:
        for nodes in arguments.nodes:
            settings = Settings(arguments.seed, tuple(load()), nodes, ("eager",))
            row = measure(worker, eager, settings, arguments.programs)
            print(json.dumps({"operations": nodes, **row.figures()}, indent=1), flush=True)
            for claim in row.false_claims:
                print(claim, file=sys.stderr)
                wrong = True
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
