"""The table of a run: what was detected, when, how small, and why the rest was missed."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.mutants.baseline import read_lines

REASONS = ("generator", "scenario", "oracle", "budget")


class BadExplanation(Exception):
    """misses.json gives a miss no known reason."""


def explanations(folder: Path) -> dict[str, dict[str, str]]:
    """`misses.json` beside the results: id -> {"reason": generator|scenario|oracle|budget, "text": one sentence}."""
    path = folder / "misses.json"
    if not path.exists():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    for name, entry in found.items():
        if entry.get("reason") not in REASONS:
            raise BadExplanation(f"{path}: {name} needs a reason among {', '.join(REASONS)}")
    return found


def summarise(folder: Path, entries: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """All rows and totals of a run's folder as plain data. A mutant run twice counts by its last line."""
    misses = explanations(folder)
    rows = []
    for result in {line["mutant"]: line for line in read_lines(folder / "results.jsonl")}.values():
        entry = entries[result["mutant"]]
        miss = misses.get(result["mutant"], {}) if result["status"] == "missed" else {}
        rows.append(
            {
                **result,
                "module": entry["module"],
                "line": entry["line"],
                "mutation": entry["kind"],
                "witness": entry["witness"]["name"],
                "shown_by": entry["witness"]["differences"][:1],
                "miss": miss.get("reason"),
                "explanation": miss.get("text"),
            }
        )
    rows.sort(key=lambda row: (row["layer"], row["mutant"]))
    by_layer = {}
    for layer in sorted({row["layer"] for row in rows}):
        ofs = [row for row in rows if row["layer"] == layer]
        by_layer[layer] = {"drawn": len(ofs), "detected": sum(row["status"] == "detected" for row in ofs)}
    detected = [row for row in rows if row["status"] == "detected"]
    return {
        "drawn": len(rows),
        "detected": len(detected),
        "missed": sum(row["status"] == "missed" for row in rows),
        "errors": sum(row["status"] == "error" for row in rows),
        "median_seconds_to_detect": _median([row["first"]["found_after"] for row in detected]),
        "median_operations": _median([row["first"]["operations"] for row in detected]),
        "misses_by_reason": dict(Counter(row["miss"] or "unexplained" for row in rows if row["status"] == "missed")),
        "buckets_that_fail_without_too": sum(len(row["unrelated"]) for row in rows),
        "buckets_not_reproduced": sum(len(row["unreproduced"]) for row in rows),
        "layers": by_layer,
        "mutants": rows,
    }


def _median(values: list[Any]) -> float | None:
    known = sorted(value for value in values if value is not None)
    return known[len(known) // 2] if known else None


def markdown(summary: dict[str, Any]) -> str:
    """The same for people."""
    share = f"{100 * summary['detected'] / summary['drawn']:.0f} %" if summary["drawn"] else "-"
    lines = [
        "# Mutants",
        "",
        f"{summary['detected']} of {summary['drawn']} detected ({share}), {summary['missed']} missed, "
        f"{summary['errors']} errors. Median time to detect {summary['median_seconds_to_detect']} s, "
        f"median reduced size {summary['median_operations']} operations. "
        f"Buckets that also fail without the mutant: {summary['buckets_that_fail_without_too']}; "
        f"not reproduced: {summary['buckets_not_reproduced']}.",
        "",
        "| layer | drawn | detected |",
        "|---|---|---|",
        *(f"| {layer} | {row['drawn']} | {row['detected']} |" for layer, row in summary["layers"].items()),
        "",
        "| mutant | layer | where | mutation | result | s | operations | lines | kind | target | reached | miss |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in summary["mutants"]:
        first = row["first"] or {}
        where = f"{row['module'].removeprefix('torch.')}:{row['line']}"
        reached = {True: "yes", False: "no", None: "?"}[row["reached"]]
        why = row["error"] or ""
        if row["status"] == "missed":
            why = f"{row['miss']}: {row['explanation']}" if row["miss"] else "unexplained"
        cells = [
            row["mutant"],
            row["layer"],
            where,
            row["mutation"],
            row["status"],
            first.get("found_after"),
            first.get("operations"),
        ]
        cells += [
            first.get("lines"),
            first.get("kind"),
            first.get("target"),
            reached,
            why.replace("|", "/").replace("\n", " "),
        ]
        lines.append("| " + " | ".join("" if cell is None else str(cell) for cell in cells) + " |")
    unexplained = [row for row in summary["mutants"] if row["status"] == "missed" and not row["miss"]]
    if unexplained:
        lines += [
            "",
            f"{len(unexplained)} misses await a reason in misses.json ({', '.join(REASONS)}). What shows each:",
            "",
            *(
                f"- {row['mutant']}: `{row['witness']}` ({'; '.join(row['shown_by'])}); reached: {row['reached']}"
                for row in unexplained
            ),
        ]
    return "\n".join(lines) + "\n"


def write(folder: Path, entries: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Write report.json and report.md; the summary."""
    summary = summarise(folder, entries)
    (folder / "report.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    (folder / "report.md").write_text(markdown(summary), encoding="utf-8")
    return summary
