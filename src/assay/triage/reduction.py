"""The loop of reduction: take the first simpler candidate that is still the same finding, until there is none.

    subject -> reducers -> candidate -> cleaned, typed anew -> case -> run -> same finding? -> subject

What costs is running, so that is what the budget counts. A candidate that is no program, or ran before, costs nothing.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from assay.campaign.bench import Abandoned
from assay.ir.case import Case
from assay.ir.program import Tree, output_names
from assay.ops.facts import Unsatisfied
from assay.oracles.verdict import Judgement
from assay.triage.liveness import unneeded, unpromised, without_dead
from assay.triage.places import accused
from assay.triage.predicate import same_finding
from assay.triage.registry import Reducer, reducers
from assay.triage.subject import Subject, subject_of
from assay.triage.typing_anew import typed

RunCase = Callable[[Case], Judgement]


@dataclass(frozen=True, slots=True)
class Budget:
    """How many cases a reduction may run, and for how many seconds it may go on starting them."""

    executions: int = 150
    seconds: float = 600.0


_OUTPUT = re.compile(r"\boutput (\d+)")

CHEAP = Budget(150, 300.0)
DEAR = Budget(60, 600.0)


@dataclass(frozen=True, slots=True)
class Reduction:
    """What a reduction came to. ``steps`` names the reducers that had candidates taken; ``complete``: none was left."""

    case: Case
    judgement: Judgement
    steps: tuple[str, ...]
    executions: int
    seconds: float
    complete: bool


@dataclass
class _State:
    subject: Subject
    case: Case
    judgement: Judgement
    steps: list[str] = field(default_factory=list)
    executions: int = 0
    seen: set[str] = field(default_factory=set)


def reduce_case(
    case: Case,
    judgement: Judgement,
    run_case: RunCase,
    *,
    budget: Budget = CHEAP,
    using: Sequence[Reducer] | None = None,
    out_of_time: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
) -> Reduction:
    """The simplest case that `run_case` still judges to be the same finding.

    ``run_case`` judges a case with all the evidence that it needs. A case whose recipe holds no program stays as it is.
    """
    begun = clock()
    subject = subject_of(case)
    if subject is None:
        return Reduction(case, judgement, (), 0, 0.0, complete=False)
    state = _State(subject, case, judgement, seen={case.id})
    chosen = (_accused_output(state), *reducers()) if using is None else using

    def spent() -> bool:
        return state.executions >= budget.executions or clock() - begun >= budget.seconds or out_of_time()

    complete = False
    while not spent() and not complete:
        try:
            taken = [_exhaust(reducer, state, judgement, run_case, spent) for reducer in chosen]
        except Abandoned:
            break
        complete = not any(taken) and not spent()
    seconds = clock() - begun
    return Reduction(state.case, state.judgement, tuple(state.steps), state.executions, seconds, complete)


def _accused_output(state: _State) -> Reducer:
    """Only the output that the finding accuses, or that and those that its detail names: often most of the way at
    once."""

    def candidates(subject: Subject) -> Iterator[Subject]:
        leaf = accused(subject.program, state.judgement.where).leaf
        outputs = output_names(subject.program.outputs)
        if leaf is None or leaf >= len(outputs):
            return
        beside = {int(number) for number in _OUTPUT.findall(state.judgement.detail)} & set(range(len(outputs)))
        for numbers in ([leaf], sorted({leaf, *beside})):
            if len(numbers) < len(outputs):
                kept = tuple(outputs[number] for number in numbers)
                tree: Tree = kept[0] if len(kept) == 1 else ("tuple", kept, ())
                yield subject.with_program(replace(subject.program, outputs=tree))

    return Reducer("accused-output", 0, candidates)


def _exhaust(reducer: Reducer, state: _State, wanted: Judgement, run_case: RunCase, spent: Callable[[], bool]) -> bool:
    """Take candidates of one reducer as long as there are any; whether any was taken."""
    start, any_taken = 0, False
    while True:
        spared = unneeded(state.subject.program)
        open_before = bool(unpromised(state.subject.program))
        for position, candidate in enumerate(reducer.candidates(state.subject)):
            if position < start:
                continue
            if spent():
                return any_taken
            made = prepared(candidate, spared)
            if made is None or made[1].id in state.seen:
                continue
            if not open_before and unpromised(made[0].program):
                # Two systems may differ there and both be right.
                continue
            state.seen.add(made[1].id)
            state.executions += 1
            found = run_case(made[1])
            if same_finding(wanted, found):
                state.subject, state.case = made
                state.judgement = found
                state.steps.append(reducer.name)
                any_taken = True
                start = position if reducer.sweep else 0
                break
        else:
            return any_taken


def prepared(candidate: Subject, spared: frozenset[str] = frozenset()) -> tuple[Subject, Case] | None:
    """The candidate cleaned, typed anew and made a case; None if it is no program. Dead code in ``spared`` stays."""
    program = typed(without_dead(candidate.program, spared))
    if program is None or not program.calls:
        return None
    subject = candidate.with_program(program)
    try:
        return subject, subject.case()
    except Unsatisfied:
        # A size that no input carries any more, or a shape that a framework writes in no way.
        return None
