"""`assay explain`: why a numeric finding is not rounding, and at which operation eager and the target part."""

from __future__ import annotations

import argparse

from assay.campaign.mistake import UserMistake
from assay.cli import DEFECT, FOUND, FOUND_NOTHING
from assay.cli.runs import look_up, open_for_reading, print_json
from assay.ir.case import Case
from assay.oracles.verdict import FINDINGS, Verdict
from assay.report.explanation import explanation_screen, explanation_to_json
from assay.triage.explain import NUMERIC, Explanation, explain_finding


def explain(options: argparse.Namespace, began: float) -> int:
    """Explain one finding; exit 1 where it is (still) wrong."""
    with open_for_reading(options.run) as store:
        folder, found = store.folder, look_up(store, options.id)
    finding = found.finding
    # The script and the layer are those of the reduced case, which an id of a bucket stands for.
    bucket = found.bucket if finding is not found.original else None
    name = bucket.id if bucket else finding.id
    if finding.judgement.verdict is not Verdict.Mismatch or finding.judgement.kind not in NUMERIC:
        kind = finding.judgement.kind
        raise UserMistake(f"{name} is about {kind}, not about numbers; `assay show {name}` tells what there is")
    explanation = _explained(finding.case)
    if options.json:
        print_json({"id": name, **explanation_to_json(explanation)})
    else:
        commands = [f"python {folder / bucket.script}"] if bucket else [f"assay replay {name} --run {folder}"]
        print(explanation_screen(name, bucket.layer if bucket else "", commands, explanation))
    if explanation.judgement.verdict is Verdict.Invalid:
        return DEFECT
    return FOUND if explanation.judgement.verdict in FINDINGS else FOUND_NOTHING


def _explained(case: Case) -> Explanation:
    from assay.campaign.assemble import judge, start_bench, witnesses
    from assay.execution import BackendNotInstalled

    bench = start_bench([case.target])
    try:
        return explain_finding(case, bench.run, judge, witnesses)
    except BackendNotInstalled as missing:
        raise UserMistake(str(missing)) from None
    finally:
        bench.close()
