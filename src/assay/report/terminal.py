"""A campaign on a terminal: a display that keeps its place, with what was found scrolling above it."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

from assay.campaign.progress import Event, FiledFinding, FoundFinding, InvalidCase, Snapshot
from assay.report.plain import event_line
from assay.report.summary import clock, share

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

VERDICTS = (
    "Pass",
    "Mismatch",
    "Crash",
    "Timeout",
    "MemoryExceeded",
    "Exception",
    "Unsupported",
    "Inconclusive",
    "Invalid",
    "Flaky",
)
SHORT = {"MemoryExceeded": "Memory", "Unsupported": "Unsupp.", "Inconclusive": "Inconcl."}
ALARMING = frozenset({"Mismatch", "Crash", "Timeout", "MemoryExceeded", "Exception"})


class LiveDisplay:
    """The display. A context manager; `show` may be called from any thread."""

    def __init__(self, title: str, console: Console | None = None) -> None:
        from rich.console import Console
        from rich.live import Live

        self._title = title
        self._console = console or Console()
        self._snapshot: Callable[[], Snapshot] | None = None
        self._live = Live(console=self._console, get_renderable=self._render, refresh_per_second=4, transient=True)

    def watch(self, snapshot: Callable[[], Snapshot]) -> None:
        """Begin to show how far things are."""
        self._snapshot = snapshot

    def show(self, event: Event) -> None:
        """Let an event scroll by above the display."""
        from rich.text import Text

        style = ""
        if isinstance(event, FoundFinding) or (isinstance(event, FiledFinding) and event.new):
            style = "bold red"
        elif isinstance(event, InvalidCase):
            style = "bold yellow"
        elif isinstance(event, FiledFinding):
            style = "dim"
        self._console.print(Text(event_line(event), style=style), soft_wrap=True)

    def __enter__(self) -> LiveDisplay:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def _render(self) -> RenderableType:
        from rich.text import Text

        if self._snapshot is None:
            return Text(f"{self._title}: starting workers ...", style="dim")
        return render(self._title, self._snapshot())


def render(title: str, now: Snapshot) -> RenderableType:
    """The display at one moment."""
    from rich.console import Group
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    engaged = sum(now.engaged.values())
    head = Table.grid(padding=(0, 3))
    asked = f" of {now.asked}" if now.asked is not None else ""
    left = f"{clock(now.seconds_left)} left" if now.seconds_left is not None else ""
    last = "none yet" if now.last_new is None else f"{clock(now.last_new)} ago"
    waiting = f", {now.waiting} to reduce" if now.waiting else ""
    starting = "" if now.cases or now.running else "starting workers"
    head.add_row(f"{now.cases}{asked} cases", f"{now.rate:.1f} cases/s", f"{clock(now.elapsed)} elapsed", left)
    head.add_row(
        f"{share(now.cases - now.count('Invalid'), now.cases)} valid",
        f"{share(engaged, now.cases)} engaged",
        f"{share(now.count('Inconclusive'), now.cases)} inconclusive",
        "stopping: finishing what is in progress" if now.stopping else starting,
    )
    found = Text(f"{now.findings} findings in {now.buckets} buckets{waiting}; last new finding: {last}")
    found.stylize("bold red" if now.findings else "green")
    shown = [verdict for verdict in VERDICTS if verdict == "Pass" or now.count(verdict)]
    table = Table(box=None, padding=(0, 2), header_style="dim")
    table.add_column("target")
    for verdict in shown:
        table.add_column(SHORT.get(verdict, verdict), justify="right")
    table.add_column("engaged", justify="right")
    for target, counts in sorted(now.verdicts.items()):
        cells = []
        for verdict in shown:
            count = counts.get(verdict, 0)
            alarming = "bold red" if verdict in ALARMING else "yellow" if verdict in ("Invalid", "Flaky") else ""
            cells.append(Text(str(count) if count else "·", style=alarming if count else "dim"))
        table.add_row(target or "(none)", *cells, share(now.engaged.get(target, 0), sum(counts.values())))
    return Panel(Group(head, found, Text(), table), title=title, title_align="left", expand=False)
