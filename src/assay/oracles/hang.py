"""The oracle of hangs: the target comes to an end within the time that a case has."""

from __future__ import annotations

from collections.abc import Iterator

from assay.oracles.registry import Question, oracle
from assay.oracles.signature import death_signature
from assay.oracles.stages import blame
from assay.oracles.verdict import Discrepancy, Kind, Verdict

TOGETHER = ("compiled together", "traced ", "numerical")
"""How the worker's notes begin while it makes or runs many of Assay's programs as one: that may well take long."""


@oracle("hang", order=1)
def hang(question: Question) -> Iterator[Discrepancy]:
    """An execution that was stopped at the time limit. Eager mode that takes so long is a case too large, not a
    finding, and so are many programs together; where others had the cores, nothing is known.
    """
    outcome = question.outcome
    if outcome.ended == "starved":
        yield Discrepancy(Kind.hang, "process", "it had no core", "hang|starved", Verdict.Inconclusive)
    if outcome.ended == "timeout":
        side = blame(outcome.stage)
        verdict = Verdict.Timeout if side == "target" else Verdict.Invalid
        if verdict is Verdict.Timeout and outcome.note.startswith(TOGETHER):
            verdict = Verdict.Inconclusive
        detail = f"stopped at the time limit in stage {outcome.stage or 'unknown'}"
        # how the process was then killed is our doing; where it was is not
        where = death_signature(outcome).split("|")[1]
        yield Discrepancy(Kind.hang, side, detail, "|".join(filter(None, ("hang", side, where))), verdict)
