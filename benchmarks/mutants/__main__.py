"""Command line of the mutation benchmark: `python -m benchmarks.mutants run|report|list|show|witness|check`."""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import json
import os
import shlex
import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.mutants import campaign, catalogue, confirm, layers, report
from benchmarks.mutants.baseline import append, read_lines

MANIFEST = "plan.json"


def main(argv: list[str] | None = None) -> int:
    options = parser().parse_args(argv)
    try:
        return {"run": run, "report": rewrite, "list": listing, "show": show, "witness": witness, "check": check}[
            options.command
        ](options)
    except (catalogue.UnknownMutant, report.BadExplanation, OtherPlan, ValueError) as error:
        print(f"mutants: {error}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m benchmarks.mutants", description="Mutants of torch's Python-level compiler"
    )
    commands = top.add_subparsers(dest="command", required=True)
    each = commands.add_parser("run", help="draw mutants and fuzz under each; resumes in the same folder")
    each.add_argument("--count", type=int, default=20)
    each.add_argument("--seed", type=int, default=0)
    each.add_argument("--time", default="2m", help="of each campaign (default 2m)")
    each.add_argument("--jobs", type=int, default=2)
    each.add_argument("--out", type=Path, help="default: runs/mutants-<seed>-<time>")
    each.add_argument("--target", help="given to the fuzzer as --target; without it, its own default")
    each.add_argument("--layer", choices=sorted(layers.QUOTAS), help="draw from one layer only")
    each.add_argument("--only", default="", help="comma-separated ids instead of a draw")
    each.add_argument(
        "--assay",
        default=shutil.which("assay", path=os.path.dirname(sys.executable)) or "assay",
        help="command of the fuzzer",
    )
    each.add_argument("--arguments", default="", help="further arguments of `assay fuzz`, as one string")
    each.add_argument("--retry", action="store_true", help="run those again that ended in an error")
    again = commands.add_parser("report", help="write the table again, e.g. after a change of misses.json")
    again.add_argument("--out", type=Path, help="default: the newest runs/mutants-*")
    rows = commands.add_parser("list", help="the catalogue, one line a mutant")
    rows.add_argument("--layer", choices=sorted(layers.QUOTAS))
    for name, text in (("show", "a mutant as a diff"), ("witness", "run the witness of a mutant with it and without")):
        one = commands.add_parser(name, help=text)
        one.add_argument("id")
    some = commands.add_parser("check", help="prove mutants again by their witnesses under the import hook")
    some.add_argument("--count", type=int, default=10)
    some.add_argument("--seed", type=int, default=0)
    return top


class OtherPlan(Exception):
    """The folder holds a run with other settings."""


def run(options: argparse.Namespace) -> int:
    entries = {entry["id"]: entry for entry in catalogue.load()["mutants"]}
    if options.only:
        chosen = [catalogue.get(name) for name in options.only.split(",")]
    else:
        pool = [entry for entry in entries.values() if options.layer in (None, entry["layer"])]
        chosen = catalogue.draw(pool, options.count, options.seed)
    seconds = campaign.parse_duration(options.time)
    plan = campaign.Plan(
        tuple(shlex.split(options.assay)),
        seconds,
        options.jobs,
        options.seed,
        options.target,
        tuple(shlex.split(options.arguments)),
    )
    options.out = options.out or Path("runs") / f"mutants-{options.seed}-{options.time}"
    options.out.mkdir(parents=True, exist_ok=True)
    _same_plan(options.out / MANIFEST, plan)
    done = {line["mutant"]: line for line in read_lines(options.out / "results.jsonl")}
    for place, entry in enumerate(chosen, 1):
        before = done.get(entry["id"])
        if before and not (options.retry and before["status"] == "error"):
            continue
        say(f"{place}/{len(chosen)} {entry['id']} {entry['layer']} {entry['module']}:{entry['line']} {entry['kind']}")
        result = campaign.run(entry, plan, options.out / entry["id"])
        append(options.out / "results.jsonl", dataclasses.asdict(result))
        say(
            f"    {result.status}, {result.seconds:g} s, {result.cases} cases"
            + (f": {result.error}" if result.error else "")
        )
        report.write(options.out, entries)
    summary = report.write(options.out, entries)
    print(report.markdown(summary))
    return 3 if summary["errors"] else 0


def _same_plan(path: Path, plan: campaign.Plan) -> None:
    wanted = json.loads(json.dumps(dataclasses.asdict(plan)))
    if path.exists() and json.loads(path.read_text(encoding="utf-8")) != wanted:
        raise OtherPlan(f"{path.parent} holds a run with other settings ({path.name}); give another --out or remove it")
    path.write_text(json.dumps(wanted, indent=1) + "\n", encoding="utf-8")


def rewrite(options: argparse.Namespace) -> int:
    places = (
        [options.out] if options.out else sorted(Path("runs").glob("mutants-*"), key=lambda each: each.stat().st_mtime)
    )
    if not places:
        raise ValueError("no run yet; `python -m benchmarks.mutants run` makes one")
    print(report.markdown(report.write(places[-1], {entry["id"]: entry for entry in catalogue.load()["mutants"]})))
    return 0


def listing(options: argparse.Namespace) -> int:
    data = catalogue.load()
    rows = [entry for entry in data["mutants"] if options.layer in (None, entry["layer"])]
    for entry in rows:
        change = f"{entry['original']!r} -> {entry['replacement']!r}"
        where = f"{entry['path'].removeprefix('torch/')}:{entry['line']}"
        print(f"{entry['id']} {entry['layer']:14} {where} {entry['kind']} {change[:90]}")
    counts = Counter(entry["layer"] for entry in rows)
    print(
        f"{len(rows)} mutants of torch {data['torch']}: "
        + ", ".join(f"{layer} {count}" for layer, count in counts.items())
    )
    return 0


def source_of(entry: catalogue.Entry) -> bytes:
    """The unmutated file, found without importing torch. ValueError if torch is missing or another version."""
    import hashlib
    from importlib.util import find_spec

    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        raise ValueError("torch is not installed here")
    data = Path(spec.origin).parent.parent.joinpath(entry["path"]).read_bytes()
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise ValueError(f"{entry['path']} of the installed torch is not the one that {entry['id']} was drawn from")
    return data


def show(options: argparse.Namespace) -> int:
    entry = catalogue.get(options.id)
    before = source_of(entry)
    after = catalogue.hook().splice(before, entry)
    sides = [text.decode().splitlines(keepends=True) for text in (before, after)]
    sys.stdout.writelines(difflib.unified_diff(*sides, f"a/{entry['path']}", f"b/{entry['path']}", n=4))
    proof = entry["witness"]
    print(f"\n{entry['id']}: {entry['kind']} in {entry['function']} ({entry['layer']})")
    print(f"witness {proof['name']} on {proof['target']}: {'; '.join(proof['differences'])}")
    print(f"{proof['failed']} of {proof['ran']} witnesses tried show it; {proof['covering']} execute the statement")
    return 0


def witness(options: argparse.Namespace) -> int:
    entry = catalogue.get(options.id)
    proof = entry["witness"]
    found = {}
    for name, mutant in (("without", None), ("with", entry)):
        found[name] = confirm.witness_run(proof["name"], proof["target"], confirm.environment(mutant, catalogue.PATH))
        print(f"{proof['name']} on {proof['target']} {name} {entry['id']}: {'; '.join(found[name]) or 'as eager'}")
    return 0 if found["with"] and not found["without"] else 1


def check(options: argparse.Namespace) -> int:
    failed = 0
    seen: dict[tuple[str, str], list[str]] = {}

    def plain(name: str, target: str) -> list[str]:
        if (name, target) not in seen:
            seen[name, target] = confirm.witness_run(name, target, confirm.environment(None, catalogue.PATH))
        return seen[name, target]

    for entry in catalogue.draw(catalogue.load()["mutants"], options.count, options.seed):
        proof: dict[str, Any] = confirm.prove(entry, catalogue.PATH, plain)
        failed += proof["verdict"] != "confirmed"
        print(
            f"{entry['id']} {entry['layer']:14} {proof['verdict']} {'; '.join(proof.get('differences', []))}",
            flush=True,
        )
    print(f"{options.count - failed} of {options.count} confirmed")
    return 1 if failed else 0


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
