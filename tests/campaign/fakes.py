"""A system under test that is a table: what becomes of the case at an index follows from the index, at once and
without a framework.

Run as a program, it is a campaign on that system: ``python fakes.py FOLDER CASES``. It prints ``found ID`` for each
finding that it
acknowledges, ``filed ID BUCKET`` for each that went into a bucket, and ``done`` at the end.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from assay.campaign.bench import Bench
from assay.campaign.engine import Budget, Engine, Parts
from assay.campaign.findings import RunCase, Triage, Triaged
from assay.campaign.lock import locked
from assay.campaign.mistake import UserMistake
from assay.campaign.progress import Event, FiledFinding, FoundFinding
from assay.campaign.settings import CampaignSettings
from assay.campaign.store import Store, create, open_run
from assay.ir.case import Case
from assay.oracles.outcome import Code, Outcome
from assay.oracles.verdict import Judgement, Kind, Verdict

PASS = Judgement(Verdict.Pass)
WRONG = Judgement(Verdict.Mismatch, Kind.value, "call 0, output 0", "1 of 4 elements differs", "value|float32|output")
META = {"version": "0", "settings": CampaignSettings(seed=7, operators=("a.b",), targets=("fake",)).to_json()}


def verdict_at(index: int) -> Judgement:
    """What becomes of the case at an index."""
    if index % 11 == 3:
        return Judgement(Verdict.Mismatch, Kind.value, "output 0", "differs", f"value|{index % 5}")
    if index % 97 == 5:
        return Judgement(Verdict.Crash, Kind.crash, "call 0", "signal 11", "crash|SIGSEGV")
    if index % 13 == 7:
        return Judgement(Verdict.Inconclusive, None, "", "", "")
    if index % 29 == 1:
        return Judgement(Verdict.Unsupported, None, "", "", "")
    return PASS


def case_at(index: int, *, target: str = "fake", operators: tuple[str, ...] = ("unary.neg", "reduce.sum")) -> Case:
    """The case at an index."""
    return Case("graph", target, {}, f"# case {index}\n", False, 1, {"index": index}, {}, operators, len(operators))


class FakeWorker:
    """Takes ``seconds`` for each case."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.restarts = 0
        self.pid: int | None = None
        self.runs: list[tuple[int, tuple[str, ...], bool]] = []

    def run(
        self,
        case: Case,
        evidence: tuple[str, ...] = (),
        *,
        alone: bool = False,
        code: Code = "merged",
        seconds: float = 60.0,
        memory_mb: int = 4096,
    ) -> Outcome:
        self.runs.append((case.recipe["index"], tuple(evidence), alone))
        time.sleep(self.seconds)
        return Outcome(case.id, "completed", engagement={"engaged": case.recipe["index"] % 2 == 0}, cpu={"sut": 0.001})

    def cpu_seconds(self) -> float:
        return 0.0

    def close(self) -> None:
        pass


def judge_by(table: Callable[[int], Judgement]) -> Callable[[Case, Outcome, Mapping[str, Outcome]], Judgement]:
    """A judge that looks at the index alone."""
    return lambda case, outcome, evidence: table(case.recipe["index"])


def no_witness(case: Case, evidence: str) -> None:
    """No other case is evidence about one of the table."""


def reduced_to_one_operator(
    case: Case, judgement: Judgement, run_case: RunCase, *, out_of_time: Callable[[], bool]
) -> Triaged:
    """A triage that keeps the first operator."""
    run_case(case)
    kept = Case(
        case.source,
        case.target,
        {},
        f"# reduced, {judgement.signature}\n",
        False,
        1,
        case.recipe,
        {},
        case.operators[:1],
        1,
    )
    script = f"print('BUG: {judgement.signature}')\n"
    return Triaged(kept, judgement, judgement.signature, kept.operators, (), script, "fake", steps=1)


def fake_parts(
    table: Callable[[int], Judgement] = verdict_at,
    *,
    seconds: float = 0.0,
    triage: Triage | None = reduced_to_one_operator,
    make: Callable[[int], Case] = case_at,
    workers: list[FakeWorker] | None = None,
) -> Parts:
    """The parts of a campaign on the fake system; the workers that it starts are appended to ``workers``."""
    turn = threading.Lock()

    def start(targets: Sequence[str]) -> FakeWorker:
        worker = FakeWorker(seconds)
        with turn:
            if workers is not None:
                workers.append(worker)
        return worker

    return Parts(
        make=make,
        start_bench=lambda: Bench(("fake",), start, lambda target: ("", "fake"), seconds=60, memory_mb=0),
        judge=judge_by(table),
        witnesses=no_witness,
        triage=triage,
    )


def run_engine(
    store: Store,
    parts: Parts,
    *,
    cases: int | None = None,
    seconds: float | None = None,
    jobs: int = 2,
    observe: Callable[[Event], None] = lambda event: None,
    attempts: int = 2,
) -> Engine:
    """Run one sitting of a campaign to its end."""
    deadline = None if seconds is None else time.monotonic() + seconds
    engine = Engine(store, parts, Budget(cases, deadline, seconds), jobs=jobs, observe=observe, attempts=attempts)
    engine.run()
    return engine


def open_or_create(folder: Path) -> Store:
    """The run in a folder, made unless the last process lived long enough to make it."""
    try:
        return create(folder, META)
    except UserMistake:
        return open_run(folder)


def _tell(event: Event) -> None:
    match event:
        case FoundFinding(finding):
            line = f"found {finding.id}"
        case FiledFinding(finding, bucket, _):
            line = f"filed {finding.id} {bucket.id}"
        case _:
            return
    # One write for one line: two threads tell at once.
    os.write(sys.stdout.fileno(), f"{line}\n".encode())


def main(folder: str, cases: str) -> None:
    with open_or_create(Path(folder)) as store, locked(Path(folder)):
        # Kills come at random here, so that an innocent case may well be met by several.
        run_engine(store, fake_parts(seconds=0.001), cases=int(cases), observe=_tell, attempts=1 << 30)
    print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
