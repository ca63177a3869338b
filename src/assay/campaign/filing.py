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

EVERY = 10
"""Of those, every so manieth is reduced nevertheless: the guard against two causes that look alike."""


def unreduced(case: Case, judgement: Judgement) -> Triaged:
    """A finding as it is, where there is no triage: the text of the case serves as its script."""
    return Triaged(case, judgement, judgement.signature, case.operators, case.transforms, case.text, reduced=False)


class Filing:
    """The queue of raw findings and the way into buckets. Its methods may be called from any thread."""

    def __init__(self, store: Store, triage: Triage | None) -> None:
        self._store = store
        self._triage = triage
        self._turn = threading.Lock()
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

    def _known_bucket(self, finding: Finding, time_is_up: bool) -> Bucket | None:
        key, operators = finding.coarse_key, set(finding.case.operators)
        told = finding.is_told_by_signature
        needed = 1 if told else KNOWN_AFTER
        buckets = {bucket.id: bucket for bucket in self._store.buckets()}
        with self._turn:
            for identity, count in self._reduced.get(key, Counter()).most_common():
                bucket = buckets.get(identity)
                if bucket is None or not (told or operators.issuperset(bucket.operators)):
                    continue
                if time_is_up:
                    return bucket
                if count >= needed and (self._counted[key] + 1) % EVERY:
                    return bucket
                if count >= needed:
                    self._counted[key] += 1
                    return None
            return buckets.get(self._unreduced.get(key, "")) if time_is_up or self._triage is None else None


def _with(finding: Finding, status: str, bucket: str) -> Finding:
    return Finding(finding.case, finding.judgement, finding.index, status, bucket)
