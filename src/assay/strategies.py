"""A Hypothesis strategy of generated programs: tests of one's own over what `assay fuzz` generates.

    from assay.strategies import programs

    @given(programs(include=["reduce.*"], nodes=8))
    def test_a_pass_of_mine(program):
        module = program.load()
        assert same(module.program(*module.inputs()), mine(module.program)(*module.inputs()))

Needs hypothesis (``pip install 'assay-dl[hypothesis]'``), and torch once a program is loaded.
"""

from __future__ import annotations

import types
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from assay.campaign.mistake import UserMistake
from assay.emit.torch import render
from assay.generate.graph import make_case
from assay.generate.settings import Settings
from assay.ir.program import Operation, Program, Tree, output_names, reads, walk
from assay.ir.serialize import program_from_json
from assay.ir.types import TensorType
from assay.ops.catalogue import UnknownOperator, select
from assay.triage.liveness import may_write, writing_functions

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

SEEDS = 1 << 32
TARGET = "torch:eager"


@dataclass(frozen=True)
class GeneratedProgram:
    """A program as text, valid by construction: `load` executes it."""

    program: Program

    @property
    def text(self) -> str:
        """The Python module: ``program``, ``inputs(call)``, ``CALLS``, and ``state()`` where it has parameters."""
        return render(self.program)

    @property
    def operators(self) -> tuple[str, ...]:
        """The specifications that it uses, in order."""
        found = (each.operator for each in walk(self.program.body) if isinstance(each, Operation))
        return tuple(dict.fromkeys(found))

    def load(self) -> types.ModuleType:
        """The text, executed in a module of its own; imports torch."""
        module = types.ModuleType("assay_generated")
        exec(compile(self.text, "assay_generated.py", "exec"), module.__dict__)
        return module

    def __repr__(self) -> str:
        return f"GeneratedProgram:\n{self.text}"


def programs(
    include: Sequence[str] = (), exclude: Sequence[str] = (), *, nodes: int = 8, training: bool | None = None
) -> SearchStrategy[GeneratedProgram]:
    """Programs of up to ``nodes`` operations, of operators that match names and globs; in ``training`` or not, or
    either (None).

    Shrinks to the shortest beginning of the simplest program that still fails, and in it to what one output needs.
    Raises UserMistake for a pattern that matches no operator, and ImportError where hypothesis is not installed.
    """
    try:
        from hypothesis import strategies
    except ImportError:
        raise ImportError(
            "assay.strategies needs hypothesis, which is not installed: pip install 'assay-dl[hypothesis]'"
        ) from None
    if nodes < 1:
        raise UserMistake("a program has at least one operation: nodes must be 1 or more")
    try:
        operators = tuple(select(include, exclude))
    except UnknownOperator as unknown:
        raise UserMistake(str(unknown)) from None

    @strategies.composite
    def drawn(draw: Any) -> GeneratedProgram:
        settings = Settings(draw(strategies.integers(0, SEEDS - 1)), operators, nodes, (TARGET,))
        case = make_case(settings, 0)
        program = program_from_json(case.recipe["program"])
        if training is not None and program.training is not training:
            from hypothesis import reject

            reject()
        # What is drawn here shrinks towards less: fewer statements, then fewer outputs.
        kept = draw(strategies.integers(1, max(len(program.body), 1)))
        program = _beginning(program, kept)
        names = output_names(program.outputs)
        if len(names) > 1:
            chosen = draw(strategies.lists(strategies.sampled_from(names), min_size=1, unique=True))
            program = _returning(program, [name for name in names if name in chosen])
        return GeneratedProgram(_needed(program))

    return drawn()


def _beginning(program: Program, count: int) -> Program:
    """The first statements of a program, which returns what they define and nothing reads, or what they did return."""
    if count >= len(program.body):
        return program
    body = program.body[:count]
    read = {name for statement in body for name in reads(statement)}
    defined = [value for statement in body for value in statement.results if isinstance(value.type, TensorType)]
    names = [value.name for value in defined if value.name not in read] or [value.name for value in defined[-1:]]
    if not names:
        return program
    outputs: Tree = ("tuple", tuple(names), ())
    return replace(program, body=body, outputs=outputs)


def _returning(program: Program, names: Sequence[str]) -> Program:
    outputs: Tree = program.outputs if set(output_names(program.outputs)) == set(names) else ("tuple", tuple(names), ())
    return replace(program, outputs=outputs)


def _needed(program: Program) -> Program:
    """Without statements whose results nobody reads, and which write nothing."""
    functions = writing_functions(program)
    wanted = set(output_names(program.outputs))
    body = []
    for statement in reversed(program.body):
        results = {value.name for value in statement.results}
        if results & wanted or not results or may_write(statement, functions):
            wanted |= set(reads(statement))
            body.append(statement)
    return replace(program, body=tuple(reversed(body)))


__all__ = ["GeneratedProgram", "programs"]
