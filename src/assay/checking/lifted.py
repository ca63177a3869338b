"""The programs that a check lifts its subject to, one for each mode, each held against the subject's own graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.campaign.examine import Run
from assay.checking.described import Described, ask, bare_case, eager_beside
from assay.checking.lift import Lifted, Unliftable, lift
from assay.checking.texts import Way, case_text


def lift_subject(described: Described, run: Run, target: str, training: bool) -> Lifted:
    """The program of a subject in a mode. Raises Unliftable, with the reason.

    Every operation that a specification says was run beside the call that it stands for; those that gave something
    else stay calls.
    """
    subject = described.subject
    way = Way(training=training)
    text = case_text(subject, way)
    eager = eager_beside(target)

    def asked(question: str, **options: Any) -> Mapping[str, Any]:
        told = ask(run, bare_case(text, eager, way, **options), question, subject.title)
        if "failed" in told:
            raise Unliftable(str(told["failed"]))
        return told

    graph = asked("graph", folder=subject.path.rpartition("/")[0] if subject.path else subject.folder)
    lifted = lift(graph, training)
    texts = lifted.texts()
    if texts:
        wrong = frozenset(asked("hold", texts=texts)["wrong"])
        if wrong:
            lifted = lift(graph, training, wrong)
    return lifted
