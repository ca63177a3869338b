"""From a case to its settled judgement: run it, obtain the evidence that oracles ask for, and run a finding once
more, alone.

Nothing here knows workers, threads or the store: what runs a case is a parameter, and so is what judges.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from assay.campaign.findings import RunCase
from assay.ir.case import DERIVATIVES, Case
from assay.oracles.outcome import ABSENT, Code, Outcome
from assay.oracles.verdict import FINDINGS, Judgement, Verdict

RERUN = frozenset({"eager_again", "values"})
"""Evidence that a worker gives in a further run of the same case."""

ROUNDS = 5
"""How often an oracle may ask for more before its case is left undecided."""

Judge = Callable[[Case, Outcome, Mapping[str, Outcome]], Judgement]


@dataclass(frozen=True, slots=True)
class Witness:
    """A case whose run is evidence about another, and what its worker is asked for beside. ``exact`` are the paths of
    the outputs that are exact in it."""

    case: Case
    evidence: tuple[str, ...]
    exact: tuple[str, ...] = ()


Witnesses = Callable[[Case, str], Witness | None]
"""What to run for a piece of evidence, by its name; None where there is nothing."""


class Run(Protocol):
    """Runs a case on a worker. ``alone``: in a fresh process; ``code``: how machine code is made;
    ``patience`` multiplies its time limit."""

    def __call__(
        self,
        case: Case,
        evidence: tuple[str, ...] = (),
        *,
        alone: bool = False,
        code: Code = "merged",
        patience: float = 1.0,
    ) -> Outcome: ...


@dataclass(frozen=True, slots=True)
class Examination:
    """A case's judgement, the outcome of its first run, and the last run of it in a fresh process, if there was one."""

    judgement: Judgement
    outcome: Outcome
    alone: Outcome | None = None
    evidence: Mapping[str, Outcome] = field(default_factory=dict)

    @property
    def engaged(self) -> bool:
        """Whether the target did what the case was meant to test."""
        return bool(self.outcome.engagement.get("engaged", False))

    @property
    def sut_seconds(self) -> float:
        """CPU seconds of the system under test in the first run; evidence does not count."""
        return float(self.outcome.cpu.get("sut", 0.0))

    def with_sut_seconds(self, seconds: float, *, engaged: bool | None = None) -> Examination:
        """The same with other CPU seconds of the system under test and, where that is said, engaged or not."""
        engagement = (
            dict(self.outcome.engagement) if engaged is None else {**self.outcome.engagement, "engaged": engaged}
        )
        outcome = replace(self.outcome, cpu={**self.outcome.cpu, "sut": seconds}, engagement=engagement)
        return replace(self, outcome=outcome)


def settle(
    case: Case,
    run: Run,
    judge: Judge,
    witnesses: Witnesses,
    *,
    alone: bool = False,
    code: Code = "merged",
    patience: float = 1.0,
) -> Examination:
    """Run a case once and judge it, with as much evidence as its oracles ask for."""
    outcome = run(case, alone=alone, code=code, patience=patience)
    evidence: dict[str, Outcome] = {}
    again: Outcome | None = outcome if alone else None
    judgement = judge(case, outcome, evidence)
    for _ in range(ROUNDS):
        wanted = [name for name in judgement.wanted if name not in evidence]
        rerun = tuple(name for name in wanted if _is_rerun(name))
        if rerun:
            again = run(case, evidence=rerun, alone=True, code=code, patience=patience)
            evidence.update(dict.fromkeys(rerun, again))
        for name in wanted:
            if not _is_rerun(name):
                evidence[name] = _testimony(witnesses(case, name), case, run, alone)
        if not any(name in evidence for name in wanted):
            break
        judgement = judge(case, outcome, evidence)
    return Examination(judgement, outcome, again, evidence)


def _is_rerun(name: str) -> bool:
    return name in RERUN or name.startswith(f"{DERIVATIVES}:")


def _testimony(witness: Witness | None, case: Case, run: Run, alone: bool) -> Outcome:
    if witness is None:
        return Outcome(case.id, ABSENT)
    shown = run(witness.case, evidence=witness.evidence, alone=alone)
    return replace(shown, engagement={**shown.engagement, "exact": witness.exact}) if witness.exact else shown


def _confirm(case: Case, first: Examination, run: Run, judge: Judge, witnesses: Witnesses) -> Examination:
    """Judge a finding once more from a run in a fresh process; Flaky unless verdict and kind are the same again.

    Where evidence was obtained in such a run, and nothing was cut short in it, that run is judged. Else the case runs
    again, with twice the time, so that a busy machine makes no hang. Most of what asks for evidence comes to nothing,
    so that a compilation in full is left to here. Where the second run cannot decide, the case is as inconclusive as
    that run.
    """
    fresh = None if first.alone is first.outcome else first.alone
    if fresh is not None and not fresh.engagement.get("merged"):
        again = Examination(judge(case, fresh, first.evidence), fresh, fresh, first.evidence)
    else:
        again = settle(case, run, judge, witnesses, alone=True, code="plain", patience=2.0)
    one, two = first.judgement, again.judgement
    if (one.verdict, one.kind) == (two.verdict, two.kind) or two.verdict is Verdict.Inconclusive:
        settled = two
    else:
        found = f"{one.verdict} ({one.kind or 'nothing'}) at first, {two.verdict} ({two.kind or 'nothing'}) alone"
        settled = Judgement(Verdict.Flaky, one.kind, one.where, f"{found}: {one.detail}", one.signature)
    return Examination(settled, first.outcome, again.outcome, again.evidence)


Known = Callable[[Case, Judgement], bool]
"""Whether a finding would only be counted, since its cause has been reduced and confirmed before."""


def examine(
    case: Case, run: Run, judge: Judge, witnesses: Witnesses, known: Known = lambda case, judgement: False
) -> Examination:
    """Settle a case; one that accuses its target is confirmed, unless that would tell nothing new."""
    first = settle(case, run, judge, witnesses)
    if first.judgement.verdict not in FINDINGS or known(case, first.judgement):
        return first
    return _confirm(case, first, run, judge, witnesses)


def case_runner(run: Run, judge: Judge, witnesses: Witnesses) -> RunCase:
    """What triage runs cases with."""

    def run_case(case: Case, *, alone: bool = False, confirm: bool = False, code: Code = "merged") -> Judgement:
        examination = settle(case, run, judge, witnesses, alone=alone, code="plain" if alone else code)
        if confirm and examination.judgement.verdict in FINDINGS:
            examination = _confirm(case, examination, run, judge, witnesses)
        return examination.judgement

    return run_case
