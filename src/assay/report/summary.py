"""The summary of a campaign: the object of CONTRACTS.md, and the same for people."""

from __future__ import annotations

from typing import Any

from assay.campaign.store import Store


def summarise(store: Store) -> dict[str, Any]:
    """The summary of a run, from its store alone."""
    cases: dict[str, int] = {}
    engaged: dict[str, int] = {}
    verdicts: dict[str, int] = {}
    by_target: dict[str, dict[str, int]] = {}
    sut = 0.0
    for target, verdict, is_engaged, count, seconds in store.counts():
        cases[target] = cases.get(target, 0) + count
        engaged[target] = engaged.get(target, 0) + (count if is_engaged else 0)
        verdicts[verdict] = verdicts.get(verdict, 0) + count
        table = by_target.setdefault(target, {})
        table[verdict] = table.get(verdict, 0) + count
        sut += seconds
    wall, cpu = store.spent()
    return {
        "version": store.meta("version"),
        "seed": store.meta("settings")["seed"],
        "cases": sum(cases.values()),
        "invalid": verdicts.get("Invalid", 0),
        "inconclusive": verdicts.get("Inconclusive", 0),
        "unsupported": verdicts.get("Unsupported", 0),
        "flaky": verdicts.get("Flaky", 0),
        "cases_per_target": cases,
        "engaged_per_target": engaged,
        "verdicts_per_target": by_target,
        "cpu_seconds": round(cpu, 3),
        "cpu_seconds_sut": round(min(sut, cpu), 3),
        "wall_seconds": round(wall, 3),
        "findings": len(store.findings()),
        "conventions": store.conventions(),
        "buckets": [bucket.to_json() for bucket in store.buckets()],
    }


def for_people(summary: dict[str, Any], store: Store) -> str:
    """The summary as a few lines of text."""
    cases, wall = summary["cases"], summary["wall_seconds"]
    engaged = sum(summary["engaged_per_target"].values())
    lines = [
        "",
        f"{cases} cases in {clock(wall)} ({cases / wall if wall else 0:.1f}/s), seed {summary['seed']}; "
        f"{share(engaged, cases)} engaged, {share(summary['inconclusive'], cases)} inconclusive, "
        f"{summary['unsupported']} unsupported, {summary['flaky']} flaky, {summary['invalid']} invalid",
        f"CPU {summary['cpu_seconds']:.0f} s, of which {share(summary['cpu_seconds_sut'], summary['cpu_seconds'])} in "
        "the systems under test",
    ]
    for target, verdicts in summary["verdicts_per_target"].items():
        told = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items(), key=lambda item: -item[1]))
        lines.append(f"  {target or '(none)'}: {told}")
    if meant := summary["conventions"]:
        told = ", ".join(f"{name} {count}" for name, count in meant.items())
        lines.append(f"  meant as they are (`assay apis --conventions`): {told}")
    if unfinished := store.unfinished():
        lines.append(f"{len(unfinished)} cases were given up in progress; `assay resume` runs them again")
    for case in store.judged("Invalid", 5):
        lines.append(
            f"Invalid, a defect of Assay: case {case['index']}, saved as {store.folder / (case['saved'] or '')}"
        )
    buckets = summary["buckets"]
    if not buckets:
        lines.append(f"Nothing found. The run is in {store.folder}")
        return "\n".join(lines)
    lines.append(f"{summary['findings']} findings in {len(buckets)} buckets:")
    for bucket in buckets:
        operators = ", ".join(bucket["operators"][:4]) + (" ..." if len(bucket["operators"]) > 4 else "")
        lines.append(f"  {bucket['id']}  {bucket['cases']:4} x {bucket['kind']} on {bucket['target']}  [{operators}]")
        lines.append(f"      {bucket['signature'][:140]}")
        lines.append(f"      python {store.folder / bucket['script']}")
    lines.append(f"`assay show ID` shows one. The run is in {store.folder}")
    return "\n".join(lines)


def share(part: float, whole: float) -> str:
    """A share for people.

    >>> share(1, 3), share(1, 0)
    ('33.3 %', '-')
    """
    return f"{100 * part / whole:.1f} %" if whole else "-"


def clock(seconds: float) -> str:
    """A time for people.

    >>> clock(5.04), clock(65), clock(3725)
    ('5.0 s', '1 min 05 s', '1 h 02 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
