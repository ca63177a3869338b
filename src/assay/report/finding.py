"""One finding on one screen, and all of them in a table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assay.campaign.findings import Bucket, Finding, judgement_to_json
from assay.ir.case import Case
from assay.oracles.verdict import Judgement

SCREEN_LINES = 45
DETAIL_LINES = 12


def bucket_table(folder: Path, buckets: Sequence[Bucket], loose: Sequence[Finding]) -> str:
    """Buckets, then findings in none, as lines of text."""
    if not buckets and not loose:
        return f"{folder} holds no finding"
    lines = [f"{'bucket':14} {'cases':>5}  {'kind':14} {'target':18} {'operators':32} signature"]
    for bucket in buckets:
        operators = cut(", ".join(bucket.operators), 32)
        signature = cut(bucket.signature, 70)
        lines.append(
            f"{bucket.id:14} {bucket.cases:5}  {bucket.kind:14} {cut(bucket.target, 18):18} {operators:32} {signature}"
        )
    for finding in loose:
        judgement = finding.judgement
        lines.append(
            f"{finding.id:14} {'':5}  {judgement.kind!s:14} {cut(finding.case.target, 18):18} "
            f"{'(in no bucket yet)':32} {cut(judgement.signature, 70)}"
        )
    return "\n".join(lines)


def finding_screen(folder: Path, finding: Finding, original: Finding, bucket: Bucket | None) -> str:
    """What is wrong, the program, and how to run it, on one screen."""
    case, judgement = finding.case, finding.judgement
    lines = [f"{bucket.id if bucket else finding.id}: {judgement.verdict} ({judgement.kind}) on {case.target}"]
    lines += [f"  at         {judgement.where}"] if judgement.where else []
    if bucket is not None:
        lines.append(f"  signature  {bucket.signature}")
        lines.append(f"  layer      {bucket.layer or 'not localised'}; {bucket.cases} cases")
        lines += [f"  notes      {line}" for line in bucket.notes.splitlines()]
    lines.append(f"  operators  {', '.join(case.operators)}")
    lines.append(f"  options    {json.dumps(dict(case.options), sort_keys=True)}")
    lines.append(f"  found as   case {original.index} ({original.case.operations} operations, now {case.operations})")
    if judgement.detail:
        lines += ["", *_limited(judgement.detail.rstrip().splitlines(), DETAIL_LINES)]
    lines += ["", *_limited(program_text(case.text), SCREEN_LINES - len(lines))]
    lines.append("")
    if bucket is not None:
        lines.append(f"python {folder / bucket.script}")
    lines.append(f"assay replay {bucket.id if bucket else finding.id} --run {folder}")
    return "\n".join(lines)


def program_text(text: str) -> list[str]:
    """The part of a case's text that holds the program: up to its inputs."""
    lines = text.splitlines()
    begin = next((i for i, line in enumerate(lines) if line.startswith("def program(")), 0)
    end = next((i for i, line in enumerate(lines) if i > begin and line.startswith("def inputs(")), len(lines))
    while end > begin and not lines[end - 1].strip():
        end -= 1
    return lines[begin:end]


def finding_to_json(finding: Finding) -> dict[str, Any]:
    """A finding as JSON-compatible data."""
    return {
        "id": finding.id,
        "index": finding.index,
        "status": finding.status,
        "source": finding.case.source,
        "target": finding.case.target,
        "judgement": judgement_to_json(finding.judgement),
        "case": finding.case.to_json(),
    }


def judgement_text(case: Case, judgement: Judgement) -> str:
    """How a case was judged, for people."""
    kind = f" ({judgement.kind})" if judgement.kind else ""
    lines = [f"{case.id} on {case.target}: {judgement.verdict}{kind}"]
    lines += [f"at {judgement.where}"] if judgement.where else []
    return "\n".join(lines + judgement.detail.rstrip().splitlines())


def cut(text: str, width: int) -> str:
    """A text no wider than ``width``.

    >>> cut("reduce.amax, index.gather", 12)
    'reduce.am...'
    """
    return text if len(text) <= width else text[: width - 3] + "..."


def _limited(lines: list[str], most: int) -> list[str]:
    most = max(most, 10)
    return lines if len(lines) <= most else [*lines[: most - 1], f"... ({len(lines) - most + 1} more lines)"]
