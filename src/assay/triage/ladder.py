"""The ladder: on which rung a finding first shows, and so which layer of the compiler is to blame.

    eager (dynamo alone) -> aot_eager (AOTAutograd) -> aot_eager_decomp (decompositions) -> inductor (code generation)

Each rung adds one layer to the one below it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from assay.backends import UnknownTarget, find_backend, split_target
from assay.ir.case import Case
from assay.oracles.verdict import FINDINGS, Judgement

RUNGS = ("eager", "aot_eager", "aot_eager_decomp", "inductor")
LAYERS = {
    "eager": "dynamo",
    "aot_eager": "aot autograd",
    "aot_eager_decomp": "decompositions",
    "inductor": "inductor",
}
# The first word of a setting says which layer it belongs to; a rung is given the settings of the layers that it has.
_SETTINGS = {
    "eager": ("dynamo",),
    "aot_eager": ("dynamo", "functorch"),
    "aot_eager_decomp": ("dynamo", "functorch"),
    "inductor": ("dynamo", "functorch", "inductor"),
}


def on_rung(case: Case, rung: str) -> Case:
    """The case on another rung, with those of its options that mean something there."""
    _, python = split_target(case.target)
    options = {key: case.options[key] for key in ("dynamic", "fullgraph") if key in case.options}
    config = case.options.get("config") or {}
    kept = {key: value for key, value in config.items() if key.partition(".")[0] in _SETTINGS[rung]}
    if kept:
        options["config"] = kept
    return replace(case, target=rung if python is None else f"{rung}@{python}", options=options, _id="")


def rungs_below(target: str, rungs: Sequence[str] = RUNGS) -> tuple[str, ...]:
    """The rungs to try for a target: those below it, for a backend of the user's only dynamo."""
    name, _ = split_target(target)
    try:
        backend = find_backend(target)
    except UnknownTarget:
        return ()
    if backend.framework != "torch":
        return ()
    if name in rungs:
        return tuple(rungs[: rungs.index(name)])
    return tuple(rungs[:1])


def localise(
    case: Case, judgement: Judgement, run_case: Callable[[Case], Judgement], rungs: Sequence[str] = RUNGS
) -> str:
    """The layer that the finding is first seen with; the target's own name where no lower rung shows it."""
    for rung in rungs_below(case.target, rungs):
        found = run_case(on_rung(case, rung))
        if found.verdict in FINDINGS and found.verdict == judgement.verdict and found.kind == judgement.kind:
            return LAYERS[rung]
    name, _ = split_target(case.target)
    return LAYERS.get(name, name)
