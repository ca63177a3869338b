"""`assay targets`, `assay ops` and `assay transforms`: what there is to test, and with what."""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Mapping
from typing import Any

from assay.campaign.mistake import UserMistake
from assay.cli import DEFECT, FOUND_NOTHING
from assay.cli.runs import print_json

OPTION_SAMPLES = 200
TWIN_SAMPLES = 10


def targets(options: argparse.Namespace, began: float) -> int:
    """List targets: whether each can be run here, or what is missing, and the options that cases draw."""
    from assay.backends import find_backend, known_targets

    names = known_targets()
    concrete = [name for name in names if not name.endswith(":NAME")]
    available = _probe(concrete)
    listed: list[dict[str, Any]] = []
    for name in names:
        backend = find_backend(name)
        facts = available.get(name)
        listed.append(
            {
                "target": name,
                "framework": backend.framework,
                "rung": backend.rung,
                "available": None if facts is None else bool(facts.get("available")),
                "reason": "probed when it is named" if facts is None else str(facts.get("reason", "")),
                "warm_up": "" if facts is None else str(facts.get("warm_up", "")),
                "options": _options(backend),
            }
        )
    if options.json:
        print_json(listed)
        return FOUND_NOTHING
    for row in listed:
        state = {True: "available", False: f"not available: {row['reason']}", None: row["reason"]}[row["available"]]
        raised = f", but its warm-up raised {row['warm_up']}" if row["warm_up"] else ""
        print(f"{row['target']:20} {row['framework']:8} {state}{raised}")
        top = [name for name in row["options"] if not name.startswith("config.")]
        if row["options"]:
            print(f"{'':29} options: {', '.join(top)}, and {len(row['options']) - len(top)} of its configuration")
    print("Another interpreter: TARGET@/path/to/python.")
    return FOUND_NOTHING


def _probe(names: list[str]) -> Mapping[str, Mapping[str, Any]]:
    """What a worker of each framework says of its backends."""
    from assay.backends import find_backend
    from assay.execution import BackendNotInstalled, Worker, WorkerDefect

    found: dict[str, Mapping[str, Any]] = {}
    for framework in dict.fromkeys(find_backend(name).framework for name in names):
        group = [name for name in names if find_backend(name).framework == framework]
        worker = Worker(targets=group, require=False)
        try:
            worker.start()
            found.update(worker.hello.backends)
        except BackendNotInstalled as missing:
            found.update((name, _absent(missing)) for name in group)
        except WorkerDefect as defect:
            found.update((name, _absent(defect)) for name in group)
        finally:
            worker.close()
    return found


def _absent(error: Exception) -> Mapping[str, Any]:
    return {"available": False, "reason": str(error).strip().splitlines()[-1]}


def _options(backend: Any) -> dict[str, list[Any]]:
    """The options that cases of a backend draw, each with the values seen."""
    seen: dict[str, list[Any]] = {}
    draw = random.Random(0)
    for number in range(OPTION_SAMPLES):
        _collect(backend.options(draw, number % 2 == 0), "", seen)
    return {name: seen[name] for name in sorted(seen)}


def _collect(options: Mapping[str, Any], prefix: str, seen: dict[str, list[Any]]) -> None:
    for name, value in options.items():
        if isinstance(value, Mapping):
            _collect(value, f"{prefix}{name}.", seen)
        elif value not in seen.setdefault(prefix + name, []):
            seen[prefix + name].append(value)


def ops(options: argparse.Namespace, began: float) -> int:
    """List operators, or check them."""
    from assay.ops.catalogue import UnknownOperator, load, select

    names = list(options.names)
    checking = names[:1] == ["check"]
    patterns = [part for name in names[checking:] for part in name.split(",")]
    if options.samples and not checking:
        raise UserMistake("--samples belongs to `assay ops check`")
    try:
        chosen = select(patterns)
    except UnknownOperator as unknown:
        raise UserMistake(str(unknown)) from None
    if checking:
        return _check(chosen, options)
    catalogue = load()
    listed = [_told(catalogue[name]) for name in chosen]
    if options.json:
        print_json(listed)
        return FOUND_NOTHING
    for row in listed:
        attributes = ", ".join(row["attributes"])
        print(f"{row['name']:34} {', '.join(row['operands'])}{'; ' + attributes if attributes else ''}")
    print(f"{len(listed)} operators", file=sys.stderr)
    return FOUND_NOTHING


def _told(operator: Any) -> dict[str, Any]:
    return {
        "name": operator.name,
        "torch": operator.torch,
        "operands": [operand.name for operand in operator.operands],
        "dtypes": {operand.name: list(operand.dtypes) for operand in operator.operands},
        "attributes": [attribute.name for attribute in operator.attributes],
        "results": operator.results,
        "differentiable": operator.differentiable,
        "inplace": operator.inplace is not None or operator.inplace_only,
        "view": operator.view is not None,
        "summary": operator.summary,
    }


def _check(chosen: list[str], options: argparse.Namespace) -> int:
    """Hold specifications against torch, one line for each that does not hold."""
    from assay.ops.check import check

    results = check(chosen, samples=options.samples) if options.samples else check(chosen)
    broken = [result for result in results if not result.passed]
    if options.json:
        print_json(
            [{"name": result.operator, "samples": result.instances, "failures": result.failures} for result in results]
        )
    else:
        for result in broken:
            for failure in result.failures:
                print(f"{result.operator}: {failure}")
        print(f"{len(results)} operators, {len(broken)} do not hold")
    return DEFECT if broken else FOUND_NOTHING


def transforms(options: argparse.Namespace, began: float) -> int:
    """List transforms, or hold them against eager mode."""
    from fnmatch import fnmatchcase

    from assay.transforms.check import check
    from assay.transforms.registry import transforms as catalogue

    names = list(options.names)
    checking = names[:1] == ["check"]
    patterns = [part for name in names[checking:] for part in name.split(",")] or ["*"]
    if options.samples and not checking:
        raise UserMistake("--samples belongs to `assay transforms check`")
    known = catalogue()
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in known):
            raise UserMistake(f"no transform matches {pattern!r}; `assay transforms` lists them")
    chosen = [each for name, each in known.items() if any(fnmatchcase(name, pattern) for pattern in patterns)]
    if checking:
        results = check(chosen, options.samples or TWIN_SAMPLES)
        broken = [result for result in results if result.failures]
        if options.json:
            print_json([{"name": each.transform, "samples": each.sites, "failures": each.failures} for each in results])
        else:
            for result in broken:
                for failure in result.failures:
                    print(f"{result.transform}: {failure}")
            print(f"{len(results)} transforms, {len(broken)} do not hold")
        return DEFECT if broken else FOUND_NOTHING
    if options.json:
        print_json(
            [{"name": each.name, "kind": each.kind, "breaks": each.breaks, "reason": each.reason} for each in chosen]
        )
        return FOUND_NOTHING
    for each in chosen:
        print(f"{each.name:34} {each.kind:9} {each.reason.splitlines()[0]}")
    print(f"{len(chosen)} transforms", file=sys.stderr)
    return FOUND_NOTHING
