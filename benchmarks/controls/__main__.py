"""Command line of the controls: `python -m benchmarks.controls accept|reject`."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks.controls import accept
from benchmarks.controls.names import FAULTS

DEMANDED = {"float32": 0.95, "float16": 0.8, "bfloat16": 0.8}
"""Share of the faults that change a result which must be reported (ORACLE.md)."""


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m benchmarks.controls", description="Controls of the numeric oracle")
    commands = top.add_subparsers(dest="command", required=True)
    each = commands.add_parser("accept", help="a campaign on a correct but different backend: nothing may be reported")
    each.add_argument("--cases", type=int, default=20_000)
    each.add_argument("--nodes", type=int, help="operations per program")
    each.add_argument("--out", type=Path, help="folder that keeps the run; it resumes")
    other = commands.add_parser("reject", help="cases on backends with one fault each: what changes must be reported")
    other.add_argument("--cases", type=int, default=600)
    other.add_argument("--dtype", choices=("float32", "bfloat16", "float16"), default="float32")
    other.add_argument("--fault", action="append", choices=FAULTS, help="only this one; may be repeated")
    other.add_argument("--rows", type=Path, help="file for what became of each case, as JSON lines")
    for command in (each, other):
        command.add_argument("--jobs", type=int, default=2)
        command.add_argument("--seed", type=int, default=1)
    return top


def accepting(options: argparse.Namespace) -> int:
    """Exit code 1 if anything was reported that is not already so on aot_eager, 2 if the campaign failed."""
    with tempfile.TemporaryDirectory() as name:
        folder = options.out or Path(name) / "run"
        try:
            summary = accept.run(options.cases, options.jobs, options.seed, folder, options.nodes)
        except accept.Failed as error:
            print(f"controls: {error}", file=sys.stderr)
            return 2
        found = accept.figures(summary, folder, options.seed, options.nodes)
    print(json.dumps(found, indent=1))
    return 1 if found["own"] else 0


def rejecting(options: argparse.Namespace) -> int:
    """Exit code 1 if less was reported than ORACLE.md demands."""
    from benchmarks.controls import reject

    rows = reject.run(options.cases, options.dtype, options.jobs, options.seed, tuple(options.fault or FAULTS))
    if options.rows:
        options.rows.write_text("".join(json.dumps(asdict(row)) + "\n" for row in rows), encoding="utf-8")
    found = {"dtype": options.dtype, "seed": options.seed, **reject.figures(rows)}
    print(json.dumps(found, indent=1))
    return 0 if (found["all"]["share"] or 0.0) >= DEMANDED[options.dtype] else 1


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    return {"accept": accepting, "reject": rejecting}[options.command](options)


if __name__ == "__main__":
    sys.exit(main())
