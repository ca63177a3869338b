"""`assay fuzz` and `assay resume`."""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from assay import __version__
from assay.campaign.engine import Budget, Engine
from assay.campaign.findings import Triage
from assay.campaign.lock import locked
from assay.campaign.mistake import UserMistake
from assay.campaign.progress import Note
from assay.campaign.settings import DEFAULT_TARGETS, KNOWN_SOURCES, SOURCES, CampaignSettings
from assay.campaign.store import Store, create, open_run
from assay.cli import FOUND, FOUND_NOTHING
from assay.cli.runs import RUNS, print_json
from assay.report.plain import PlainDisplay
from assay.report.summary import for_people, summarise
from assay.report.terminal import LiveDisplay

DEFAULT_SECONDS = 600.0
LEAST_REDUCTION_SECONDS = 45.0
MEMORY_PER_JOB = 1536 << 20


def fuzz(options: argparse.Namespace, began: float) -> int:
    """Run a new campaign."""
    settings = settings_of(options)
    folder = options.run or RUNS / f"{time.strftime('%Y%m%d-%H%M%S')}-{settings.seed}"
    existed = folder.exists()
    store = create(folder, {"version": __version__, "settings": settings.to_json()})
    with store, locked(folder):
        budget = Budget(settings.cases, _deadline(began, settings.seconds), settings.seconds)
        return _run(store, settings, budget, as_json=options.json, made=not existed)


def resume(options: argparse.Namespace, began: float) -> int:
    """Go on with a campaign."""
    with open_run(options.run) as store, locked(options.run):
        settings = CampaignSettings.from_json(store.meta("settings"))
        if options.jobs:
            settings = replace(settings, jobs=options.jobs)
        if (version := store.meta("version")) != __version__:
            print(
                f"assay: the run was begun by Assay {version}; cases from here on are those of {__version__}",
                file=sys.stderr,
            )
        cases, seconds = settings.cases, settings.seconds
        if options.cases:
            cases, seconds = store.next_index() + options.cases, None
        elif options.time:
            cases, seconds = None, options.time
        elif seconds is not None:
            seconds = max(seconds - store.spent()[0], 0.0)
        budget = Budget(cases, _deadline(began, seconds), seconds)
        return _run(store, settings, budget, as_json=options.json, made=False)


def settings_of(options: argparse.Namespace) -> CampaignSettings:
    """The settings that the arguments of `assay fuzz` ask for. Raises UserMistake."""
    from assay.backends import find_backend

    targets = tuple(dict.fromkeys(options.target)) or DEFAULT_TARGETS
    check_targets(targets)
    if options.library or options.source == "api":
        return _differentiating(options)
    for target in targets:
        if find_backend(target).only_differentiates:
            name = split(target)
            raise UserMistake(f"target {name} takes only what is differentiated: add --library {name}")
    if options.sweep:
        raise UserMistake("--sweep goes with --source api")
    seconds = options.time if options.time or options.cases else DEFAULT_SECONDS
    return CampaignSettings(
        seed=random.SystemRandom().randrange(1 << 31) if options.seed is None else options.seed,
        operators=operators_of(options),
        targets=targets,
        source=_source(options, targets),
        nodes=options.nodes,
        jobs=options.jobs or _default_jobs(),
        cases=options.cases,
        seconds=seconds,
        case_seconds=options.case_time,
        memory_mb=options.memory,
        reduce=not options.no_reduce,
        values=options.values,
    )


def _differentiating(options: argparse.Namespace) -> CampaignSettings:
    """The settings of a campaign that differentiates, from functions of a library or from generated programs."""
    from assay.apis.seeds import LIBRARIES, UnknownApi
    from assay.apis.source import ApiSource
    from assay.cli.apis import seeds_for

    source = _checked_source(options.source) or "api"
    library = options.library or "torch"
    targets = tuple(dict.fromkeys(options.target)) or (LIBRARIES[library],)
    if any(split(target) != LIBRARIES[library] for target in targets) or len(targets) > 1:
        raise UserMistake(f"what is differentiated by {library} has one target, {LIBRARIES[library]}")
    if source == "python" or (source == "graph" and library != "torch"):
        raise UserMistake(f"source '{source}' makes nothing that {library} differentiates; leave --source out")
    seed = random.SystemRandom().randrange(1 << 31) if options.seed is None else options.seed
    cases = options.cases
    if source == "api":
        seeds = seeds_for(library, targets[0])
        try:
            seeds = seeds.chosen(options.include, options.exclude)
        except UnknownApi as unknown:
            raise UserMistake(str(unknown)) from None
        if not seeds.apis:
            raise UserMistake("--exclude leaves no function; leave some of it out")
        operators = tuple(api.name for api in seeds.apis)
        cases = ApiSource(seeds, seed, targets[0]).sweep if options.sweep else cases
    elif options.sweep:
        raise UserMistake("--sweep goes with --source api")
    else:
        operators = operators_of(options)
    return CampaignSettings(
        seed=seed,
        operators=operators,
        targets=targets,
        source=source,
        nodes=options.nodes,
        jobs=options.jobs or _default_jobs(),
        cases=cases,
        seconds=options.time if options.time or cases else DEFAULT_SECONDS,
        case_seconds=options.case_time,
        memory_mb=options.memory,
        reduce=not options.no_reduce,
        library=library,
    )


def split(target: str) -> str:
    """A target's name, without its interpreter."""
    return target.partition("@")[0]


def operators_of(options: argparse.Namespace) -> tuple[str, ...]:
    """The operators that --include and --exclude leave. Raises UserMistake."""
    from assay.ops.catalogue import UnknownOperator, select

    try:
        chosen = tuple(select(options.include, options.exclude))
    except UnknownOperator as unknown:
        raise UserMistake(str(unknown)) from None
    if not chosen:
        raise UserMistake("--exclude leaves no operator; leave some of it out")
    return chosen


def check_targets(targets: Sequence[str]) -> None:
    """Raise UserMistake unless every target is known."""
    from assay.backends import UnknownTarget, find_backend

    try:
        for target in targets:
            find_backend(target)
    except UnknownTarget as unknown:
        raise UserMistake(str(unknown)) from None


def triage(campaign_seconds: float | None = None) -> Triage:
    """What makes reports of findings; in a campaign that ends by the clock, one takes a fifth of it at most."""
    from assay.triage import triage_finding

    if campaign_seconds is None:
        return triage_finding
    return functools.partial(triage_finding, most_seconds=max(campaign_seconds / 4, LEAST_REDUCTION_SECONDS))


def _run(store: Store, settings: CampaignSettings, budget: Budget, *, as_json: bool, made: bool) -> int:
    from assay.campaign.assemble import parts
    from assay.execution import BackendNotInstalled

    title = f"assay {', '.join(settings.targets)} · seed {settings.seed}"
    live = not as_json and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    display = LiveDisplay(title) if live else PlainDisplay(sys.stderr if as_json else sys.stdout)
    try:
        with display:
            display.show(Note(f"{title}; {settings.jobs} jobs; run {store.folder}"))
            engine = Engine(
                store,
                parts(settings, triage(settings.seconds) if settings.reduce else None),
                budget,
                jobs=settings.jobs,
                observe=display.show,
            )
            display.watch(engine.snapshot)
            with _interruptible(engine, display):
                engine.run()
    except BackendNotInstalled as missing:
        if made and not store.next_index():
            store.close()
            shutil.rmtree(store.folder, ignore_errors=True)
        raise UserMistake(str(missing)) from None
    summary = summarise(store)
    if as_json:
        print_json(summary)
    else:
        print(for_people(summary, store))
    return FOUND if summary["buckets"] else FOUND_NOTHING


@contextlib.contextmanager
def _interruptible(engine: Engine, display: LiveDisplay | PlainDisplay) -> Iterator[None]:
    """Let the first interrupt stop the campaign, the second give up what is in progress, the third end the process."""

    def interrupted(number: int, frame: object) -> None:
        if engine.abandoned:
            os._exit(130)
        if engine.stopping:
            engine.abandon()
            return
        engine.stop()
        display.show(Note("stopping: cases in progress are finished first; interrupt again to give them up"))

    before = {number: signal.signal(number, interrupted) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _deadline(began: float, seconds: float | None) -> float | None:
    return None if seconds is None else began + seconds


def _source(options: argparse.Namespace, targets: Sequence[str]) -> str:
    """The source that was asked for; that of operators where some of them are named; else none, which is all."""
    source = _checked_source(options.source)
    if source == "":
        return "graph" if options.include or options.exclude or options.nodes else ""
    from assay.generate.sources import suits

    if not any(suits(source, target) for target in targets):
        raise UserMistake(f"no target takes source '{source}'; choose among torch's, such as torch:eager")
    return source


def _checked_source(source: str | None) -> str:
    if source is not None and source not in SOURCES:
        what = "is not in this version yet" if source in KNOWN_SOURCES else "is not known"
        raise UserMistake(f"source '{source}' {what}; choose among {', '.join(SOURCES)}")
    return source or ""


def _default_jobs() -> int:
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(cores, memory // MEMORY_PER_JOB))
