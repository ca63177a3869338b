"""What a search for inputs came to: the program with inputs that keep every intermediate finite, or none."""

from __future__ import annotations

from dataclasses import dataclass

from assay.inputs.request import with_found
from assay.ir.program import Program
from assay.oracles.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Found:
    """``program`` is None where nothing was found. ``fragile`` counts elements near a jump, before and after the search
    for a margin; ``wrong`` names the framework operations that had left their domains at last.
    """

    program: Program | None
    steps: int
    cpu_seconds: float
    fragile: tuple[int, int] = (0, 0)
    wrong: tuple[str, ...] = ()


def found_in(program: Program, outcome: Outcome) -> Found:
    """What an outcome tells of the search for a program's inputs."""
    told = outcome.engagement
    cpu = float(outcome.cpu.get("total", 0.0))
    steps = int(told.get("steps", 0))
    inputs = told.get("inputs")
    if outcome.ended != "completed" or inputs is None:
        return Found(None, steps, cpu, wrong=tuple(told.get("last", ())))
    before, after = told["fragile"]
    return Found(with_found(program, inputs), steps, cpu, (int(before), int(after)))
