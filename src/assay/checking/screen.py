"""The one screen of a check: what was compared, what differs, where, and how to see it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from assay.checking.report import Difference, Part, Report
from assay.oracles.verdict import Verdict

WIDTH = 110
LABEL = 13
WRAPPED: Mapping[str, Any] = {"break_on_hyphens": False, "break_long_words": False}
MOST = 6
"""Differences, operators or inputs beyond this many are counted, not shown."""


def screen(report: Report, width: int = WIDTH) -> str:
    """The report as text for people."""
    lines = [f"{report.title}   torch {report.version}, {report.seconds:.0f} s", ""]
    lines += _row("subject", ", ".join(report.facts), width)
    lines += _row("inputs", _few(report.inputs, ", "), width)
    for line in report.sizes:
        lines += _row("sizes", line, width)
    if report.lifted:
        lines += _row("lifted", report.lifted, width)
    lines.append("")
    for name in dict.fromkeys(part.name for part in report.parts):
        lines += _part(name, [part for part in report.parts if part.name == name], width)
    for note in report.notes:
        lines += _row("note", note, width)
    lines.append("")
    if report.same:
        lines.append(_verdict(report))
        return "\n".join(lines)
    count = len(report.differences)
    lines.append(f"{count} difference{'s' if count != 1 else ''}:")
    for difference in report.differences[:MOST]:
        lines += ["", *_difference(difference, width)]
    if count > MOST:
        lines += ["", f"... and {count - MOST} more; --json has all of them"]
    return "\n".join(lines)


def _verdict(report: Report) -> str:
    left = [part for part in report.parts if part.same is None]
    done = sum(part.cases for part in report.parts if part.same)
    rest = "; what was not compared is named above" if left else ""
    return f"Nothing differs in {done} call{'' if done == 1 else 's'}{rest}."


def _part(name: str, parts: Sequence[Part], width: int) -> Iterator[str]:
    """One line for what is the same on every target, then one for each other."""
    same = [part for part in parts if part.same]
    plain = [part.target for part in same if not part.note]
    label = name
    if plain:
        yield from _row(label, f"same    {', '.join(plain)}", width)
        label = ""
    for part in parts:
        if part in same and not part.note:
            continue
        said = "same    " if part.same else "DIFFERS " if part.same is False else "not told"
        target = f"{part.target}: " if part.target else ""
        yield from _row(label, f"{said}{'' if said.endswith(' ') else ' '}{target}{part.note}", width)
        label = ""


def _difference(difference: Difference, width: int) -> Iterator[str]:
    judgement = difference.judgement
    verdict = "" if judgement.verdict is Verdict.Mismatch else f" ({judgement.verdict})"
    where = f"{judgement.kind}{verdict} in {difference.where}, {difference.part} on {difference.target}"
    yield from textwrap.wrap(where, width, initial_indent="  ", subsequent_indent="    ", **WRAPPED)
    for line in judgement.detail.splitlines()[:2]:
        # Most subjects are called once, and what is told of that call needs no number.
        yield from _row("  ", line.replace("call 0, ", ""), width)
    if difference.operators:
        yield from _row("  operation", _few(difference.operators, ", "), width)
    if difference.origin:
        yield from _row("  line", f"{difference.origin}{'  ' if difference.text else ''}{difference.text}", width)
    if difference.layer:
        yield from _row("  layer", difference.layer, width)
    if difference.transforms:
        yield from _row("  transforms", ", ".join(difference.transforms), width)
    if difference.file:
        yield from _row("  script", f"python {difference.file}", 10 * width)
    if difference.note:
        yield from _row("  note", difference.note, width)


def _few(items: Sequence[str], between: str) -> str:
    shown = between.join(items[:MOST])
    return shown if len(items) <= MOST else f"{shown} and {len(items) - MOST} more"


def _row(label: str, text: str, width: int) -> list[str]:
    lines = textwrap.wrap(text, max(width - LABEL, 40), **WRAPPED) or [""]
    return [f"{(label if number == 0 else ''):{LABEL}}{line}" for number, line in enumerate(lines)]
