"""The ladder: a case whose target is dear runs on the cheap rungs below it first, and no further than there is
something to see.

    torch:eager (Dynamo alone) -> aot_eager (AOTAutograd) -> the target (code generation)

The first rung that differs is the one that is reported, under its own name, so the finding names its layer and its
script needs no code generation. The rungs above it are not run. Nor is code generated for a case that gives none to
speak of.
"""

from __future__ import annotations

from dataclasses import replace

from assay.backends import DYNAMO, RUNGS, find_backend, rungs_below, split_target
from assay.campaign.examine import Examination, Judge, Known, Run, Witnesses, examine
from assay.ir.case import Case
from assay.oracles.verdict import Verdict

PYTHON = "python"
CHEAP = (DYNAMO, "aot_eager")
"""The rungs that run before the target for a program over Python: together a small part of what code generation costs.
Before a fat program from specifications that is rewritten there is the first alone: what rewrites add is Python."""

FEWEST_OPERATORS = 6
"""Of fewer operators in all the graphs of a program over Python there are few different graphs, and those are in every
other program of the source `graph`."""

GOES_ON = frozenset({Verdict.Pass, Verdict.Inconclusive})

# The first word of a setting says which layer it belongs to; a rung is given the settings of the layers that it has.
_SETTINGS = {
    "eager": (),
    DYNAMO: ("dynamo",),
    "aot_eager": ("dynamo", "functorch"),
    "aot_eager_decomp": ("dynamo", "functorch"),
    "inductor": ("dynamo", "functorch", "inductor"),
}


def on_rung(case: Case, rung: str) -> Case:
    """The case on another rung, with those of its options that mean something there."""
    _, python = split_target(case.target)
    kept_always = () if rung == "eager" else ("dynamic", "fullgraph")
    options = {key: case.options[key] for key in kept_always if key in case.options}
    config = case.options.get("config") or {}
    kept = {key: value for key, value in config.items() if key.partition(".")[0] in _SETTINGS[rung]}
    if kept:
        options["config"] = kept
    return replace(case, target=rung if python is None else f"{rung}@{python}", options=options, _id="")


def rungs_to_climb(case: Case) -> tuple[str, ...]:
    """The rungs on which a case runs before its target: where code generation is dear, and the case has Python in it,
    which the rungs below test as well. None for a graph alone: what it tests is above them."""
    cheap = CHEAP if case.source == PYTHON else CHEAP[:1] if case.transforms else ()
    if not cheap or split_target(case.target)[0] not in RUNGS or not find_backend(case.target).dear:
        return ()
    below = {split_target(each)[0] for each in rungs_below(case.target)}
    return tuple(rung for rung in cheap if rung in below)


def climb(
    case: Case, run: Run, judge: Judge, witnesses: Witnesses, known: Known = lambda case, judgement: False
) -> tuple[Case, Examination]:
    """Examine a case on the ladder: the case as it is on the rung where that ended, and what was seen there. What the
    system under test has spent is that of all rungs."""
    spent = 0.0
    for rung in rungs_to_climb(case):
        lower = on_rung(case, rung)
        found = examine(lower, run, judge, witnesses, known)
        spent += found.sut_seconds
        if found.judgement.verdict not in GOES_ON:
            return lower, found.with_sut_seconds(spent)
        if not _has_code(case, found):
            # The target itself was not run, and so not engaged.
            return case, found.with_sut_seconds(spent, engaged=False)
    found = examine(case, run, judge, witnesses, known)
    return case, found.with_sut_seconds(spent + found.sut_seconds)


def _has_code(case: Case, found: Examination) -> bool:
    """Whether what was captured on a rung is worth the code that the target would generate of it."""
    operators = int(found.outcome.engagement.get("operators", 0))
    return operators >= (FEWEST_OPERATORS if case.source == PYTHON else 1)
