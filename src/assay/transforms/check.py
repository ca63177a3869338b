"""Transforms held against eager mode: a rewritten program does what its original does, bit by bit.

Programs are generated and rewritten here; they run in another process with the interpreter that has torch
(`check_torch`, run by path), so that this module needs no framework.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from assay.emit.torch import render
from assay.generate.graph import make_program
from assay.generate.settings import Settings
from assay.ir.program import Program, operations, output_names
from assay.ir.verify import verify
from assay.ops.catalogue import load
from assay.ops.interpret import Abstract, interpret
from assay.transforms.apply import apply
from assay.transforms.registry import Transform

RUNNER = Path(__file__).with_name("check_torch.py")
SEED = 5
DERIVED = ("func", "nested")
"""Families whose rewrites go through derivatives, of which zeros may have other signs."""
ATTEMPTS = 60
"""Programs in a row that are tried for a site of one transform."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one transform: the sites that were found, and what differs, each in a line."""

    transform: str
    sites: int
    failures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Twin:
    """A program and the same with one rewrite; ``index`` is that of the program among those that were made."""

    transform: Transform
    index: int
    original: Program
    rewritten: Program


@lru_cache(maxsize=5000)
def original(seed: int, index: int) -> Program:
    """A program as generation makes them, without transforms."""
    return make_program(Settings(seed, tuple(load()), None, ("torch:eager",)), index, {"transforms": 0})[0]


def twins(transform: Transform, count: int, start: int = 0, seed: int = SEED) -> Iterator[Twin]:
    """Sites of a transform, each in another program as generation makes them."""
    index, missed = start, 0
    while count and missed < ATTEMPTS:
        program = original(seed, index)
        made = apply(program, transform.name, random.Random(f"{seed}/{index}/{transform.name}"))
        index += 1
        if made is None:
            missed += 1
            continue
        missed = 0
        count -= 1
        yield Twin(transform, index - 1, replace(program, calls=made.calls), made)


def request_of(twin: Twin) -> dict[str, Any]:
    """The twin as `check_torch` reads it. Raises Unsatisfied or InvalidProgram where it is no program."""
    verify(twin.rewritten)
    program, environment = interpret(twin.rewritten, load())
    return {
        "original": render(twin.original),
        "rewritten": render(program),
        "rounded": twin.transform.needs.quiet or twin.transform.family in DERIVED or _varies(program),
        "known": [_known(environment.values[name]) for name in output_names(program.outputs)],
    }


def _varies(program: Program) -> bool:
    """Whether eager mode does not give the same bits twice: what LAPACK computes depends on where memory lies."""
    return any(each.operator.startswith("algebra.") for each in operations(program))


def _known(abstract: Abstract) -> str:
    """What may be said of an output whose inputs differ in the last places: exact, rounded, or tipped."""
    return "exact" if abstract.exact else "tipped" if abstract.facts is None or abstract.facts.tipped else "rounded"


def check(chosen: Sequence[Transform], samples: int, python: str = sys.executable) -> list[Result]:
    """Each of the transforms on so many sites. Raises RuntimeError where the process that runs them ends early."""
    made = [(twin, request_of(twin)) for transform in chosen for twin in twins(transform, samples)]
    lines = "".join(json.dumps(request) + "\n" for _, request in made)
    done = subprocess.run([python, str(RUNNER)], input=lines, capture_output=True, text=True, check=False)
    answers = [json.loads(line)["difference"] for line in done.stdout.splitlines()]
    if len(answers) != len(made):
        twin = made[len(answers)][0]
        raise RuntimeError(f"the check ended at {twin.transform.name}, program {twin.index}\n{done.stderr[-2000:]}")
    results = []
    for transform in chosen:
        mine = [(twin, answer) for (twin, _), answer in zip(made, answers, strict=True) if twin.transform is transform]
        failures = [f"program {twin.index}: {answer}" for twin, answer in mine if answer is not None]
        failures += ["finds no site"] if not mine else []
        results.append(Result(transform.name, len(mine), tuple(failures)))
    return results
