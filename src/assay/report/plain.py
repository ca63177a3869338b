"""A campaign told line by line: where there is no terminal, and beside `--json`."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import TextIO

from assay.campaign.findings import Finding
from assay.campaign.progress import Event, FiledFinding, FoundFinding, InvalidCase, Note, Snapshot
from assay.report.summary import clock, share

EVERY_SECONDS = 10.0


class PlainDisplay:
    """Prints events as they come, and how far things are every ten seconds. A context manager; `show` may be
    called from any thread.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._turn = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self, snapshot: Callable[[], Snapshot]) -> None:
        """Begin to tell how far things are."""
        self._thread = threading.Thread(target=self._tell, args=(snapshot,), daemon=True)
        self._thread.start()

    def show(self, event: Event) -> None:
        """Tell of an event."""
        self._print(event_line(event))

    def _tell(self, snapshot: Callable[[], Snapshot]) -> None:
        while not self._ended.wait(EVERY_SECONDS):
            self._print(progress_line(snapshot()))

    def _print(self, line: str) -> None:
        with self._turn:
            print(line, file=self._stream, flush=True)

    def __enter__(self) -> PlainDisplay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join(2.0)


def progress_line(now: Snapshot) -> str:
    """How far a campaign is, in one line."""
    engaged = sum(now.engaged.values())
    left = f", {clock(now.seconds_left)} left" if now.seconds_left is not None else ""
    asked = f"/{now.asked}" if now.asked is not None else ""
    state = "; stopping" if now.stopping else "" if now.cases or now.running else "; starting workers"
    waiting = f" ({now.waiting} to reduce)" if now.waiting else ""
    return (
        f"[{clock(now.elapsed)}] {now.cases}{asked} cases, {now.rate:.1f}/s, "
        f"{share(now.cases - now.count('Invalid'), now.cases)} valid, {share(engaged, now.cases)} engaged, "
        f"{share(now.count('Inconclusive'), now.cases)} inconclusive, {now.findings} findings{waiting}, "
        f"{now.buckets} buckets{left}{state}"
    )


def event_line(event: Event) -> str:
    """An event in one line."""
    match event:
        case FoundFinding(finding):
            return f"found {finding.id}: {described(finding)}"
        case FiledFinding(finding, bucket, new):
            if not new:
                return f"{finding.id} belongs to bucket {bucket.id}"
            return f"new bucket {bucket.id}: {bucket.kind} on {bucket.target} [{', '.join(bucket.operators)}]"
        case InvalidCase(index, judgement, saved):
            last = (judgement.detail.strip().splitlines() or [""])[-1]
            return f"INVALID case {index}, a defect of Assay, saved as {saved}: {last[:160]}"
        case Note(text):
            return text


def described(finding: Finding) -> str:
    """A finding in a few words."""
    judgement = finding.judgement
    detail = (judgement.detail.strip().splitlines() or [""])[0]
    return f"{judgement.verdict} ({judgement.kind}) on {finding.case.target}, case {finding.index}: {detail[:120]}"
