"""What differs, made presentable: its layer, the operation and the line of the user's, a script that shows it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from assay.backends import split_target
from assay.checking.checker import Check
from assay.checking.described import told_where
from assay.checking.report import Difference
from assay.checking.scripts import subject_script
from assay.ir.case import Case
from assay.oracles.verdict import Judgement
from assay.triage.replay import replay

SCRIPT_SECONDS = 300.0


def differences_of(check: Check, out: Path | None) -> list[Difference]:
    """Every difference that was found, each cause once."""
    found = []
    for part, case, judgement, _ in check.differences:
        check.tell(f"looking into {judgement.kind} in {part} on {case.target}")
        difference = _of_subject(check, part, case, judgement)
        found.append(_written(difference, check, out))
    return found


def _of_subject(check: Check, part: str, case: Case, judgement: Judgement) -> Difference:
    subject = check.described.subject
    difference = Difference(
        part, case.target, judgement, told_where(judgement.where, subject), layer=check.layer(case, judgement)
    )
    way, _ = check.ways[case.text]
    script = subject_script(subject, way, case, judgement, subject.title)
    if not script:
        return replace(difference, note="there is no script: what differs is no number, or the subject is in no file")
    return shown(difference, script, case)


def shown(difference: Difference, script: str, case: Case) -> Difference:
    """The difference with a script, which was run afresh; where it does not show it, the note says so."""
    seen = replay(script, python=split_target(case.target)[1], seconds=SCRIPT_SECONDS)
    note = "" if seen.shows_bug else f"the script, run afresh, ended with {seen.last_line[:100] or 'nothing'}"
    return replace(difference, script=script, note="; ".join(filter(None, (difference.note, note))))


def _written(difference: Difference, check: Check, out: Path | None) -> Difference:
    """The difference with its script in a file."""
    if out is None or not difference.script:
        return difference
    out.mkdir(parents=True, exist_ok=True)
    stem = re.sub(r"\W+", "-", f"{difference.part}-{difference.judgement.kind}-{difference.target}").strip("-")
    file, number = out / f"{stem}.py", 1
    while file.exists():
        number += 1
        file = out / f"{stem}-{number}.py"
    file.write_text(difference.script, encoding="utf-8")
    return replace(difference, file=str(file))
