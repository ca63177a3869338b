"""Findings on their way into buckets: which is triaged next, which is counted into a known bucket unseen, and what
happens when time is up.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Collection

from assay.campaign.bench import Abandoned
from assay.campaign.findings import COUNTED, REDUCED, UNREDUCED, Bucket, Finding, RunCase, Triage, Triaged
from assay.campaign.store import Store
from assay.ir.case import Case
from assay.oracles.verdict import Judgement

KNOWN_AFTER = 3
"""So many findings of one coarse key must have been reduced to one bucket before others are counted into it unseen; of
exceptions that their signature tells apart one is enough."""

LOOK_AT = 10
"""Of those, this one is reduced nevertheless, and again each time that their number has doubled: the guard against two
causes that look alike."""


def unreduced(case: Case, judgement: Judgement) -> Triaged:
    """A finding as it is, where there is no triage: the text of the case serves as its script."""
    return Triaged(case, judgement, judgement.signature, case.operators, case.transforms, case.text, reduced=False)


class Filing:
    """The queue of raw findings and the way into buckets. Its methods may be called from any thread."""

    def __init__(self, store: Store, triage: Triage | None) -> None:
        self._store = store
        self._triage = triage
        self._turn = threading.Lock()
        if triage is not None:
            # A campaign that was stopped filed what it had no time to reduce; now there is time.
            store.take_back_unreduced()
        self._queue: deque[Finding] = deque(store.findings("raw"))
        # By coarse key: how many findings were reduced to each bucket, how many were counted unseen, and
        # buckets filed unreduced.
        self._reduced: dict[tuple[str, str, str], Counter[str]] = {}
        self._counted: Counter[tuple[str, str, str]] = Counter()
        self._unreduced: dict[tuple[str, str, str], str] = {}
        for finding in store.findings():
            self._remember(finding)

    def __len__(self) -> int:
        with self._turn:
            return len(self._queue)

    def add(self, finding: Finding) -> None:
        """Queue a finding that was committed."""
        with self._turn:
            self._queue.append(finding)

    def take(self, beside: Collection[Finding] = ()) -> Finding | None:
        """The next finding to be triaged: one whose coarse key was triaged least, so that a flood does not
        bury what is new; and none with the key of those ``beside`` it, which may turn out to be the same.
        """
        taken = {finding.coarse_key for finding in beside}
        with self._turn:
            free = [i for i, finding in enumerate(self._queue) if finding.coarse_key not in taken]
            if not free:
                return None
            index = min(free, key=lambda i: (self._seen(self._queue[i]), i))
            finding = self._queue[index]
            del self._queue[index]
            return finding

    def _seen(self, finding: Finding) -> int:
        return sum(self._reduced.get(finding.coarse_key, Counter()).values())

    def file(self, finding: Finding, run_case: RunCase, out_of_time: Callable[[], bool]) -> tuple[Bucket, bool]:
        """Put a finding into a bucket, reducing it unless its cause is known or time is up; the bucket, and
        whether it is new.
        """
        late = out_of_time()
        known = self._known_bucket(finding, late)
        if known is not None:
            self._store.add_to_bucket(finding, known.id, COUNTED)
            self._remember(_with(finding, COUNTED, known.id))
            return known, False
        if self._triage is None:
            triaged = unreduced(finding.case, finding.judgement)
        else:
            try:
                triaged = self._triage(finding.case, finding.judgement, run_case, out_of_time=out_of_time)
            except Abandoned:
                if not out_of_time():
                    raise
                triaged = unreduced(finding.case, finding.judgement)
        status = UNREDUCED if late or not triaged.reduced else REDUCED
        bucket, new = self._store.file(finding, triaged, status)
        self._remember(_with(finding, status, bucket.id))
        return bucket, new

    def _remember(self, finding: Finding) -> None:
        with self._turn:
            key = finding.coarse_key
            if finding.bucket is None:
                return
            if finding.status == REDUCED:
                self._reduced.setdefault(key, Counter())[finding.bucket] += 1
            elif finding.status == COUNTED:
                self._counted[key] += 1
            else:
                self._unreduced.setdefault(key, finding.bucket)

    def would_count(self, finding: Finding) -> bool:
        """Whether a finding would be counted into a known bucket unseen, as things stand."""
        with self._turn:
            if finding.coarse_key not in self._reduced:
                return self._triage is None and finding.coarse_key in self._unreduced
        bucket, count = self._likely(finding)
        return bucket is not None and self._is_enough(finding, count) and not self._is_looked_at(finding)

    def _likely(self, finding: Finding) -> tuple[Bucket | None, int]:
        """The bucket that most findings of the same coarse key were reduced to and whose operators this one has, and
        how many were."""
        operators, told = set(finding.case.operators), finding.is_told_by_signature
        buckets = {bucket.id: bucket for bucket in self._store.buckets()}
        with self._turn:
            for identity, count in self._reduced.get(finding.coarse_key, Counter()).most_common():
                bucket = buckets.get(identity)
                if bucket is not None and (told or operators.issuperset(bucket.operators)):
                    return bucket, count
        return None, 0

    @staticmethod
    def _is_enough(finding: Finding, reduced: int) -> bool:
        return reduced >= (1 if finding.is_told_by_signature else KNOWN_AFTER)

    def _is_looked_at(self, finding: Finding) -> bool:
        """Whether this one is reduced although its cause is known."""
        with self._turn:
            turns, rest = divmod(self._counted[finding.coarse_key] + 1, LOOK_AT)
        return not rest and turns.bit_count() == 1

    def _known_bucket(self, finding: Finding, time_is_up: bool) -> Bucket | None:
        bucket, count = self._likely(finding)
        if bucket is not None and time_is_up:
            return bucket
        if bucket is not None and self._is_enough(finding, count):
            if not self._is_looked_at(finding):
                return bucket
            with self._turn:
                self._counted[finding.coarse_key] += 1
            return None
        if not (time_is_up or self._triage is None):
            return None
        with self._turn:
            unreduced = self._unreduced.get(finding.coarse_key, "")
        return next((each for each in self._store.buckets() if each.id == unreduced), None)


def _with(finding: Finding, status: str, bucket: str) -> Finding:
    return Finding(finding.case, finding.judgement, finding.index, status, bucket)
