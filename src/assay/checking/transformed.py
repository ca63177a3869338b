"""Transforms of a subject: of the program that it was lifted to, and around a call of it as it is.

The second needs nothing of the subject: its call is one statement of text, and what is rewritten is the Python around.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from assay.checking.checker import TRANSFORMS, Check, options_of
from assay.checking.described import SOURCE
from assay.checking.lift import Lifted
from assay.checking.report import Part
from assay.checking.texts import Way
from assay.emit.cases import build_case
from assay.emit.torch import function_lines
from assay.ir.case import Case
from assay.ir.program import FOUND, Argument, Call, Data, Input, Opaque, Program, Value
from assay.ir.types import ANY, ScalarType, TensorType
from assay.ops.facts import Unsatisfied
from assay.ops.python_forms import modules_in
from assay.oracles.verdict import FINDINGS, Verdict
from assay.transforms.apply import apply_all, dealt

MOST = 3
"""Transforms of one program."""

COMMON = 3
"""One program of so many is rewritten around the call of the subject as it is, where it was lifted as well."""


@dataclass(frozen=True)
class Transformed:
    """A case with its transforms; ``around`` where the subject is called as it is."""

    case: Case
    transforms: tuple[str, ...]
    around: bool


def transformed(check: Check, lifted: Lifted | None, target: str) -> Iterator[Transformed]:
    """The transformed programs of a check for a target; the first is the lifted program as it is."""
    for index in range(check.wish.transformed):
        rng = random.Random(f"check {index}")
        names = dealt(0, index, 1 + index % MOST, rng)
        around = lifted is None or index % COMMON == COMMON - 1
        made = None
        if not around and lifted is not None:
            made = _of_program(lifted.program, () if index == 0 else names, target, rng)
        if made is None:
            made = _around(check, names, target, rng)
        if made is not None:
            yield made


def _of_program(program: Program, names: tuple[str, ...], target: str, rng: random.Random) -> Transformed | None:
    try:
        changed, done = apply_all(program, names, rng)
        case = build_case(changed, source=SOURCE, target=target, options=options_of(target))
    except Unsatisfied:
        return None
    return Transformed(case, done, False)


def _around(check: Check, names: tuple[str, ...], target: str, rng: random.Random) -> Transformed | None:
    """A call of the subject as it is, with rewrites around it; None where no transform finds a site."""
    subject = check.described.subject
    program = _calling(check)
    # A file has only so many places around one call: what finds none is followed by others.
    # What changes between the calls is part of a program's inputs, and here they are the user's.
    known = [name for name in (*names, *dealt(1, rng.randrange(1 << 16), 6, rng)) if not name.startswith("between.")]
    done: tuple[str, ...] = ()
    for name in known:
        try:
            program, more = apply_all(program, (name,), rng)
        except Unsatisfied:
            continue
        done += more
        if len(done) >= len(names):
            break
    if not done:
        return None
    lines, rewrites = function_lines(program)
    definitions = rewrites.lines
    if subject.module:
        lines = [line.replace("def program(", "def program(model, ", 1) for line in lines]
    text = "\n".join([*definitions, *lines])
    imports = [f"import {name}" for name in modules_in(text)]
    extra = ("", "", *imports, "", "", *definitions, *lines)
    return Transformed(check.case(Way(), target, extra), done, True)


def _calling(check: Check) -> Program:
    """The program of one statement: a call of the subject."""
    described = check.described
    subject = described.subject
    names = [*subject.names, *subject.keywords]
    given = ", ".join([*subject.names, *(f"{name}={name}" for name in subject.keywords)])
    called = "model" if subject.module else "SUBJECT"
    whole = {leaf.name: leaf for leaf in described.leaves}
    inputs, arguments = [], []
    for name in names:
        leaf = whole.get(name)
        if leaf is not None and leaf.dtype in ANY:
            inputs.append(Input(Value(name, TensorType(leaf.dtype, leaf.shape), name)))
            arguments.append((name, Argument(Data(0.0, 1.0, 2))))
        else:
            inputs.append(Input(Value(name, ScalarType("object"))))
            arguments.append((name, Argument()))
    result = Value("result", ScalarType("object"))
    statement = Opaque(f"result = {called}({given})", tuple(names), (), (result,))
    return Program((), 1, tuple(inputs), (statement,), "result", (Call(0, tuple(arguments)),), values=FOUND)


def compare_transformed(check: Check, lifted: Lifted | None) -> None:
    """Compare the transformed programs; up the ladder each the less often, the dearer a rung is."""
    differing = {case.target for _, case, _, _ in check.differences}
    for place, target in enumerate(check.targets):
        if check.climbs and differing:
            break
        if target in differing:
            check.parts.append(Part(TRANSFORMS, target, 0, None, "not begun: it differs without them"))
            continue
        step = 1 << place if check.climbs else 1
        _compare_on(check, lifted, target, step)


def _compare_on(check: Check, lifted: Lifted | None, target: str, step: int) -> None:
    done, undecided = 0, 0
    for number, each in enumerate(transformed(check, lifted, target)):
        if number % step:
            continue
        if check.late:
            check.notes.append(f"transforms on {target}: {done} compared, then time was up")
            break
        check.tell(f"transforms on {target}: {', '.join(each.transforms) or 'none, as it was lifted'}")
        found = check.examined(each.case)
        judgement = found.judgement
        if judgement.verdict in FINDINGS:
            check.parts.append(Part(TRANSFORMS, target, 1, False, f"{judgement.kind}: {', '.join(each.transforms)}"))
            name = TRANSFORMS if each.transforms else "lifted"
            check.differences.append((name, each.case, judgement, ", ".join(each.transforms)))
            return
        if judgement.verdict is Verdict.Pass:
            done += 1
        else:
            undecided += 1
            if judgement.verdict is Verdict.Invalid:
                check.notes.append(f"a transformed program is not valid: {judgement.detail.splitlines()[0][:160]}")
    note = f"{undecided} undecided" if undecided else ""
    if done or undecided:
        check.parts.append(Part(TRANSFORMS, target, done, True if done else None, note))
