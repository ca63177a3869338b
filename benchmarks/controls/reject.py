"""Generated cases on backends with one fault each: what share of those that change a result is reported."""

from __future__ import annotations

import json
import queue
import random
import tempfile
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from assay.backends import rungs_below
from assay.campaign import assemble
from assay.campaign.bench import Bench
from assay.campaign.examine import settle
from assay.emit.cases import build_case
from assay.execution import Worker
from assay.generate.graph import SOURCE, make_program
from assay.generate.settings import Settings
from assay.ir.case import Case
from assay.ops.catalogue import load
from assay.oracles.outcome import Outcome, TensorRecord, ValueRecord
from assay.oracles.pairs import nodes
from assay.oracles.verdict import FINDINGS, Verdict
from benchmarks.controls.accept import ROOT, TARGET
from benchmarks.controls.names import FAULTS, RECORD, SUITABLE

OPERATIONS = 10
# Of the operators that have nothing to do with the fault, so many are drawn from.
OTHERS = 30
YES = "yes"


@dataclass(frozen=True)
class Row:
    """What became of one case.

    ``planted`` says how far the fault came: "no place", "no effect" at its node, "hidden" from all results, or "yes".
    ``changed`` is the largest change at a result in roundoffs of its largest element.
    """

    index: int
    fault: str
    case: str
    operator: str | None
    planted: str
    verdict: str
    kind: str | None
    detail: str
    changed: float | None = None


def target_of(fault: str) -> str:
    """The target that a fault is."""
    return f"torch:benchmarks.controls.faulty.{fault}"


def make_case(seed: int, index: int, dtype: str, fault: str) -> Case:
    """The case at an index: floats of one dtype, ten operations, many of which the fault fits."""
    rng = random.Random(f"{seed}/{index}/{fault}")
    known = tuple(load())
    suitable = [name for name in SUITABLE[fault] if name in known]
    operators = tuple(dict.fromkeys((*suitable, *rng.sample(known, OTHERS))))
    settings = Settings(seed, operators, OPERATIONS, (TARGET,))
    forced: dict[str, Any] = {"dtypes": (dtype, "int64", "bool"), "large": False, "operators": operators}
    program, policy = make_program(settings, index, forced)
    recipe = {"seed": seed, "index": index, "fault": fault, "policy": policy.to_json()}
    return build_case(program, source=SOURCE, target=target_of(fault), options={}, recipe=recipe)


def start_bench(record: Path, faults: Sequence[str] = FAULTS) -> Bench:
    """Workers of one thread, which note in ``record`` what the faults did."""
    targets = (TARGET, *map(target_of, faults))
    variables = {"PYTHONPATH": str(ROOT), RECORD: str(record)}

    def start(served: Sequence[str]) -> Worker:
        worker = Worker(targets=served, environment=variables)
        worker.start()
        return worker

    return Bench(targets, start, assemble.group_of, seconds=60.0, memory_mb=4096, below=rungs_below)


def examine(case: Case, index: int, fault: str, bench: Bench, record: Path) -> Row:
    """Run a case on the faulty backend, judge it, and see by the unfaulted backend whether the fault came out."""
    record.unlink(missing_ok=True)
    found = settle(case, bench.run, assemble.judge, assemble.witnesses)
    lines = [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []
    operator = next((line["operator"] for line in lines if line["operator"]), None)
    planted, changed = "no place" if operator is None else "no effect", None
    if any(line.get("effective") for line in lines):
        sound = bench.run(replace(case, target=TARGET, _id=""))
        planted = YES if digests(sound) != digests(found.outcome) else "hidden"
    judgement = found.judgement
    if planted == YES and judgement.verdict not in FINDINGS:
        changed = change(
            bench.run(replace(case, target=TARGET, _id=""), evidence=("values",)), bench.run(case, evidence=("values",))
        )
        # Another sign of a zero is no other number.
        planted = "hidden" if changed == 0.0 else planted
    return Row(
        index,
        fault,
        case.id,
        operator,
        planted,
        judgement.verdict.value,
        judgement.kind and judgement.kind.value,
        judgement.detail[:200],
        changed,
    )


def digests(outcome: Outcome) -> list[tuple[Any, ...]]:
    """All that a run on a target left in numbers: outputs, arguments, state and gradients."""
    return [(place, getattr(tree, "digest", getattr(tree, "repr", ""))) for place, tree in _leaves(outcome)]


def _leaves(outcome: Outcome) -> list[tuple[str, TensorRecord | ValueRecord]]:
    calls = outcome.target.calls if outcome.target is not None else ()
    return [
        (f"{number} {node.path}", node.tree)
        for number, call in enumerate(calls)
        for node in nodes(call, {})
        if isinstance(node.tree, TensorRecord | ValueRecord)
    ]


def change(sound: Outcome, faulty: Outcome) -> float | None:
    """By how much the fault changed the worst result, in roundoffs of the result's largest element; None where no
    floating-point result can be told apart, infinite where a number became none."""
    import numpy as np

    from assay.oracles.numerics.decode import decode, plain_name

    roundoff = {"float16": 2.0**-11, "bfloat16": 2.0**-8, "float32": 2.0**-24, "float64": 2.0**-53}
    before, worst = dict(_leaves(sound)), None
    for place, tree in _leaves(faulty):
        other = before.get(place)
        if not isinstance(tree, TensorRecord) or not isinstance(other, TensorRecord):
            continue
        name = plain_name(tree.dtype)
        if name not in roundoff or tree.data is None or other.data is None or tree.digest == other.digest:
            continue
        one, two = (decode(name, each.shape, each.data) for each in (other, tree))
        if one is None or two is None or one.shape != two.shape or not one.size:
            continue
        one, two = one.astype(np.float64), two.astype(np.float64)
        with np.errstate(all="ignore"):
            apart = float(np.max(np.abs(one - two)) / (roundoff[name] * max(float(np.max(np.abs(one))), 1e-30)))
        worst = max(worst or 0.0, apart if np.isfinite(apart) else float("inf"))
    return None if worst is None else round(worst, 1)


def run(cases: int, dtype: str, jobs: int, seed: int, faults: Sequence[str] = FAULTS) -> list[Row]:
    """Examine cases, the faults in turn, and return what became of each, in order."""
    todo: queue.SimpleQueue[int] = queue.SimpleQueue()
    for index in range(cases):
        todo.put(index)
    rows: list[Row] = []
    failures: list[BaseException] = []

    def work(folder: Path, number: int) -> None:
        record = folder / f"record-{number}"
        bench = start_bench(record, faults)
        try:
            while not failures:
                index = todo.get_nowait()
                fault = faults[index % len(faults)]
                rows.append(examine(make_case(seed, index, dtype, fault), index, fault, bench, record))
        except queue.Empty:
            pass
        except BaseException as error:
            failures.append(error)
        finally:
            bench.close()

    with tempfile.TemporaryDirectory() as name:
        threads = [threading.Thread(target=work, args=(Path(name), number)) for number in range(jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if failures:
        raise failures[0]
    return sorted(rows, key=lambda row: row.index)


def figures(rows: Sequence[Row]) -> dict[str, Any]:
    """Counts per fault and over all, and the cases to read: planted, and neither reported nor undecided."""
    return {
        "all": _counted(rows),
        **{
            fault: _counted([row for row in rows if row.fault == fault])
            for fault in dict.fromkeys(r.fault for r in rows)
        },
        "missed": [asdict(row) for row in rows if row.planted == YES and _outcome(row) == "missed"],
        "inconclusive": [asdict(row) for row in rows if row.planted == YES and _outcome(row) == "inconclusive"],
    }


def _counted(rows: Sequence[Row]) -> Mapping[str, Any]:
    counts = Counter(_outcome(row) for row in rows if row.planted == YES)
    planted = Counter(row.planted for row in rows)
    return {
        "cases": len(rows),
        "planted": planted[YES],
        "not_planted": {name: count for name, count in sorted(planted.items()) if name != YES},
        **{name: counts[name] for name in ("reported", "inconclusive", "missed", "other")},
        "share": round(counts["reported"] / planted[YES], 3) if planted[YES] else None,
    }


def _outcome(row: Row) -> str:
    match row.verdict:
        case verdict if verdict in FINDINGS:
            return "reported"
        case Verdict.Inconclusive.value:
            return "inconclusive"
        case Verdict.Pass.value:
            return "missed"
        case _:
            return "other"
