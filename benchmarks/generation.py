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
from itertools import combinations
from types import SimpleNamespace

from assay.emit.torch import render
from assay.generate.graph import draw_program, make_program
from assay.generate.motifs.catalogue import load as load_motifs
from assay.generate.settings import Settings
from assay.ir.program import Operation, Program, Region, operand_names, walk
from assay.ir.types import TensorType
from assay.ir.verify import verify
from assay.ops.catalogue import load
from assay.ops.facts import Unsatisfied
from assay.ops.protocol import bind

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

    def run(self, text: str) -> str | None:
        """The error of a program, or None."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"text": text, "finite": True}) + "\n")
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
        self.operators: Counter[str] = Counter()
        self.pairs: set[tuple[str, str]] = set()
        self.values: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self.class_pairs: dict[str, set[tuple[tuple[str, str], tuple[str, str]]]] = defaultdict(set)
        self.declared: dict[str, set[tuple[tuple[str, str], tuple[str, str]]]] = defaultdict(set)
        self.depths: list[int] = []
        self.outputs: list[int] = []

    def add(self, program: Program, drawn: bool = True) -> None:
        """Count one program; ``drawn``: no motif has given attributes in it, so that shares of their values mean
        something."""
        operators = load()
        producer: dict[str, str] = {}
        depth: dict[str, int] = {}
        types = {entry.name: entry.value.type for entry in program.inputs}
        for statement in walk(program.body):
            for value in statement.results:
                types[value.name] = value.type
            if isinstance(statement, Region):
                for block in statement.blocks:
                    for parameter in block.parameters:
                        types[parameter.name] = parameter.type
        for statement in walk(program.body):
            if not isinstance(statement, Operation):
                continue
            self.operators[statement.operator] += 1
            names = [name for operand in statement.operands for name in operand_names(operand)]
            level = 1 + max((depth.get(name, 0) for name in names), default=0)
            for name in names:
                if name in producer:
                    self.pairs.add((producer[name], statement.operator))
            for value in statement.results:
                producer[value.name] = statement.operator
                depth[value.name] = level
            self._attributes(operators[statement.operator], statement, types, drawn)
        self.depths.append(max(depth.values(), default=0))

    def _attributes(self, operator, statement, types, drawn) -> None:
        operands = [_type(operand, types) for operand in statement.operands]
        binding = bind(operator, operands, dict(statement.attributes))
        if operator.operands[0].many is not None:
            binding.first = operands[0][0]
        found = []
        for attribute in operator.attributes:
            try:
                classes = {name: list(values) for name, values in attribute.classes(binding).items() if len(values)}
            except (Unsatisfied, AttributeError):
                continue
            value = dict(statement.attributes)[attribute.name]
            key = (operator.name, attribute.name)
            legal = {repr(v) for values in classes.values() for v in values}
            if len(legal) >= 5 and drawn:
                self.values[key][repr(value)] += 1
            names = [name for name, values in classes.items() if any(repr(v) == repr(value) for v in values)]
            found.append((attribute.name, names, list(classes)))
        for (a, names_a, _), (b, names_b, legal_b) in combinations(found, 2):
            for name_a in names_a:
                # What the specification declares beside this value of the first attribute, and what was drawn.
                self.declared[operator.name] |= {((a, name_a), (b, name_b)) for name_b in legal_b}
                self.class_pairs[operator.name] |= {((a, name_a), (b, name_b)) for name_b in names_b}

    def missing_class_pairs(self) -> list[str]:
        """Pairs of attribute value classes that specifications declare and that never occurred."""
        return [
            f"{name} {a}:{class_a} {b}:{class_b}"
            for name in sorted(self.declared)
            for (a, class_a), (b, class_b) in sorted(self.declared[name] - self.class_pairs[name])
        ]


def _type(operand, types):
    if isinstance(operand, str):
        return types[operand]
    if isinstance(operand, tuple):
        return tuple(_type(item, types) for item in operand)
    return None if operand is None else SimpleNamespace(kind="number")


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
    produced: dict[str, set[tuple[str, int]]] = defaultdict(set)
    invalid: Counter[str] = Counter()
    motifs = Counter(dict.fromkeys(load_motifs(), 0))
    changes: Counter[str] = Counter()
    cpu = 0.0
    operations = 0
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
        for statement in walk(program.body):
            if isinstance(statement, Operation):
                operations += 1
                for value in statement.results:
                    if isinstance(value.type, TensorType):
                        produced[statement.operator].add((value.type.dtype, value.type.rank))
        if eager is not None:
            error = eager.run(text)
            if error is not None:
                invalid[error[:150]] += 1
                if sum(invalid.values()) <= 5:
                    print(f"--- program {index}: {error}\n{text}", file=sys.stderr)
    consumers = {
        name: {(dtype, rank) for operand in operator.operands for dtype in operand.dtypes for rank in operand.ranks}
        for name, operator in load().items()
    }
    compatible = {(p, c) for p, made in produced.items() for c, taken in consumers.items() if made & taken}
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
        "operations_mean": operations / arguments.programs,
        "depth_mean": sum(statistics.depths) / len(statistics.depths),
        "invalid": sum(invalid.values()) if eager is not None else None,
        "cpu_ms_mean": cpu / arguments.programs * 1000,
        "least_share": min(shares.items(), key=lambda item: item[1]),
        "shares_below_quarter": sorted(name for name, share in shares.items() if share < 0.25),
        "pairs_share": len(statistics.pairs & compatible) / max(len(compatible), 1),
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
