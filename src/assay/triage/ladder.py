"""The ladder: on which rung a finding first shows, and so which layer of the compiler is to blame.

    eager (against itself) -> torch:eager (dynamo alone) -> aot_eager (AOTAutograd)
        -> aot_eager_decomp (decompositions) -> inductor (code generation)

Each rung adds one layer to the one below it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from assay.backends import DYNAMO, RUNGS, find_backend, rungs_below, split_target
from assay.campaign.climbing import on_rung
from assay.ir.case import Case
from assay.oracles.verdict import FINDINGS, Judgement, Verdict

LAYERS = {
    "eager": "eager",
    DYNAMO: "dynamo",
    "aot_eager": "aot autograd",
    "aot_eager_decomp": "decompositions",
    "inductor": "inductor",
}


def lowest_rung(
    case: Case, judgement: Judgement, run_case: Callable[[Case], Judgement], rungs: Sequence[str] = RUNGS
) -> tuple[str, Case, Judgement] | None:
    """The first rung below the target's that shows a finding of this verdict and kind, with the case and the judgement
    there; None where none does."""
    for below in rungs_below(case.target, rungs):
        rung, _ = split_target(below)
        lower = on_rung(case, rung)
        found = run_case(lower)
        if found.verdict in FINDINGS and found.verdict == judgement.verdict and found.kind == judgement.kind:
            return rung, lower, found
    return None


def guilty_part(case: Case, run_case: Callable[[Case], Judgement]) -> str | None:
    """The first part of the target without which the finding is gone, where the backend has ``parts``: names, each with
    the options that leave it out."""
    parts = getattr(find_backend(case.target).module, "parts", None)
    for name, options in () if parts is None else parts(dict(case.options)):
        if run_case(replace(case, options=options, _id="")).verdict is Verdict.Pass:
            return str(name)
    return None


def localise(
    case: Case, judgement: Judgement, run_case: Callable[[Case], Judgement], rungs: Sequence[str] = RUNGS
) -> str:
    """The layer that the finding is first seen with; the target's own name where no lower rung shows it."""
    part = guilty_part(case, run_case)
    if part is not None:
        return part
    lowest = lowest_rung(case, judgement, run_case, rungs)
    if lowest is not None:
        return LAYERS[lowest[0]]
    name, _ = split_target(case.target)
    return LAYERS.get(name, name)


def sole_layer(case: Case) -> str:
    """The layer of a target that has no other, as torch:eager has dynamo alone; empty where a run has to tell.

    So a finding for which no time is left comes to the bucket of those for which there was.
    """
    name, _ = split_target(case.target)
    below = {split_target(rung)[0] for rung in rungs_below(case.target)}
    return LAYERS.get(name, "") if below <= {"eager"} else ""
