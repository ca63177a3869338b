"""`assay findings`, `show`, `replay` and `reduce`: what a run found, and one finding at a time."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from assay.campaign.findings import REDUCED, Finding, judgement_to_json
from assay.campaign.lock import locked
from assay.campaign.mistake import UserMistake
from assay.cli import DEFECT, FOUND, FOUND_NOTHING, MISTAKE
from assay.cli.runs import Found, look_up, newest_or, open_for_reading, print_json
from assay.ir.case import Case
from assay.oracles.verdict import FINDINGS, Judgement, Verdict
from assay.report.finding import bucket_table, finding_screen, finding_to_json, judgement_text


def findings(options: argparse.Namespace, began: float) -> int:
    """List buckets, and findings that are in none yet."""
    with open_for_reading(options.run) as store:
        buckets = store.buckets()
        loose = [finding for finding in store.findings() if finding.bucket is None]
        if options.json:
            rows = [{**bucket.to_json(), "status": "filed"} for bucket in buckets]
            print_json(rows + [{**finding_to_json(finding), "bucket": None} for finding in loose])
        else:
            print(bucket_table(store.folder, buckets, loose))
    return FOUND if buckets or loose else FOUND_NOTHING


def show(options: argparse.Namespace, began: float) -> int:
    """Show one finding."""
    with open_for_reading(options.run) as store:
        found = look_up(store, options.id)
        if options.json:
            shown = finding_to_json(found.finding)
            shown["bucket"] = None if found.bucket is None else found.bucket.to_json()
            shown["index"] = found.original.index
            print_json(shown)
        else:
            print(finding_screen(store.folder, found.finding, found.original, found.bucket))
    return FOUND_NOTHING


def replay(options: argparse.Namespace, began: float) -> int:
    """Run a finding, a saved case or a script in a fresh process; exit 1 where it is (still) wrong."""
    path = Path(options.id)
    if path.suffix == ".py" and path.is_file():
        return _replay_script(path, options)
    if path.is_file():
        case = _case_in(path)
    else:
        if path.suffix in (".py", ".json"):
            raise UserMistake(f"there is no file {path}; `assay findings` lists scripts")
        with open_for_reading(options.run) as store:
            case = look_up(store, options.id).finding.case
    judgement = _judge_afresh(case)
    if options.json:
        print_json({"case": case.id, "target": case.target, **judgement_to_json(judgement)})
    else:
        print(judgement_text(case, judgement))
    if judgement.verdict is Verdict.Invalid:
        return DEFECT
    return FOUND if judgement.verdict in FINDINGS else FOUND_NOTHING


def _replay_script(path: Path, options: argparse.Namespace) -> int:
    process = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=False)
    last = (process.stdout.strip().splitlines() or [""])[-1]
    if options.json:
        print_json({"script": str(path), "exit": process.returncode, "last_line": last})
    else:
        sys.stdout.write(process.stdout)
        sys.stderr.write(process.stderr)
    cannot = process.returncode == MISTAKE and last.startswith("CANNOT RUN")
    return MISTAKE if cannot else FOUND if process.returncode else FOUND_NOTHING


def _case_in(path: Path) -> Case:
    """The case in a JSON file: a case, or what a campaign saves of an invalid one."""
    try:
        data = json.loads(path.read_text())
        return Case.from_json(data.get("case") or data)
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise UserMistake(f"{path} holds no case that can be read ({type(error).__name__}: {error})") from None


def _judge_afresh(case: Case) -> Judgement:
    from assay.campaign.assemble import judge, start_bench, witnesses
    from assay.campaign.examine import case_runner
    from assay.execution import BackendNotInstalled

    bench = start_bench([case.target])
    try:
        return case_runner(bench.run, judge, witnesses)(case, alone=True)
    except BackendNotInstalled as missing:
        raise UserMistake(str(missing)) from None
    finally:
        bench.close()


def reduce(options: argparse.Namespace, began: float) -> int:
    """Reduce a finding once more, from the case as it was found, and file it anew.

    A campaign gives a finding a number of runs, so that others get their turn; here only time ends it.
    """
    from assay.campaign.assemble import judge, start_bench, witnesses
    from assay.campaign.examine import case_runner
    from assay.execution import BackendNotInstalled
    from assay.triage import triage_finding
    from assay.triage.reduction import Budget

    folder = newest_or(options.run)
    with open_for_reading(folder) as store, locked(folder):
        found: Found = look_up(store, options.id)
        original: Finding = found.original
        bench = start_bench([original.case.target])
        try:
            runner = case_runner(bench.run, judge, witnesses)
            budget = Budget(sys.maxsize, options.time)
            triaged = triage_finding(original.case, original.judgement, runner, budget=budget)
        except BackendNotInstalled as missing:
            raise UserMistake(str(missing)) from None
        finally:
            bench.close()
        bucket, _ = store.file(original, triaged, REDUCED)
        told: dict[str, Any] = {
            "finding": original.id,
            "operations_before": original.case.operations,
            "operations": triaged.case.operations,
            "steps": triaged.steps,
            "bucket": bucket.to_json(),
        }
        if options.json:
            print_json(told)
        else:
            print(f"{told['operations_before']} operations before, {told['operations']} now, {told['steps']} cases run")
            print(f"bucket {bucket.id}; python {store.folder / bucket.script}")
    return FOUND
