"""Which lines of the compiler each witness executes, and which witnesses hold without a fault: half one of the search.

A warm process (torch loaded, every target compiled once, one thread) forks a child a witness; the result is appended
to a file as it comes, so an interrupted search goes on where it was.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from benchmarks.mutants import forking, layers
from benchmarks.mutants.witnesses import Witness, find, observe, programs

BASIC = ("program/relu", "program/add")  # a fault that breaks one of these is trivial
WARM = (
    *BASIC,
    "program/multiply_and_sum",
    "program/graph_break_in_middle",
    "program/softmaxes",
    "program/dynamic_batch",
)


def warm(folder: Path) -> None:
    """Import torch, compile some witnesses on every target in this process."""
    observe.prepare_environment(str(folder / "kernels"))
    import logging

    import torch

    torch.set_num_threads(1)
    logging.disable(logging.CRITICAL)
    if sys.stderr.isatty():
        print("warming", file=sys.stderr)
    for target in sorted(set(layers.TARGETS.values())):
        for name in WARM:
            observe.differences(programs()[name], target)
    torch._dynamo.reset()


def root() -> str:
    """The folder that holds `torch`, with a trailing slash."""
    import torch

    return os.path.dirname(os.path.dirname(torch.__file__)) + "/"


def measure(witness: Witness, target: str) -> dict[str, Any]:
    """In a child: what differs without a fault, and the executed lines of the files that the target's layers own."""
    import coverage

    place = root()
    plain = observe.run(witness, witness.program)
    if plain[-1]["exception"] and len(witness.calls) == 1 and witness.name.startswith("op/"):
        return {"differences": ["eager: raises"], "lines": {}}
    include = [
        place + f"torch/{each}/*"
        for each in ("_dynamo", "_functorch", "_inductor", "_decomp", "_refs", "_prims", "_prims_common", "fx")
    ]
    tracer = coverage.Coverage(data_file=None, include=include, config_file=False, messages=False)
    clock = time.process_time()
    tracer.start()
    got = observe.run(witness, observe.compiled(witness, target))
    tracer.stop()
    data = tracer.get_data()
    lines = {}
    for file in data.measured_files():
        path = file.removeprefix(place)
        layer = layers.layer_of(path)
        if layer and layers.TARGETS[layer] == target:
            lines[path] = sorted(data.lines(file) or ())
    seconds = round(time.process_time() - clock, 1)
    return {"differences": sorted(observe.compare(plain, got)), "seconds": seconds, "lines": lines}


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSON-lines file; a line cut short by an interruption is left out."""
    if not path.exists():
        return []
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return found


def append(path: Path, entry: dict[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


def collect(folder: Path, target: str, names: Iterable[str], say: Callable[[str], None]) -> None:
    """Measure every named witness on a target into `folder/baseline-<target>.jsonl`. `warm` has run."""
    path = folder / f"baseline-{target}.jsonl"
    known = {entry["name"] for entry in read_lines(path)}
    for name in names:
        if name in known:
            continue
        known.add(name)
        try:
            result = forking.in_child(lambda name=name: measure(find(name), target), 90.0)
        except (forking.Hang, forking.Died) as error:
            result = {"differences": [f"{type(error).__name__}: {error}"], "lines": {}}
        append(path, {"name": name, **result})
        if len(known) % 50 == 0:
            say(f"baseline {target}: {len(known)} witnesses")
