"""The check of one subject: described, compared in every way, what differs named and written as scripts.

describe -> deterministic? -> plain -> other sizes -> training -> lifted -> transforms -> differences -> Report
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from assay.backends import RUNGS, find_backend
from assay.campaign import assemble
from assay.campaign.examine import Examination, Run, Witness, examine, settle
from assay.campaign.mistake import UserMistake
from assay.checking.defaults import DERIVATIVES, SECONDS, TRANSFORMED
from assay.checking.described import Described, bare_case, describe, eager_beside, told_where
from assay.checking.report import Difference, Part, Report
from assay.checking.sizes import Varying, varying
from assay.checking.texts import Subject, Way, case_text
from assay.ir.case import Case
from assay.oracles.numeric import EXACT, FLOAT64_SHADOW, SHADOW, VALUES
from assay.oracles.verdict import FINDINGS, Judgement, Kind, Verdict
from assay.triage.ladder import LAYERS, localise

LADDER = RUNGS[1:]
"""What a subject is compared on unless targets are named: every layer of torch.compile, from Dynamo alone up."""

PLAIN, SIZES, TRAINING, TRANSFORMS = "plain", "other sizes", "training", "transforms"
INDUCTOR = {"config": {"inductor.fallback_random": True}}
"""Inductor draws random numbers of its own unless it is told to draw eager's."""


@dataclass(frozen=True)
class Wish:
    """What to compare on: targets (the ladder where there are none), how many transformed programs, and for how long
    parts may be begun."""

    targets: tuple[str, ...] = ()
    transformed: int = TRANSFORMED
    seconds: float = SECONDS
    training: bool = True
    sizes: bool = True
    derivatives: int = DERIVATIVES


@dataclass
class Check:
    """A check in progress. ``run`` runs cases of the user's own code, ``run_text`` cases that need none of it."""

    described: Described
    wish: Wish
    run: Run
    run_text: Run
    deadline: float
    clock: Callable[[], float]
    tell: Callable[[str], None]
    ways: dict[str, tuple[Way, tuple[str, ...]]] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    differences: list[tuple[str, Case, Judgement, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def targets(self) -> tuple[str, ...]:
        """What is compared on, from the lowest rung up."""
        return self.wish.targets or LADDER

    @property
    def climbs(self) -> bool:
        """Whether the targets are the ladder, on which what differs below is not looked for above."""
        return not self.wish.targets

    def case(self, way: Way, target: str, extra: Sequence[str] = ()) -> Case:
        """The case of the subject itself."""
        text = case_text(self.described.subject, way, extra)
        case = bare_case(text, target, way, **options_of(target))
        self.ways[case.text] = way, tuple(extra)
        return case

    def witnesses(self, case: Case, evidence: str) -> Witness | None:
        """Evidence about the subject: under shadows, in float64; it is not drawn anew to be exact."""
        if case.text not in self.ways or evidence == SHADOW:
            return assemble.witnesses(case, evidence)
        if evidence == EXACT:
            return None
        way, extra = self.ways[case.text]
        wide = self.case(replace(way, wide=True), case.target, extra)
        return assemble.witnesses(wide, SHADOW) if evidence == FLOAT64_SHADOW else Witness(wide, (VALUES,))

    def examined(self, case: Case) -> Examination:
        """A case, judged; what accuses the target is confirmed afresh. One that was lifted needs nothing of the
        user's."""
        run = self.run if case.text in self.ways else self.run_text
        return examine(case, run, assemble.judge, self.witnesses)

    def judged(self, case: Case) -> Judgement:
        """A case of the subject's, judged once."""
        return settle(case, self.run, assemble.judge, self.witnesses).judgement

    @property
    def late(self) -> bool:
        """Whether nothing more is to be begun."""
        return self.clock() > self.deadline

    def compare(self, part: str, way: Way) -> None:
        """Compare the subject in one way on every target, or up the ladder to the first that differs."""
        for target in self.targets:
            if self.late:
                self.parts.append(Part(part, target, 0, None, "not begun: time was up"))
                continue
            self.tell(f"{part} on {target}")
            case = self.case(way, target)
            found = self.examined(case)
            self.note_part(part, case, found)
            if found.judgement.verdict in FINDINGS and self.climbs:
                return

    def note_part(self, part: str, case: Case, found: Examination) -> None:
        """Enter what became of a case."""
        judgement, seen = found.judgement, found.outcome.engagement
        detail = judgement.detail.splitlines()[0] if judgement.detail else ""
        if judgement.verdict is Verdict.Pass:
            breaks = int(seen.get("graph_breaks", 0))
            if not seen.get("graphs", 1) or not seen.get("operators", 1):
                note = "nothing was compiled"
            else:
                note = f"{breaks} graph break{'s' if breaks != 1 else ''}" if breaks else ""
            self.parts.append(Part(part, case.target, case.calls, True, note))
        elif judgement.verdict in FINDINGS:
            where = told_where(judgement.where, self.described.subject)
            self.parts.append(Part(part, case.target, case.calls, False, f"{judgement.kind} in {where}"))
            self.differences.append((part, case, judgement, ""))
        else:
            self.parts.append(Part(part, case.target, case.calls, None, f"{judgement.verdict.lower()}: {detail}"))

    def layer(self, case: Case, judgement: Judgement) -> str:
        """The layer in which a finding of the subject's first shows."""
        if self.climbs:
            return LAYERS.get(case.target, case.target)
        return localise(case, judgement, self.judged)


def options_of(target: str) -> dict[str, Any]:
    """The options with which a target is compared: its own, but for what draws random numbers of its own."""
    return dict(INDUCTOR) if find_backend(target).name == "inductor" else {}


def start(
    subject: Subject,
    wish: Wish,
    run: Run,
    run_text: Run,
    *,
    tell: Callable[[str], None] = lambda what: None,
    clock: Callable[[], float] = time.monotonic,
) -> Check:
    """A check of a subject that was seen to run, the same twice. Raises UserMistake, with one line."""
    target = (wish.targets or LADDER)[0]
    tell("running it eagerly")
    described = describe(subject, run, target)
    check = Check(described, wish, run, run_text, clock() + wish.seconds, clock, tell)
    again = settle(check.case(Way(), eager_beside(target)), run, assemble.judge, check.witnesses)
    if again.judgement.verdict is not Verdict.Pass:
        raise UserMistake(
            f"{subject.title}: not deterministic: two eager runs differ in "
            f"{told_where(again.judgement.where, described.subject)}; seed what it draws, or leave that out"
        )
    return check


def compare_subject(check: Check) -> Varying:
    """The subject itself: plain, at other sizes, in training."""
    check.compare(PLAIN, Way())
    sizes = Varying((), ())
    if check.wish.sizes and not check.late:
        check.tell("which sizes may vary")
        sizes = varying(check.described, check.run, check.targets[0])
        if sizes.calls:
            # The first size again at the end: what was compiled for another must not be taken for it.
            calls: list[Mapping[int, tuple[int, ...]]] = [{}, *sizes.calls, {}]
            check.compare(SIZES, Way(len(calls), sizes=dict(enumerate(calls))))
        else:
            check.parts.append(Part(SIZES, "", 0, None, "no size varies"))
    if check.wish.training and check.described.trains and not check.late:
        way = Way(2, training=True)
        why = _untrainable(check, way)
        if why:
            check.parts.append(Part(TRAINING, "", 0, None, why))
        else:
            check.compare(TRAINING, way)
    return sizes


def _untrainable(check: Check, way: Way) -> str:
    """Why the subject is not compared in training; empty where it is."""
    case = check.case(way, eager_beside(check.targets[0]))
    found = settle(case, check.run, assemble.judge, check.witnesses)
    reference = found.outcome.reference
    if reference is None:
        return found.judgement.detail.splitlines()[0]
    for call in reference.calls:
        if call.exception is not None:
            return f"eager raises {call.exception.type}: {next(iter(call.exception.message.splitlines()), '')[:120]}"
    if found.judgement.kind is Kind.nondeterminism or found.judgement.verdict is not Verdict.Pass:
        where = told_where(found.judgement.where, check.described.subject)
        return f"not deterministic: two eager runs differ in {where}"
    if all(gradient is None for call in reference.calls for gradient in call.gradients.values()):
        return "no output depends on anything that has a gradient"
    return ""


def facts_of(described: Described) -> tuple[str, ...]:
    """What kind of thing the subject is, in words."""
    if not described.subject.module:
        return ("function",)
    facts = described.facts
    hooks = f", {facts['hooks']} hooks" if facts["hooks"] else ""
    return (f"module: {facts['parameters']:,} parameters, {facts['buffers']} buffers{hooks}",)


def report_of(check: Check, sizes: Varying, differences: Sequence[Difference], seconds: float, **lifted: Any) -> Report:
    """All of it."""
    described = check.described
    inputs = tuple(f"{leaf.name} {leaf.dtype}{list(leaf.shape)}" for leaf in described.leaves)
    return Report(
        title=described.subject.title,
        version=described.version,
        facts=facts_of(described),
        inputs=(*inputs, *described.constants),
        sizes=sizes.told,
        lifted=lifted.get("lifted", ""),
        opaque=tuple(lifted.get("opaque", ())),
        parts=tuple(check.parts),
        differences=tuple(differences),
        notes=tuple(check.notes),
        seconds=seconds,
    )
