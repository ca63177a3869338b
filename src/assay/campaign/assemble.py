"""A campaign's real parts: the generator, the workers, the oracles. Imported when one is about to run, never for
`--help`.
"""

from __future__ import annotations

import functools
import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from assay.apis import source as api
from assay.apis.seeds import NoSeeds, seeds_of
from assay.backends import find_backend, rungs_below, split_target
from assay.campaign.bench import Bench
from assay.campaign.engine import Parts
from assay.campaign.examine import Witness
from assay.campaign.findings import Triage
from assay.campaign.searcher import Searcher
from assay.campaign.settings import CampaignSettings
from assay.emit.cases import RENDERED_BY, build_case
from assay.execution import BackendNotInstalled, Worker
from assay.generate.dialect import Kernels
from assay.generate.python.modelled import NothingModelled, modelled
from assay.generate.settings import Settings
from assay.generate.sources import allowed, make_case
from assay.ir.case import DERIVATIVES, Case
from assay.ir.program import FOUND
from assay.ir.serialize import program_from_json
from assay.ops.facts import Unsatisfied
from assay.ops.twin import drawn_exactly, in_float64
from assay.oracles import judge as judging
from assay.oracles.numeric import EXACT, FLOAT64_SHADOW, SHADOW, VALUES
from assay.oracles.outcome import Outcome
from assay.oracles.verdict import Judgement

WARM = {"ASSAY_WARM_DERIVATIVES": "1"}
"""What a worker that will differentiate is told when it is started."""

KERNELS = ("kernels", "reference_kernels")
"""Under these names a worker says what a target, and what it is held against, have kernels for."""


def generator_settings(settings: CampaignSettings) -> Settings:
    """What the generator needs to know of a campaign. Asks runtimes for their kernels; raises BackendNotInstalled."""
    return Settings(
        seed=settings.seed,
        operators=settings.operators,
        nodes=settings.nodes,
        targets=settings.targets,
        kernels=kernels_of(settings.targets),
        values=settings.values,
        sources=(settings.source,) if settings.source else allowed(settings.targets),
    )


def kernels_of(targets: Sequence[str]) -> dict[str, Kernels]:
    """The kernels of the targets that say which they have."""
    found: dict[str, Kernels] = {}
    for target in targets:
        if find_backend(target).framework == "onnx":
            with Worker(targets=[target]) as worker:
                (said,) = worker.hello.backends.values()
            if "kernels" in said:
                found[target] = Kernels(*(said[name] for name in KERNELS if name in said))
    return found


def parts(settings: CampaignSettings, triage: Triage | None) -> Parts:
    """The parts of a campaign on real workers."""
    if settings.library:
        return _differentiating(settings, triage)
    generated = generator_settings(settings)
    searcher = Searcher(settings.targets) if settings.values == FOUND else None
    if "python" in generated.sources:
        # Asked before there are threads that wait for the answer, and the user told of what is missing.
        for target in settings.targets:
            _ask_what_is_modelled(target)
    return Parts(
        make=lambda index: make_case(generated, index, searcher),
        end_making=searcher.close if searcher is not None else lambda: None,
        start_bench=lambda: start_bench(settings.targets, settings.case_seconds, settings.memory_mb),
        judge=judge,
        witnesses=witnesses,
        triage=triage,
        instead=against_its_reference,
    )


def _differentiating(settings: CampaignSettings, triage: Triage | None) -> Parts:
    """The parts of a campaign that differentiates."""
    return Parts(
        make=differentiated(settings),
        start_bench=lambda: start_bench(settings.targets, settings.case_seconds, settings.memory_mb, WARM),
        judge=judge,
        witnesses=witnesses,
        triage=triage,
    )


def differentiated(settings: CampaignSettings) -> Callable[[int], Case]:
    """What makes the cases that are differentiated: of functions of a library, or of generated programs. Raises
    BackendNotInstalled."""
    if settings.source != api.SOURCE:
        generated = generator_settings(settings)
        return lambda index: of_program(make_case(generated, index))
    try:
        seeds = seeds_of(settings.library, split_target(settings.targets[0])[1] or sys.executable)
    except NoSeeds as missing:
        raise BackendNotInstalled(str(missing)) from None
    return api.ApiSource(seeds.only(settings.operators), settings.seed, settings.targets[0]).make


def of_program(case: Case) -> Case:
    """A generated case as one that is differentiated: its first call, in float64 where its program can be."""
    program = program_from_json(case.recipe["program"])
    try:
        wide = build_case(
            in_float64(program), source=case.source, target=case.target, options={}, recipe=dict(case.recipe)
        )
    except Unsatisfied:
        wide = case
    return replace(wide, options={DERIVATIVES: {"order": 2}}, calls=1, training=False, _id="")


def against_its_reference(case: Case) -> Case | None:
    """The case with options under which what its target was held against is judged itself; None where there are
    none."""
    options = find_backend(case.target).reference_options
    return None if options is None or options == dict(case.options) else replace(case, options=options, _id="")


def _ask_what_is_modelled(target: str) -> None:
    backend = find_backend(target)
    if backend.framework == "torch":
        try:
            modelled(backend.python or sys.executable)
        except NothingModelled as missing:
            raise BackendNotInstalled(str(missing)) from None


def start_bench(
    targets: Sequence[str],
    seconds: float = 60.0,
    memory_mb: int = 4096,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Bench:
    """Workers for one thread."""
    start = functools.partial(start_worker, environment=environment)
    return Bench(targets, start, group_of, seconds=seconds, memory_mb=memory_mb, below=rungs_below)


def start_worker(targets: Sequence[str], environment: Mapping[str, str] = MappingProxyType({})) -> Worker:
    """A started worker. Raises BackendNotInstalled."""
    worker = Worker(targets=targets, environment=environment)
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


def witnesses(case: Case, evidence: str) -> Witness | None:
    """What to run for a piece of evidence: the program under shadows, in float64, or with inputs that make its
    arithmetic exact. None where there is no such program."""
    if evidence == SHADOW:
        return _under_shadows(case)
    recipe = case.recipe.get("program")
    if recipe is None:
        return None
    program = program_from_json(recipe)
    kept = {name: case.recipe[name] for name in RENDERED_BY if name in case.recipe}
    try:
        if evidence == EXACT:
            drawn = drawn_exactly(program)
            if drawn is None:
                return None
            again, exact = drawn
            built = build_case(again, source=case.source, target=case.target, options=case.options, recipe=kept)
            return Witness(built, ("values",), exact)
        wide = in_float64(program)
        built = build_case(wide, source=case.source, target=case.target, options=case.options, recipe=kept)
    except Unsatisfied:
        return None
    return _under_shadows(built) if evidence == FLOAT64_SHADOW else Witness(built, ("values",))


def _under_shadows(case: Case) -> Witness | None:
    """The shadow run of a case: of its own text where that is for torch, else of its program's as torch text."""
    rungs = rungs_below(case.target)
    target = rungs[0] if rungs else case.target
    if find_backend(target).framework != "torch":
        recipe = case.recipe.get("program")
        if recipe is None or importlib.util.find_spec("torch") is None:
            return None
        program = program_from_json(recipe)
        # The bits of another system are its own, so that those of torch are asked for as well.
        return Witness(build_case(program, source=case.source, target="eager", options={}), (SHADOW, VALUES))
    return Witness(replace(case, target=target, options={}, _id=""), (SHADOW,))
