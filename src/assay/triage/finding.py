"""A finding made a report: reduced, localised, given its signature, and written as a script that was seen to fail.

case, judgement -> reduce_case -> localise -> bucket_signature -> render_script -> replay -> Triaged
"""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import itertools
import math
import time
from collections.abc import Callable
from dataclasses import replace

from assay.backends import UnknownTarget, find_backend, split_target
from assay.campaign.bench import Abandoned
from assay.campaign.findings import UNSCRIPTED, RunCase, Triaged
from assay.ir.case import Case
from assay.ir.program import Program
from assay.oracles.verdict import Judgement, Kind
from assay.triage.derivatives import is_derivative, reduce_call, render_derivative_script
from assay.triage.ladder import localise, lowest_rung, sole_layer
from assay.triage.observing import HANG_SECONDS, Unscriptable
from assay.triage.predicate import same_finding
from assay.triage.reduction import CHEAP, DEAR, Budget, Reduction, reduce_case
from assay.triage.registry import reducers
from assay.triage.replay import Replay, replay
from assay.triage.scripts import render_script
from assay.triage.signature import bucket_signature
from assay.triage.subject import subject_of


def triage_finding(
    case: Case,
    judgement: Judgement,
    run_case: RunCase,
    *,
    out_of_time: Callable[[], bool] = lambda: False,
    budget: Budget | None = None,
    most_seconds: float = math.inf,
    run_script: Callable[[str, str | None], Replay] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Triaged:
    """Reduce, localise, sign and script a finding. Once ``out_of_time()`` holds it returns what it has, at once.

    ``run_case`` judges finally, with the evidence that oracles ask for, and runs the rungs of the ladder too.
    Reducing takes ``budget``, or one that fits the target and is no longer than ``most_seconds``.
    ``run_script`` runs a script with an interpreter (None: this one). Where a script does not show the finding, the
    notes say so.
    """
    chosen = budget if budget is not None else _budget(case, judgement, most_seconds)
    if is_derivative(case):
        return _of_derivatives(case, judgement, run_case, chosen, out_of_time, run_script or _run_script, clock)
    reduction = _reduced(case, judgement, run_case, chosen, out_of_time, clock)
    layer = _layer(reduction, run_case, out_of_time)
    subject = subject_of(reduction.case)
    program = subject.program if subject is not None else None
    reduced, found = reduction.case, reduction.judgement
    script, notes = _scripted(reduced, program, found, run_script or _run_script, out_of_time)
    if not reduction.complete:
        notes = "; ".join(filter(None, ("reduction stopped at its budget", notes)))
    return Triaged(
        case=reduced,
        judgement=found,
        signature=bucket_signature(found, layer, reduced.operators, program),
        operators=reduced.operators,
        transforms=reduced.transforms,
        script=script,
        layer=layer,
        steps=reduction.executions,
        reduced=program is not None,
        notes=notes,
    )


def _of_derivatives(
    case: Case,
    judgement: Judgement,
    run_case: RunCase,
    budget: Budget,
    out_of_time: Callable[[], bool],
    run_script: Callable[[str, str | None], Replay],
    clock: Callable[[], float],
) -> Triaged:
    """The same of a finding about derivatives."""
    reduction = reduce_call(case, judgement, run_case, budget, out_of_time, clock)
    reduced, found = reduction.case, reduction.judgement
    notes: list[str] = []
    if not reduction.complete:
        notes.append("reduction stopped at its budget")
    try:
        script = render_derivative_script(reduced, found, _versions(reduced))
        if out_of_time():
            notes.append("the script was not run: time was up")
        else:
            seen = run_script(script, split_target(case.target)[1])
            if not seen.shows_bug:
                ended = "did not end" if seen.status is None else f"ended with {seen.status}: {seen.last_line[:200]}"
                notes.append(f"{UNSCRIPTED}: the script, run fresh, {ended}")
    except Unscriptable as reason:
        script = reduced.text
        notes.append(f"{UNSCRIPTED}: {reason}")
    return Triaged(
        case=reduced,
        judgement=found,
        signature=found.signature,
        operators=reduced.operators,
        transforms=(),
        script=script,
        layer="autograd",
        steps=reduction.executions,
        reduced=True,
        notes="; ".join(notes),
    )


def _budget(case: Case, judgement: Judgement, most_seconds: float) -> Budget:
    """Fewer runs where each is dear: a compile that calls a C++ compiler, a hang."""
    budget = Budget(20, 900.0) if judgement.kind is Kind.hang else DEAR if _is_dear(case) else CHEAP
    return Budget(budget.executions, min(budget.seconds, most_seconds))


def _is_dear(case: Case) -> bool:
    try:
        return find_backend(case.target).dear
    except UnknownTarget:
        return False


def _reduced(
    case: Case,
    judgement: Judgement,
    run_case: RunCase,
    budget: Budget,
    out_of_time: Callable[[], bool],
    clock: Callable[[], float],
) -> Reduction:
    """The finding reduced: where a run is dear, first on the lowest rung that shows it too, which costs a fraction.

    What comes of that counts only if the target itself still shows the finding.
    """
    begun = clock()
    lowest = None
    if _is_dear(case) and judgement.kind is not Kind.hang and not out_of_time():
        try:
            lowest = lowest_rung(case, judgement, run_case)
        except Abandoned:
            return Reduction(case, judgement, (), 0, clock() - begun, complete=False)
    if lowest is not None:
        _, lower, seen = lowest
        cheaper = Budget(max(CHEAP.executions, budget.executions), budget.seconds)
        below = reduce_case(lower, seen, run_case, budget=cheaper, out_of_time=out_of_time, clock=clock)
        back = replace(below.case, target=case.target, options=case.options, _id="")
        try:
            found = run_case(back)
        except Abandoned:
            return Reduction(case, judgement, (), below.executions, clock() - begun, complete=False)
        if same_finding(judgement, found):
            options = [each for each in reducers() if each.name == "default-options"]
            rest = reduce_case(
                back, found, run_case, budget=budget, using=options, out_of_time=out_of_time, clock=clock
            )
            return Reduction(
                rest.case,
                rest.judgement,
                (*below.steps, *rest.steps),
                below.executions + rest.executions,
                clock() - begun,
                below.complete and rest.complete,
            )
    try:
        run, budget = _without_code(case, judgement, run_case, budget)
    except Abandoned:
        return Reduction(case, judgement, (), 0, clock() - begun, complete=False)
    return reduce_case(case, judgement, run, budget=budget, out_of_time=out_of_time, clock=clock)


def _without_code(
    case: Case, judgement: Judgement, run_case: RunCase, budget: Budget
) -> tuple[Callable[[Case], Judgement], Budget]:
    """How a finding's candidates run, and how many may: where it is raised before there is machine code, none is made.

    A candidate that no longer raises would go on to the compiler, which costs several times what came before.
    """
    if not _is_dear(case) or judgement.kind is not Kind.exception:
        return run_case, budget
    cheaper = functools.partial(run_case, code="none")
    if not same_finding(judgement, cheaper(case)):
        return run_case, budget
    return cheaper, Budget(max(CHEAP.executions, budget.executions), budget.seconds)


def _layer(reduction: Reduction, run_case: RunCase, out_of_time: Callable[[], bool]) -> str:
    if out_of_time():
        return sole_layer(reduction.case)
    try:
        return localise(reduction.case, reduction.judgement, run_case)
    except Abandoned:
        return sole_layer(reduction.case)


def _scripted(
    case: Case,
    program: Program | None,
    judgement: Judgement,
    run_script: Callable[[str, str | None], Replay],
    out_of_time: Callable[[], bool],
) -> tuple[str, str]:
    """The script, and what there is to say against it; the text of the case where there is none.

    Inputs are written out where that shows the finding. What the case's formula makes is a view of another tensor, what
    a literal makes is not, and there are faults that only one of them meets. Others show once backward has run.
    """
    if program is None:
        return case.text, f"{UNSCRIPTED}: the case has no program"
    try:
        scripts = [
            render_script(case, program, judgement, _versions(case), literals=literals, backward=backward)
            for backward, literals in itertools.product((False, True), (True, False))
        ]
    except Unscriptable as reason:
        return case.text, f"{UNSCRIPTED}: {reason}"
    if out_of_time():
        return scripts[0], "the script was not run: time was up"
    for script in dict.fromkeys(scripts):
        seen = run_script(script, split_target(case.target)[1])
        if seen.shows_bug:
            return script, ""
    script = scripts[0]
    ended = "did not end" if seen.status is None else f"ended with {seen.status}: {seen.last_line[:200]}"
    return script, f"{UNSCRIPTED}: the script, run fresh, {ended}"


def _run_script(script: str, python: str | None) -> Replay:
    return replay(script, python=python, seconds=HANG_SECONDS + 240.0)


def _versions(case: Case) -> str:
    """What the finding was found on; another interpreter's release is known only to its worker."""
    if split_target(case.target)[1] is not None:
        return ""
    found = []
    for package in find_backend(case.target).packages:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found.append(f"{package} {importlib.metadata.version(package)}")
    return ", ".join(found)
