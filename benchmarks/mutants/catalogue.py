"""The catalogue: read, write, select. An entry is plain data; only `hook/sitecustomize.py` applies one."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.mutants import layers

HERE = Path(__file__).resolve().parent
PATH = HERE / "catalogue.json"
HOOK = HERE / "hook"

CRASH_SHARE = 0.6  # of a layer
SURPLUS = 1.1  # kept above the quota of a layer

Entry = dict[str, Any]


class UnknownMutant(Exception):
    """No entry has that id."""


def identity(entry: Entry) -> str:
    """The id of a fault, from what it changes and where."""
    parts = [
        entry[name]
        for name in ("module", "sha256", "line", "column", "end_line", "end_column", "original", "replacement")
    ]
    return "m" + hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:10]


def load(path: Path = PATH) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def get(name: str, path: Path = PATH) -> Entry:
    """The entry of an id or of the only id that starts so. UnknownMutant if there is none or several."""
    found = [entry for entry in load(path)["mutants"] if entry["id"].startswith(name)]
    if len(found) != 1:
        raise UnknownMutant(f"{name!r} names {len(found)} mutants; `python -m benchmarks.mutants list` shows them")
    return found[0]


@functools.cache
def hook() -> ModuleType:
    """The import hook as a module, not installed."""
    spec = importlib.util.spec_from_file_location("mutants_hook", HOOK / "sitecustomize.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def draw(entries: Iterable[Entry], count: int, seed: int) -> list[Entry]:
    """`count` entries, each layer in proportion to its quota (largest remainders); the seed alone decides."""
    by_layer: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_layer[entry["layer"]].append(entry)
    total = sum(layers.QUOTAS[layer] for layer in by_layer)
    exact = {layer: count * layers.QUOTAS[layer] / total for layer in by_layer}
    seats = {layer: int(share) for layer, share in exact.items()}
    generator = random.Random(seed)
    order = sorted(by_layer, key=lambda layer: (seats[layer] - exact[layer], layer))
    for layer in order[: count - sum(seats.values())]:
        seats[layer] += 1
    chosen = []
    for layer in sorted(by_layer):
        pool = sorted(by_layer[layer], key=lambda entry: entry["id"])
        chosen += generator.sample(pool, min(seats[layer], len(pool)))
    generator.shuffle(chosen)
    return chosen


KEPT = (
    "id", "layer", "module", "path", "sha256", "kind", "function", "line", "column", "end_line", "end_column",
    "original", "replacement", "statement", "probe",
)  # fmt: skip


def crash(entry: Entry) -> bool:
    """Whether every witness that was tried of a fault's line ends in an exception."""
    return entry["failed"] == entry["ran"] and all(each.startswith("exception") for each in entry["differences"])


def select(tried: Iterable[Entry], wanted: int) -> list[Entry]:
    """The first faults with a witness, `wanted` at most; crashes of every witness, the easiest, up to a share."""
    chosen: list[Entry] = []
    crashes = 0
    for entry in tried:
        if entry["verdict"] != "witness" or len(chosen) == wanted:
            continue
        if crash(entry):
            if crashes >= int(wanted * CRASH_SHARE):
                continue
            crashes += 1
        chosen.append(entry)
    return chosen


def build(folder: Path, seed: int, say: Callable[[str], None]) -> None:
    """Write catalogue.json from a search's confirmed faults: each layer up to its quota and a little above."""
    from importlib.metadata import version

    from benchmarks.mutants.baseline import read_lines

    confirmed = {entry["id"]: entry for entry in read_lines(folder / "confirmed.jsonl")}
    mutants: list[Entry] = []
    search: dict[str, dict[str, int]] = {}
    for layer, quota in layers.QUOTAS.items():
        tried = read_lines(folder / f"tried-{layer}.jsonl")
        verdicts = Counter(entry["verdict"] for entry in tried)
        proofs = {entry["id"]: confirmed[entry["id"]] for entry in tried if entry["id"] in confirmed}
        verdicts["unconfirmed"] = sum(proof["verdict"] != "confirmed" for proof in proofs.values())
        proven = [entry for entry in tried if proofs.get(entry["id"], {}).get("verdict") == "confirmed"]
        chosen = select(proven, round(quota * SURPLUS))
        for entry in chosen:
            proof = proofs[entry["id"]]
            witness = {name: entry[name] for name in ("target", "covering", "failed", "ran")}
            witness |= {"name": proof["witness"], "differences": proof["differences"]}
            row = {**entry, "probe": proof["probe"]}
            mutants.append({**{name: row[name] for name in KEPT}, "witness": witness})
        search[layer] = {"tried": len(tried), **dict(sorted(verdicts.items()))}
        say(f"{layer}: {len(chosen)} of {quota}; {search[layer]}")
    rows = ",\n".join(json.dumps(entry) for entry in mutants)
    head = json.dumps({"torch": version("torch"), "seed": seed, "search": search}, indent=1)
    PATH.write_text(f'{head[:-2]},\n "mutants": [\n{rows}\n]}}\n', encoding="utf-8")
