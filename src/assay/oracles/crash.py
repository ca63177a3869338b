"""The oracle of crashes: no program takes the process down."""

from __future__ import annotations

from collections.abc import Iterator

from assay.oracles.registry import Question, oracle
from assay.oracles.signature import death_signature, first_line, last_words, manner
from assay.oracles.stages import blame
from assay.oracles.verdict import Discrepancy, Kind, Verdict


@oracle("crash", order=0)
def crash(question: Question) -> Iterator[Discrepancy]:
    """A process that died of a signal or left by itself. A crash of eager is a finding too; while outputs are read,
    the target is to blame for them.
    """
    outcome = question.outcome
    if outcome.ended != "died":
        return
    side = "target" if outcome.stage == "compare" else blame(outcome.stage)
    said = last_words(outcome.stderr) or first_line(outcome.stderr)
    how = manner(outcome) if outcome.signal is not None else f"exit status {outcome.status}"
    detail = f"the process died ({how}) in stage {outcome.stage or 'unknown'}" + (f": {said}" if said else "")
    verdict = Verdict.Invalid if side == "assay" else Verdict.Crash
    yield Discrepancy(Kind.crash, side, detail, f"crash|{side}|{death_signature(outcome)}", verdict)
