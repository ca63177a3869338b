"""A campaign's real parts: the generator, the workers, the oracles. Imported when one is about to run, never for
`--help`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace

from assay.backends import find_backend, rungs_below
from assay.campaign.bench import Bench
from assay.campaign.engine import Parts
from assay.campaign.findings import Triage
from assay.campaign.settings import CampaignSettings
from assay.emit.cases import build_case
from assay.execution import Worker
from assay.generate.graph import make_case
from assay.generate.settings import Settings
from assay.ir.case import Case
from assay.ir.serialize import program_from_json
from assay.ops.facts import Unsatisfied
from assay.ops.twin import in_float64
from assay.oracles import judge as judging
from assay.oracles.outcome import Outcome
from assay.oracles.verdict import Judgement


def generator_settings(settings: CampaignSettings) -> Settings:
    """What the generator needs to know of a campaign."""
    return Settings(seed=settings.seed, operators=settings.operators, nodes=settings.nodes, targets=settings.targets)


def parts(settings: CampaignSettings, triage: Triage | None) -> Parts:
    """The parts of a campaign on real workers."""
    generated = generator_settings(settings)
    return Parts(
        make=lambda index: make_case(generated, index),
        start_bench=lambda: start_bench(settings.targets, settings.case_seconds, settings.memory_mb),
        judge=judge,
        twins=twins,
        triage=triage,
    )


def start_bench(targets: Sequence[str], seconds: float = 60.0, memory_mb: int = 4096) -> Bench:
    """Workers for one thread."""
    return Bench(targets, start_worker, group_of, seconds=seconds, memory_mb=memory_mb, below=rungs_below)


def start_worker(targets: Sequence[str]) -> Worker:
    """A started worker. Raises BackendNotInstalled."""
    worker = Worker(targets=targets)
    worker.start()
    return worker


def group_of(target: str) -> tuple[str, str]:
    """The interpreter and the framework that a target runs on."""
    backend = find_backend(target)
    return backend.python or sys.executable, backend.framework


def judge(case: Case, outcome: Outcome, evidence: Mapping[str, Outcome]) -> Judgement:
    """The verdict on a case, knowing what its target promises and which exceptions it declares as gaps."""
    backend = find_backend(case.target)
    return judging.judge(case, outcome, evidence, unsupported=backend.unsupported, promises=backend.promises)


def twins(case: Case) -> tuple[Case, ...]:
    """The same program in float64, in eager mode, which costs nothing, and on the case's target; empty where there is
    no such program."""
    program = case.recipe.get("program")
    if program is None:
        return ()
    try:
        wide = build_case(
            in_float64(program_from_json(program)), source=case.source, target=case.target, options=case.options
        )
    except Unsatisfied:
        return ()
    eager = [replace(wide, target=below, options={}, _id="") for below in rungs_below(case.target)[:1]]
    return (*eager, wide)
