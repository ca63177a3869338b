"""Lines and branches of torch's compiler that generated programs reach, net of a compiled `relu`.

    python -m benchmarks.line_coverage --programs 50 --nodes 10
    python -m benchmarks.line_coverage --programs 200 --target torch:eager --package _dynamo --transforms 0
    python -m benchmarks.line_coverage --programs 200 --target torch:eager --package _dynamo --transforms 6

One process: coverage.py with branches is started before torch is imported, over the whole trees of torch/_inductor,
torch/_dynamo and torch/_functorch (a file that is never imported counts in the total), with the caches of compiles off.
Programs are those of a campaign on inductor: training or not, sizes symbolic or not, options as the backend draws them;
each runs as in a worker's child, eagerly and compiled, by `execution/worker/torch_runtime.py`. What workers put between
inductor and its compiler to save CPU is left out, so that only torch's own code is measured. Nor is there a warm-up: it
compiles thirty kinds of operations, which would count for the programs.

With --transforms the programs are those of the same indices, on the same options, without rewrites (0) or under one to
so many of them each, so that two runs tell what the rewrites add.

A program that kills the process ends the measurement; its number is the last that was told, and --skip leaves it out.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import coverage

from assay.backends import find_backend
from assay.emit.cases import build_case
from assay.execution.client import PROGRAM
from assay.generate.dialect import Dialect
from assay.generate.graph import make_case, make_program
from assay.generate.settings import Settings
from assay.ir.case import Case
from assay.ops.catalogue import load
from assay.transforms.apply import apply_all, dealt

PACKAGES = ("_dynamo", "_functorch", "_inductor")
TARGETS = ("inductor", "torch:eager")
STEP = 10
RELU = """\
import torch


def program(x):
    return torch.relu(x)


def inputs(call=0):
    return (torch.ones(4),)
"""
COLUMNS = ("lines", "branches")


class Runner:
    """Executes cases in this process, as a child of a worker does."""

    def __init__(self, folder: Path, target: str) -> None:
        self._target = target
        # Named as a worker names it: that is where backends find what is theirs in a worker.
        spec = importlib.util.spec_from_file_location(
            "assay_worker", PROGRAM / "__init__.py", submodule_search_locations=[str(PROGRAM)]
        )
        assert spec is not None
        assert spec.loader is not None
        sys.modules["assay_worker"] = package = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(package)
        os.environ["ASSAY_WORKER_FOLDER"] = str(folder)
        from assay_worker import main, stage, torch_runtime

        self._runtime: Any = torch_runtime
        self._board: Any = stage.StageBoard()
        self._runtime.start(str(folder / "worker"))
        path = find_backend(target).path
        backend = main.load_backend(Path(path).stem, path)
        self._runtime.modules = {target: backend}
        if backend.PREFIX is not None:
            # It looks up whom the name means; that of inductor would compile thirty kinds of operations.
            backend.prepare(target)
        self._runtime.in_child(str(folder / "child"))

    def run(self, text: str, options: dict[str, Any], training: bool, calls: int) -> dict[str, Any]:
        """The header of the outcome of one case."""
        request = {
            "id": "",
            "text": text,
            "target": self._target,
            "options": options,
            "training": training,
            "calls": calls,
        }
        header: dict[str, Any] = self._runtime.execute({**request, "code": "plain"}, self._board)[0]
        return header


class Measurement:
    """Coverage of the packages, kept at named points, and counted at the end."""

    def __init__(self, trees: dict[str, Path], folder: Path) -> None:
        self.trees = {name: tree.resolve() for name, tree in trees.items()}
        self._folder = folder
        self._points: dict[str, Path] = {}
        self._coverage = coverage.Coverage(
            data_file=str(folder / "data"),
            branch=True,
            source=[str(tree) for tree in self.trees.values()],
            config_file=False,
        )
        self._coverage.start()

    def keep(self, point: str) -> None:
        """Keep what was covered so far under a name."""
        self._coverage.save()
        self._points[point] = self._folder / f"point-{len(self._points)}"
        shutil.copyfile(self._folder / "data", self._points[point])

    def figures(self) -> dict[str, dict[str, dict[str, int]]]:
        """Per point and package, the lines and branches covered, and under "all" how many there are."""
        self._coverage.stop()
        self._coverage.save()
        told: dict[str, dict[str, dict[str, int]]] = {}
        known: dict[str, dict[str, int]] = {}
        before: dict[str, set[tuple[int, int]]] = {}
        for point, path in self._points.items():
            data = coverage.CoverageData(basename=str(path))
            data.read()
            arcs = {name: set(data.arcs(name) or ()) for name in data.measured_files()}
            # Only files of which more was covered are counted again: that takes a minute for all of them.
            changed = [name for name in arcs if name not in known or arcs[name] != before.get(name)]
            if changed:
                known |= self._counted(path, changed)
            before = arcs
            told[point] = self._summed(known, "covered_")
        told["all"] = self._summed(known, "num_")
        return told

    def _counted(self, data: Path, files: Sequence[str]) -> dict[str, dict[str, int]]:
        counted = coverage.Coverage(data_file=str(data), branch=True, config_file=False)
        counted.load()
        out = self._folder / "report.json"
        counted.json_report(morfs=list(files), outfile=str(out), ignore_errors=True)
        reported = json.loads(out.read_text())["files"]
        return {str(Path(name).resolve()): entry["summary"] for name, entry in reported.items()}

    def _summed(self, known: dict[str, dict[str, int]], prefix: str) -> dict[str, dict[str, int]]:
        lines = "num_statements" if prefix == "num_" else "covered_lines"
        told = {}
        for package, tree in self.trees.items():
            own = [counts for name, counts in known.items() if Path(name).is_relative_to(tree)]
            told[package] = {
                "lines": sum(counts[lines] for counts in own),
                "branches": sum(counts[f"{prefix}branches"] for counts in own),
            }
        return {**told, "total": {column: sum(counts[column] for counts in told.values()) for column in COLUMNS}}


def trees_of_torch(packages: Sequence[str]) -> dict[str, Path]:
    """The folders of the packages, without importing torch."""
    found = importlib.util.find_spec("torch")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("line_coverage: torch is not installed")
    if "torch" in sys.modules:
        raise SystemExit("line_coverage: torch was imported before the measurement began")
    return {name: Path(found.submodule_search_locations[0]) / name for name in packages}


def ended(header: dict[str, Any]) -> str:
    """How a case ended, in a word or two: on what side something was raised, or whether the compiler was engaged."""
    for side in ("reference", "target"):
        for call in header[side] or ():
            if call.get("exception"):
                return f"{side} raised {call['exception']['type']}"
    return "engaged" if header["engagement"].get("engaged") else "not engaged"


def measure(
    cases: Sequence[tuple[int, Case]],
    seconds: int,
    folder: Path,
    target: str = TARGETS[0],
    packages: Sequence[str] = PACKAGES,
) -> dict[str, Any]:
    """Run the cases under measurement."""
    measurement = Measurement(trees_of_torch(packages), folder)
    runner = Runner(folder, target)
    runner.run(RELU, {}, False, 1)
    measurement.keep("relu")
    ends: Counter[str] = Counter()

    def too_long(*_: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, too_long)
    for number, (index, case) in enumerate(cases, start=1):
        began = time.process_time()
        signal.alarm(seconds)
        try:
            end = ended(runner.run(case.text, dict(case.options), case.training, case.calls))
        except TimeoutError:
            end = "too long"
        finally:
            signal.alarm(0)
        ends[end] += 1
        print(f"{number}: index {index}, {end}, {time.process_time() - began:.1f} s", file=sys.stderr, flush=True)
        if number % STEP == 0 or number == len(cases):
            measurement.keep(str(number))
    return {"ends": dict(ends), "points": measurement.figures()}


def table(points: dict[str, dict[str, dict[str, int]]]) -> str:
    """Lines and branches at each point, per package and in all, and net of the compiled relu."""
    packages = tuple(points["all"])
    rows = [["programs", *packages, "net of relu"]]
    relu = points["relu"]["total"]
    for point, figures in points.items():
        cells = [f"{figures[package]['lines']:,} / {figures[package]['branches']:,}" for package in packages]
        net = [figures["total"][column] - relu[column] for column in COLUMNS]
        rows.append([point, *cells, f"{net[0]:+,} / {net[1]:+,}" if point.isdigit() else ""])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def rewritten(settings: Settings, index: int, most: int, plain: bool = False) -> Case:
    """The graph program at an index under one to ``most`` transforms, by its index; under none where that is 0.
    ``plain``: of programs that are graphs, without branches, loops, functions and containers of their own."""
    (target,) = settings.targets
    program, _ = make_program(settings, index, {"transforms": 0}, Dialect(graph_only=plain))
    rng = random.Random(f"{settings.seed}/{index}")
    if most:
        program = apply_all(program, dealt(settings.seed, index, index % most + 1, rng), rng)[0]
    options = find_backend(target).module.options(random.Random(index), program.training)
    return build_case(program, source="graph", target=target, options=options)


def main() -> int:
    """Measure and print the table, lines / branches."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=50)
    parser.add_argument("--nodes", type=int, default=10, help="operations a program")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=600, help="wall time of one program (600)")
    parser.add_argument("--skip", type=int, action="append", default=[], help="an index to leave out")
    parser.add_argument("--target", choices=TARGETS, default=TARGETS[0])
    parser.add_argument("--package", choices=PACKAGES, action="append", help="only these packages of torch")
    parser.add_argument("--transforms", type=int, help="the greatest number of transforms of a program")
    parser.add_argument("--plain", action="store_true", help="with --transforms: of graphs without Python")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    settings = Settings(arguments.seed, tuple(load()), arguments.nodes, (arguments.target,))
    indices = [index for index in range(arguments.programs + len(arguments.skip)) if index not in arguments.skip]
    most = arguments.transforms
    made = [
        (index, make_case(settings, index) if most is None else rewritten(settings, index, most, arguments.plain))
        for index in indices
    ]
    cases = made[: arguments.programs]
    began = time.process_time()
    with tempfile.TemporaryDirectory() as name:
        told = measure(cases, arguments.seconds, Path(name), arguments.target, arguments.package or PACKAGES)
    told["python"] = sys.version.split()[0]
    told["torch"] = sys.modules["torch"].__version__
    told["coverage"] = coverage.__version__
    told["cpu_seconds"] = round(time.process_time() - began, 1)
    if arguments.json:
        print(json.dumps(told, indent=1))
        return 0
    print(table(told["points"]))
    print(f"{told['ends']}; torch {told['torch']}, coverage {told['coverage']}, Python {told['python']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
