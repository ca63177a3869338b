"""What differs, made presentable: its layer, the operation and the line of the user's, a script that shows it.

case of the subject -> the same on the program that it was lifted to? -> parted, reduced, scripted as any finding
                    -> else: the subject's graph cut after each operation, on the target, with its own numbers
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from assay.backends import split_target
from assay.campaign import assemble
from assay.campaign.examine import case_runner, examine
from assay.checking.checker import SIZES, TRANSFORMS, Check
from assay.checking.cutting import first_wrong
from assay.checking.derivatives import PART as DERIVATIVES
from assay.checking.derivatives import told
from assay.checking.described import SOURCE, told_where
from assay.checking.lift import Lifted
from assay.checking.report import Difference
from assay.checking.scripts import subject_script
from assay.emit.cases import build_case
from assay.ir.case import Case
from assay.ir.program import Operation, walk
from assay.ir.serialize import program_from_json
from assay.ops.catalogue import load
from assay.ops.facts import Unsatisfied
from assay.oracles.verdict import FINDINGS, Judgement, Verdict
from assay.triage.explain import NUMERIC, explain_finding
from assay.triage.finding import triage_finding
from assay.triage.predicate import same_finding
from assay.triage.replay import replay

SCRIPT_SECONDS = 300.0
TRIAGE_SECONDS = 45.0
"""How long one difference may be reduced; on a target that compiles C++ this is a dozen runs."""


def differences_of(check: Check, lifted: dict[bool, Lifted | str], out: Path | None) -> list[Difference]:
    """Every difference that was found, each once: where two ways to call the subject show the same in the same place,
    they are one."""
    found: list[Difference] = []
    for part, case, judgement, transforms in check.differences:
        known = next((each for each in found if _is_one(each, case, judgement) and not transforms), None)
        if known is not None:
            found[found.index(known)] = replace(known, part=f"{known.part}, {part}")
            continue
        check.tell(f"looking into {judgement.kind} in {part} on {case.target}")
        if part == DERIVATIVES:
            difference = told(check, case, judgement)
            if difference.script:
                difference = shown(difference, difference.script, case)
        elif case.recipe.get("program") is not None:
            difference = _triaged(check, part, case, judgement, lifted[False])
        else:
            difference = _of_subject(check, part, case, judgement, lifted.get(case.training, "not tried"))
            difference = replace(difference, transforms=tuple(filter(None, transforms.split(", "))))
        found.append(_written(difference, out))
    return found


def _is_one(known: Difference, case: Case, judgement: Judgement) -> bool:
    theirs = known.judgement
    same = (theirs.verdict, theirs.kind, theirs.where) == (judgement.verdict, judgement.kind, judgement.where)
    return same and known.target == case.target and not known.transforms


def _of_subject(check: Check, part: str, case: Case, judgement: Judgement, lifted: Lifted | str) -> Difference:
    """A difference of the subject as it is."""
    subject = check.described.subject
    difference = Difference(part, case.target, judgement, told_where(judgement.where, subject))
    if isinstance(lifted, Lifted) and part != TRANSFORMS:
        reduced = _on_lifted(check, difference, case, lifted)
        if reduced is not None:
            return reduced
    difference = replace(difference, layer=check.layer(case, judgement))
    if part not in (SIZES, TRANSFORMS):
        cut = first_wrong(check, case, judgement)
        if cut is not None:
            difference = replace(difference, operators=cut.operators, origin=cut.origin, text=cut.text)
    way, extra = check.ways[case.text]
    script = subject_script(subject, way, case, judgement, subject.title, extra)
    if not script:
        return replace(
            difference, note="there is no script: the subject is in no file, or no script compares this kind"
        )
    return shown(difference, script, case)


def _on_lifted(check: Check, difference: Difference, case: Case, lifted: Lifted) -> Difference | None:
    """The same difference on the lifted program, reduced and with a script that needs no file of the user's; None
    where that does not show it."""
    try:
        like = build_case(lifted.program, source=SOURCE, target=case.target, options=case.options)
    except Unsatisfied:
        return None
    found = examine(like, check.run_text, assemble.judge, assemble.witnesses).judgement
    first = difference.judgement
    if found.verdict not in FINDINGS or (found.verdict, found.kind) != (first.verdict, first.kind):
        return None
    told = _triaged(check, difference.part, like, found, lifted)
    return replace(told, judgement=first, where=difference.where)


def _triaged(check: Check, part: str, case: Case, judgement: Judgement, lifted: Lifted | str) -> Difference:
    """A difference of a lifted program: parted, reduced, localised and scripted as any finding is."""
    run_case = case_runner(check.run_text, assemble.judge, assemble.witnesses)
    triaged = triage_finding(case, judgement, run_case, most_seconds=TRIAGE_SECONDS)
    difference = Difference(
        part,
        case.target,
        judgement,
        told_where(judgement.where, check.described.subject),
        layer=triaged.layer,
        operators=_operators(triaged.case, triaged.judgement, check),
        transforms=triaged.transforms,
        script=triaged.script,
        note=triaged.notes,
    )
    if isinstance(lifted, Lifted) and same_finding(judgement, triaged.judgement):
        origin, text = _origin(lifted, difference.operators, lambda: _parted(case, judgement, check))
        difference = replace(difference, origin=origin, text=text)
    return difference


def _operators(case: Case, judgement: Judgement, check: Check) -> tuple[str, ...]:
    """The operators to blame of a reduced case: the one at which they part, where that can be seen, before the rest;
    calls that no specification says by their own names."""
    program = program_from_json(case.recipe["program"])
    catalogue = load()
    names = list(case.operators)
    names += [
        match for each in program.body for match in re.findall(r"torch\.ops\.([\w.]+)", getattr(each, "text", ""))
    ]
    if len(names) > 1 and judgement.verdict is Verdict.Mismatch and judgement.kind in NUMERIC:
        parting = explain_finding(case, check.run_text, assemble.judge, assemble.witnesses).parting
        if parting is not None and parting.statement is not None:
            statement = program.body[parting.statement]
            text = getattr(statement, "text", "")
            first = (
                [statement.operator] if isinstance(statement, Operation) else re.findall(r"torch\.ops\.([\w.]+)", text)
            )
            names = first or names
    return tuple(f"{name} ({catalogue[name].torch})" if name in catalogue else name for name in dict.fromkeys(names))


def _parted(case: Case, judgement: Judgement, check: Check) -> tuple[str, ...]:
    """What the statement gives at which eager and the target part, in a case that was not reduced."""
    if judgement.verdict is not Verdict.Mismatch or judgement.kind not in NUMERIC or check.late:
        return ()
    explained = explain_finding(case, check.run_text, assemble.judge, assemble.witnesses, TRIAGE_SECONDS)
    parting = explained.parting
    if parting is None or parting.statement is None:
        return ()
    statement = program_from_json(case.recipe["program"]).body[parting.statement]
    return tuple(value.name for each in walk((statement,)) for value in each.results)


def _origin(lifted: Lifted, operators: tuple[str, ...], parted: Callable[[], tuple[str, ...]]) -> tuple[str, str]:
    """The line that the operators to blame come from. Where there are several, that of the one which gives what
    ``parted`` says; else the first, and how many others there are."""
    wanted = {name.partition(" ")[0] for name in operators}
    found = [
        (statement, origin)
        for statement, origin in zip(lifted.program.body, lifted.origins, strict=True)
        if origin[0]
        and (
            (isinstance(statement, Operation) and statement.operator in wanted)
            or any(f"torch.ops.{name}(" in getattr(statement, "text", "") for name in wanted)
        )
    ]
    distinct = list(dict.fromkeys(origin for _, origin in found))
    if len(distinct) > 1:
        names = set(parted())
        exact = [origin for statement, origin in found if names & {value.name for value in statement.results}]
        distinct = exact[:1] or distinct
    if not distinct:
        return "", ""
    where, text = distinct[0]
    others = len(distinct) - 1
    more = f" and {others} other place{'s' if others > 1 else ''}" if others else ""
    return f"{where}{more}", text


def shown(difference: Difference, script: str, case: Case) -> Difference:
    """The difference with a script, which was run afresh; where it does not show it, the note says so."""
    seen = replay(script, python=split_target(case.target)[1], seconds=SCRIPT_SECONDS)
    note = "" if seen.shows_bug else f"the script, run afresh, ended with {seen.last_line[:100] or 'nothing'}"
    return replace(difference, script=script, note="; ".join(filter(None, (difference.note, note))))


def _written(difference: Difference, out: Path | None) -> Difference:
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
