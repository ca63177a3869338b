"""The subject as a function of its inputs and, of a module, its parameters: differentiated in every way that torch has,
as the functions of a library are (docs/derivatives.md)."""

from __future__ import annotations

from dataclasses import replace

from assay.campaign import assemble
from assay.campaign.examine import Examination, examine
from assay.checking.checker import Check
from assay.checking.described import eager_beside
from assay.checking.report import Difference, Part
from assay.checking.texts import Way
from assay.ir.case import DERIVATIVES, Case
from assay.oracles.verdict import FINDINGS, Judgement, Verdict
from assay.triage.derivatives import render_derivative_script
from assay.triage.observing import Unscriptable

PART = "derivatives"

_FLAT = '''
class Shell(torch.nn.Module):
    """The module with a call of it as it is made here, so that its parameters can be given."""

    def __init__(self, model, call):
        super().__init__()
        self.model, self.call = model, call

    def forward(self, *given):
        return self.call(self.model, *given)


CALLED, GIVEN = program, inputs
_, TREE = tree_flatten(GIVEN(0))
SHELL = Shell(globals().pop("state")(), CALLED) if "state" in globals() else None
PARAMETERS = dict(SHELL.named_parameters()) if SHELL is not None else {}


def inputs(call=0):
    return (*(each.detach() for each in PARAMETERS.values()), *tree_flatten(GIVEN(call))[0])


def program(*values):
    given = tree_unflatten(list(values[len(PARAMETERS) :]), TREE)
    if SHELL is None:
        return CALLED(*given)
    # What it changes of its buffers is gone with the call.
    buffers = {name: each.clone() for name, each in SHELL.named_buffers()}
    return torch.func.functional_call(SHELL, {**buffers, **dict(zip(PARAMETERS, values))}, given)
'''


def compare_derivatives(check: Check) -> None:
    """Differentiate the subject in every way, up to the order that is wished for."""
    if not check.described.trains:
        return
    if check.late:
        check.parts.append(Part(PART, "", 0, None, "not begun: time was up"))
        return
    check.tell("differentiating it in every way")
    target = eager_beside(check.targets[0])
    case = _case(check, target, check.wish.derivatives)
    found = examine(case, check.run, assemble.judge, check.witnesses)
    check.parts.append(_part(target, found))
    if found.judgement.verdict in FINDINGS:
        check.differences.append((PART, case, found.judgement, ""))


def _case(check: Check, target: str, order: int) -> Case:
    made = check.case(Way(wide=True), target, ("", "", *_FLAT.strip().splitlines()))
    options = {DERIVATIVES: {"order": order}}
    return replace(made, options=options, operators=(check.described.subject.title,), _id="")


def _part(target: str, found: Examination) -> Part:
    judgement = found.judgement
    if judgement.verdict is Verdict.Pass:
        return Part(PART, target, 1, True)
    if judgement.verdict in FINDINGS:
        return Part(PART, target, 1, False, f"{judgement.kind} in {judgement.where}")
    detail = next(iter(judgement.detail.splitlines()), "")
    return Part(PART, target, 0, None, f"{judgement.verdict.lower()}: {detail}")


def told(check: Check, case: Case, judgement: Judgement) -> Difference:
    """A difference between ways to differentiate, with a script where the subject is in a file."""
    difference = Difference(PART, case.target, judgement, judgement.where, layer="differentiation in eager mode")
    if not check.described.subject.path:
        return replace(difference, note="there is no script: the subject is in no file")
    try:
        return replace(difference, script=render_derivative_script(case, judgement))
    except Unscriptable as why:
        return replace(difference, note=str(why))
