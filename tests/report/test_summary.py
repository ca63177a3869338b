"""What a campaign tells: the summary of the contract, lines, and the display."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console
from tests.campaign.fakes import META, WRONG, case_at, fake_parts, run_engine

from assay.campaign.progress import FoundFinding, Snapshot
from assay.campaign.store import create
from assay.report.plain import PlainDisplay, progress_line
from assay.report.summary import for_people, summarise
from assay.report.terminal import LiveDisplay, render

FIELDS = {
    "version": str,
    "seed": int,
    "cases": int,
    "invalid": int,
    "inconclusive": int,
    "unsupported": int,
    "flaky": int,
    "cases_per_target": dict,
    "engaged_per_target": dict,
    "cpu_seconds": float,
    "cpu_seconds_sut": float,
    "wall_seconds": float,
    "buckets": list,
}
BUCKET = {"id", "source", "target", "kind", "signature", "operators", "transforms", "cases", "script"}
NOW = Snapshot(
    elapsed=65.0,
    cases=10,
    asked=None,
    seconds_left=55.0,
    rate=2.5,
    verdicts={"inductor": {"Pass": 7, "Mismatch": 2, "Inconclusive": 1}},
    engaged={"inductor": 9},
    findings=2,
    buckets=1,
    last_new=3.0,
    waiting=1,
    running=("inductor",),
    stopping=False,
)


def test_the_summary_has_the_fields_of_the_contract(tmp_path: Path) -> None:
    with create(tmp_path, META) as store:
        run_engine(store, fake_parts(), cases=30)
        summary = summarise(store)
        text = for_people(summary, store)
    assert {name: type(summary[name]) for name in FIELDS} == FIELDS
    assert summary["buckets"]
    assert all(set(bucket) >= BUCKET for bucket in summary["buckets"])
    assert 0 < summary["cpu_seconds_sut"] <= summary["cpu_seconds"]
    for bucket in summary["buckets"]:
        assert bucket["id"] in text


def test_a_campaign_without_findings_says_so(tmp_path: Path) -> None:
    with create(tmp_path, META) as store:
        assert "Nothing found" in for_people(summarise(store), store)


def test_a_line_of_progress_says_what_the_display_says() -> None:
    line = progress_line(NOW)
    console = Console(file=io.StringIO(), width=110)
    console.print(render("assay", NOW))
    display = console.file.getvalue()  # type: ignore[attr-defined]
    for part in ("10 cases", "100.0 % valid", "90.0 % engaged", "10.0 % inconclusive", "2 findings", "55.0 s left"):
        assert part in line
        assert part in display
    assert "last new finding: 3.0 s ago" in display


def test_both_displays_show_findings_as_they_come() -> None:
    from assay.campaign.findings import Finding

    finding = Finding(case_at(3), WRONG, 3)
    plain = io.StringIO()
    with PlainDisplay(plain) as display:
        display.show(FoundFinding(finding))
    terminal = io.StringIO()
    with LiveDisplay("assay", Console(file=terminal, width=110)) as live:
        live.watch(lambda: NOW)
        live.show(FoundFinding(finding))
    for stream in (plain, terminal):
        assert finding.id in stream.getvalue()
        assert "Mismatch (value) on fake, case 3" in stream.getvalue()
