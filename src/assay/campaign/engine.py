"""The engine of a campaign: hands out case indices in order, keeps workers busy, commits what becomes of each case,
files findings.

    make(index) --> queue --> a thread per job: journal, run, judge, confirm, commit
                                 findings --> one thread, or more where time is short: triage --> buckets

What makes cases, runs them, judges them and triages them are parameters, so that the engine is tested without a
framework.
"""

from __future__ import annotations

import json
import resource
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from assay.campaign.bench import Abandoned, Bench
from assay.campaign.climbing import climb
from assay.campaign.examine import Examination, Judge, Witnesses, case_runner, examine
from assay.campaign.filing import Filing
from assay.campaign.findings import Bucket, CaseResult, Finding, Triage
from assay.campaign.progress import Event, FiledFinding, FoundFinding, InvalidCase, Snapshot, Tally
from assay.campaign.store import Store
from assay.ir.case import Case
from assay.oracles.outcome import Code
from assay.oracles.verdict import FINDINGS, Judgement, Verdict

TICK_SECONDS = 0.25
ACCOUNT_SECONDS = 1.0
GRACE_SHARE = 0.2
"""What may follow the deadline, as a share of the time that was asked for: cases in progress, then triage."""

LEAST_GRACE_SECONDS = 10.0

TRIAGE_SECONDS = 30.0
"""What a finding is expected to take before any has been triaged."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a campaign is made of. ``make`` gives the case at an index and may take a while, ``end_making`` ends what it
    has started, in the same thread; ``start_bench`` a thread's workers; ``instead`` the case that judges what an
    invalid one was held against, if there is one.
    """

    make: Callable[[int], Case]
    start_bench: Callable[[], Bench]
    judge: Judge
    witnesses: Witnesses
    triage: Triage | None
    instead: Callable[[Case], Case | None] = lambda case: None
    end_making: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Budget:
    """When to stop: after the indices below ``cases``, or at ``deadline`` (of `time.monotonic`), ``seconds``
    after the start.
    """

    cases: int | None = None
    deadline: float | None = None
    seconds: float | None = None

    @property
    def last_moment(self) -> float | None:
        """When even what is in progress is given up."""
        if self.deadline is None or self.seconds is None:
            return None
        return self.deadline + max(GRACE_SHARE * self.seconds, LEAST_GRACE_SECONDS)


class Engine:
    """One sitting of a campaign. `run` returns when the budget is spent; `stop` and `snapshot` may be called from
    any thread.
    """

    def __init__(
        self,
        store: Store,
        parts: Parts,
        budget: Budget,
        *,
        jobs: int,
        observe: Callable[[Event], None],
        attempts: int = 2,
    ) -> None:
        self._store = store
        self._parts = parts
        self._budget = budget
        self._jobs = jobs
        self._observe = observe
        self._attempts = attempts
        self._changed = threading.Condition(threading.RLock())
        self._ready: deque[tuple[int, Case]] = deque()
        self._interrupted: deque[int] = deque()
        self._next = store.next_index()
        self._exhausted = False
        self._stopping = False
        self._abandoned = False
        self._triaging: list[Finding] = []
        self._triaged = 0
        self._triage_seconds = 0.0
        self._working = 0
        self._running: dict[int, str] = {}
        self._failure: BaseException | None = None
        self._benches: list[Bench] = []
        self._filing = Filing(store, parts.triage)
        self._tally = Tally()
        for target, verdict, engaged, count, seconds in store.counts():
            self._tally.add(target, verdict, engaged, count, seconds)
        self._found = len(store.findings())
        self._buckets = len(store.buckets())
        self._started = time.monotonic()
        self._first_cases = self._tally.cases
        self._last_new: float | None = None

    # --- from outside

    def run(self) -> None:
        """Run until the budget is spent or `stop` is called, and file what was found. Re-raises what went
        wrong in Assay itself.
        """
        session = self._store.begin_session()
        self._give_up_on_killers()
        maker = threading.Thread(target=self._guard, args=(self._make_cases,), name="assay-make", daemon=True)
        workers = [
            threading.Thread(target=self._guard, args=(self._work,), name=f"assay-job-{number}", daemon=True)
            for number in range(self._jobs)
        ]
        for thread in (maker, *workers):
            thread.start()
        accounted = 0.0
        while any(worker.is_alive() for worker in workers):
            next(worker for worker in workers if worker.is_alive()).join(TICK_SECONDS)
            now = time.monotonic()
            if now - accounted >= ACCOUNT_SECONDS:
                accounted = now
                self._account(session)
            with self._changed:
                if self._out_of_time():
                    self._changed.notify_all()
            if (last := self._budget.last_moment) is not None and now > last:
                self.abandon()
        maker.join()
        self._file_the_rest()
        self._account(session)
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Hand out nothing more; finish what is in progress."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def abandon(self) -> None:
        """Give up what is in progress; a resumed campaign runs it again."""
        with self._changed:
            if self._abandoned:
                return
            self._abandoned = self._stopping = True
            self._changed.notify_all()
        for bench in tuple(self._benches):
            bench.abandon()

    @property
    def stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._stopping

    @property
    def abandoned(self) -> bool:
        """Whether `abandon` was called."""
        return self._abandoned

    def snapshot(self) -> Snapshot:
        """How far the campaign is."""
        now = time.monotonic()
        with self._changed:
            elapsed = now - self._started
            return Snapshot(
                elapsed=elapsed,
                cases=self._tally.cases,
                asked=self._budget.cases,
                seconds_left=None if self._budget.deadline is None else max(0.0, self._budget.deadline - now),
                rate=(self._tally.cases - self._first_cases) / elapsed if elapsed > 0 else 0.0,
                verdicts={target: dict(counts) for target, counts in self._tally.verdicts.items()},
                engaged=dict(self._tally.engaged),
                findings=self._found,
                buckets=self._buckets,
                last_new=None if self._last_new is None else now - self._last_new,
                waiting=len(self._filing) + len(self._triaging),
                running=tuple(self._running.values()),
                stopping=self._stopping,
            )

    # --- making cases

    def _make_cases(self) -> None:
        try:
            self._make_in_order()
        finally:
            self._parts.end_making()

    def _make_in_order(self) -> None:
        """Keep a few cases ready ahead of the workers, in the order of their indices."""
        interrupted = [index for index, _ in self._store.unfinished()]
        for index in interrupted:
            case = self._make(index)
            with self._changed:
                self._ready.append((index, case))
                self._interrupted.append(index)
                self._changed.notify_all()
        index = self._next
        while self._budget.cases is None or index < self._budget.cases:
            with self._changed:
                self._changed.wait_for(lambda: len(self._ready) < 2 * self._jobs or self._no_more())
                if self._no_more():
                    break
            case = self._make(index)
            with self._changed:
                self._ready.append((index, case))
                self._changed.notify_all()
            index += 1
        with self._changed:
            self._exhausted = True
            self._changed.notify_all()

    def _make(self, index: int) -> Case:
        try:
            return self._parts.make(index)
        except Exception:
            # Marked, so that a resumed campaign goes on behind it; and runs those before it that nobody has begun.
            with self._changed:
                for made, case in self._ready:
                    if made >= self._next:
                        self._store.start_case(made, case)
                self._ready.clear()
            self._store.start_case(index, None)
            self._defect(index, None, traceback.format_exc())
            raise

    def _no_more(self) -> bool:
        return self._stopping or self._out_of_time()

    def _out_of_time(self) -> bool:
        return self._budget.deadline is not None and time.monotonic() >= self._budget.deadline

    # --- working on them

    def _work(self) -> None:
        bench = self._parts.start_bench()
        with self._changed:
            self._benches.append(bench)
            if self._abandoned:
                bench.abandon()
        try:
            bench.warm()
            while (job := self._take()) is not None:
                if isinstance(job, Finding):
                    self._file(job, bench)
                else:
                    self._run_case(*job, bench)
        except Abandoned:
            pass
        finally:
            # Here and not later: a server ends with the thread that started it.
            bench.close()

    def _take(self) -> Finding | tuple[int, Case] | None:
        """What to do next; None when there is nothing left. A case is journalled here, so that indices are in
        their order.
        """
        with self._changed:
            while True:
                finding = self._finding_to_triage()
                if finding is not None:
                    self._triaging.append(finding)
                    return finding
                if self._ready and not self._no_more() and self._may_start():
                    index, case = self._ready.popleft()
                    self._store.start_case(index, case)
                    self._running[index] = case.target
                    self._changed.notify_all()
                    return index, case
                no_cases = self._no_more() or (self._exhausted and not self._ready)
                if no_cases and not self._running and (not len(self._filing) or self._stopping):
                    return None
                if no_cases and self._stopping:
                    return None
                self._changed.wait(1.0)

    def _may_start(self) -> bool:
        # Cases during which the campaign died run one at a time, so that one that kills it is known for sure.
        if self._interrupted:
            return not self._running and self._ready[0][0] == self._interrupted[0]
        return True

    def _finding_to_triage(self) -> Finding | None:
        if self._stopping or not len(self._filing):
            return None
        if self._triaging:
            return self._filing.take(self._triaging) if self._is_short_of_time() else None
        # With one job, finding and filing share it evenly.
        busy = self._triage_seconds > 0.5 * (time.monotonic() - self._started)
        if self._jobs == 1 and busy and not self._no_more() and not (self._exhausted and not self._ready):
            return None
        return self._filing.take()

    def _is_short_of_time(self) -> bool:
        """Whether one thread would not get through what waits: a few more cases are worth less than a finding that is
        reduced."""
        if self._no_more() or (self._exhausted and not self._ready):
            return True
        if (last := self._budget.last_moment) is None:
            return False
        each = self._triage_seconds / self._triaged if self._triaged else TRIAGE_SECONDS
        return each * (len(self._filing) + len(self._triaging)) > last - time.monotonic()

    def _run_case(self, index: int, case: Case, bench: Bench) -> None:
        parts = self._parts
        try:
            seen, examination = climb(case, bench.run, parts.judge, parts.witnesses, self._is_known)
            if examination.judgement.verdict is Verdict.Invalid and (accused := parts.instead(case)) is not None:
                # Perhaps it is the reference that is wrong: then it is that which is to be judged.
                other = examine(accused, bench.run, parts.judge, parts.witnesses)
                if other.judgement.verdict in FINDINGS:
                    case, seen, examination = accused, accused, other
        except Abandoned:
            raise
        except Exception:
            self._defect(index, case, traceback.format_exc())
            raise
        self._commit(index, case, seen, examination)

    def _is_known(self, case: Case, judgement: Judgement) -> bool:
        return self._filing.would_count(Finding(case, judgement, 0))

    def _commit(self, index: int, case: Case, seen: Case, examination: Examination) -> None:
        """Keep what became of a case; ``seen`` is the case as it was when the examination ended, perhaps on a lower
        rung than its target, which is then what is accused."""
        judgement = examination.judgement
        finding = Finding(seen, judgement, index) if judgement.verdict in FINDINGS else None
        saved = None
        if judgement.verdict is Verdict.Invalid:
            saved = self._store.save(_saved(index, case, judgement.detail), ".json")
        result = CaseResult(index, judgement, examination.engaged, examination.sut_seconds)
        with self._changed:
            if self._abandoned:
                raise Abandoned
            if self._store.finish_case(result, finding, saved):
                self._tally.add(case.target, judgement.verdict.value, examination.engaged, 1, examination.sut_seconds)
            self._running.pop(index, None)
            if self._interrupted and self._interrupted[0] == index:
                self._interrupted.popleft()
            if finding is not None:
                self._found += 1
                self._last_new = time.monotonic()
                self._filing.add(finding)
            self._changed.notify_all()
        if finding is not None:
            self._observe(FoundFinding(finding))
        if saved is not None:
            self._observe(InvalidCase(index, judgement, saved))

    def _file(self, finding: Finding, bench: Bench) -> None:
        began = time.monotonic()
        last = self._budget.last_moment

        def out_of_time() -> bool:
            # A little before the very last moment, so that what triage has by then is kept.
            return self._stopping or (last is not None and time.monotonic() > last - 2.0)

        try:
            self._tell_filed(
                finding,
                *self._filing.file(
                    finding, case_runner(bench.run, self._parts.judge, self._parts.witnesses), out_of_time
                ),
            )
        except Abandoned:
            self._filing.add(finding)
            raise
        finally:
            with self._changed:
                self._triaging.remove(finding)
                self._triaged += 1
                self._triage_seconds += time.monotonic() - began
                self._changed.notify_all()

    def _file_the_rest(self) -> None:
        """File, unreduced, what there was no time to triage."""

        def run_nothing(case: Case, *, alone: bool = False, confirm: bool = False, code: Code = "merged") -> Judgement:
            raise Abandoned

        while self._failure is None and (finding := self._filing.take()) is not None:
            self._tell_filed(finding, *self._filing.file(finding, run_nothing, lambda: True))

    def _tell_filed(self, finding: Finding, bucket: Bucket, new: bool) -> None:
        with self._changed:
            self._buckets = len(self._store.buckets())
        self._observe(FiledFinding(finding, bucket, new))

    # --- what goes wrong

    def _give_up_on_killers(self) -> None:
        for index, attempts in self._store.unfinished():
            if attempts >= self._attempts:
                self._defect(
                    index, None, f"Assay was killed {attempts} times while this case ran; it is not tried again"
                )

    def _defect(self, index: int, case: Case | None, detail: str) -> None:
        """Count a case that Assay failed on as Invalid, and save it."""
        judgement = Judgement(Verdict.Invalid, None, "", detail, "defect of Assay")
        saved = self._store.save(_saved(index, case, detail), ".json")
        with self._changed:
            if self._store.finish_case(CaseResult(index, judgement, False), None, saved):
                self._tally.add("" if case is None else case.target, judgement.verdict.value, False)
            self._running.pop(index, None)
        self._observe(InvalidCase(index, judgement, saved))

    def _guard(self, task: Callable[[], None]) -> None:
        """Run a thread's task; whatever it raises stops the campaign and is raised by `run`."""
        try:
            task()
        except BaseException as error:
            with self._changed:
                self._failure = self._failure or error
                self._stopping = True
                self._changed.notify_all()

    def _account(self, session: int) -> None:
        # Living workers are not among the children that were waited for; at the end everything is, scripts of
        # findings too.
        workers = sum(bench.cpu_seconds() for bench in tuple(self._benches))
        cpu = _cpu(resource.RUSAGE_SELF) + max(workers, _cpu(resource.RUSAGE_CHILDREN))
        self._store.spend(session, time.monotonic() - self._started, cpu)


def _cpu(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def _saved(index: int, case: Case | None, detail: str) -> str:
    content = {"index": index, "detail": detail, "case": None if case is None else case.to_json()}
    return json.dumps(content, indent=1, sort_keys=True)
