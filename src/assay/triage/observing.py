"""What the script of a finding looks at, and how it compares it: only what the finding is about.

`observation` gives an expression over ``arguments``, ``result`` and ``model`` of one call, and the way to compare two
of its values: ``close`` (numbers, by the same criteria as the judgement) or ``equal`` (anything else).
"""

from __future__ import annotations

from dataclasses import dataclass

from assay.ir.program import Opaque, Program, output_names, walk
from assay.oracles.verdict import Judgement, Kind
from assay.triage.places import Accused, accused, output_leaves
from assay.triage.predicate import judged_exactly

HANG_SECONDS = 60
"""How long a script waits for what hangs."""

TENSORS = "[leaf for leaf in tree_leaves({}) if isinstance(leaf, torch.Tensor)]"


class Unscriptable(Exception):
    """There is no script for this kind of finding; the text says why."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What to look at after the accused call, and how to compare it. ``exact``: without tolerance."""

    expression: str
    compare: str
    exact: bool = False
    gradients: bool = False


def observation(program: Program, judgement: Judgement) -> Observation | None:
    """What the script of this finding observes; None for a kind that has no comparison in one process."""
    place = accused(program, judgement.where)
    own = judgement.signature.partition("|")
    exact = judged_exactly(judgement)
    if judgement.kind in (Kind.exception, Kind.crash, Kind.hang, Kind.memory):
        return Observation("result", "none")
    by_form = _by_form(program, own[0], own[2], place)
    if _is_text(program) and judgement.kind is not Kind.gradient and place.place:
        return Observation(f"repr(described({_seen(program, judgement, place)}, {{}}))", "equal")
    if by_form is not None:
        return by_form
    if judgement.kind is Kind.gradient:
        return Observation(_gradient(place), "close", exact, gradients=True)
    if judgement.kind in (Kind.value, Kind.mutation, Kind.state, Kind.side_effect):
        return Observation(_value(program, place), "close", exact)
    return None


def _is_text(program: Program) -> bool:
    """Whether it is made of text, so that nothing is known of what its values are."""
    return any(isinstance(statement, Opaque) for statement in walk(program.body))


def _seen(program: Program, judgement: Judgement, place: Accused) -> str:
    if judgement.kind is Kind.alias or place.place == "argument":
        return "(arguments, result)" if judgement.kind is Kind.alias else "arguments"
    if place.place == "state":
        return place.path.removeprefix("global ") if place.path.startswith("global ") else "list(model.state_dict())"
    return "result" if place.leaf is None else _value(program, place)


def _by_form(program: Program, form: str, rest: str, place: Accused) -> Observation | None:
    """Observations of what is not a number, by the first word of the judgement's own signature."""
    whole = _whole(place)
    each = f"for leaf in {TENSORS.format(whole)}"
    if form == "dtype":
        return Observation(f"[leaf.dtype {each}]", "equal")
    if form == "shape":
        return Observation(f"[tuple(leaf.shape) {each}]", "equal")
    if form == "stride":
        return Observation(f"[[s for n, s in zip(leaf.shape, leaf.stride()) if n > 1] {each}]", "equal")
    if form == "type":
        return Observation(f"str(tree_map(type, {whole}))", "equal")
    if form == "gradient" and rest.startswith("requires_grad"):
        return Observation(f"[leaf.requires_grad {each}]", "equal")
    if form == "alias":
        state = ", list(model.parameters()), list(model.buffers())" if _has_state(program) else ""
        tensors = TENSORS.format(f"(arguments, result{state})")
        return Observation(f"{'identities' if rest.startswith('object') else 'storages'}({tensors})", "equal")
    if form == "side-effect" and place.place == "":
        return Observation(_ENVIRONMENT.get(rest, "torch.is_grad_enabled()"), "equal")
    return None


_ENVIRONMENT = {
    "grad_enabled": "torch.is_grad_enabled()",
    "inference_mode": "torch.is_inference_mode_enabled()",
    "default_dtype": "torch.get_default_dtype()",
    "deterministic": "torch.are_deterministic_algorithms_enabled()",
    "autocast": 'torch.is_autocast_enabled("cpu")',
    "rng": "torch.get_rng_state().tolist()",
    "python_rng": "random.getstate()",
    "numpy_rng": "numpy.random.get_state()[1].tolist()",
    "deterministic_warns": "torch.is_deterministic_algorithms_warn_only_enabled()",
    "autocast_dtype": 'torch.get_autocast_dtype("cpu")',
    "anomaly": "torch.is_anomaly_enabled()",
}


def _has_state(program: Program) -> bool:
    return any(entry.role != "argument" for entry in program.inputs)


def _whole(place: Accused) -> str:
    if place.place == "argument":
        return "arguments"
    if place.place == "state":
        return "[*model.parameters(), *model.buffers()]"
    return "result"


def _value(program: Program, place: Accused) -> str:
    if place.place == "argument":
        return f"arguments{place.path}"
    if place.place == "state":
        return f"model.{place.path}.detach()"
    if isinstance(program.outputs, str) and len(output_leaves(program)) == 1:
        return "result"
    if place.leaf is None:
        return "result"
    if not isinstance(program.outputs, str) and len(output_names(program.outputs)) == len(program.outputs[1]):
        kind, _, keys = program.outputs
        if len(output_leaves(program)) == len(program.outputs[1]):
            return f"result[{keys[place.leaf]!r}]" if kind == "dict" else f"result[{place.leaf}]"
    return f"tree_leaves(result)[{place.leaf}]"


def _gradient(place: Accused) -> str:
    target = f"arguments{place.path}" if place.path.startswith("[") else f"model.{place.path}"
    # No gradient and one of zeros are the same (assay.oracles.gradients).
    return f"torch.zeros_like({target}) if {target}.grad is None else {target}.grad"
