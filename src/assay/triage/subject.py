"""What a reducer works on: the program of a case with its target and options, apart from the text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from assay.emit.cases import build_case
from assay.ir.case import Case
from assay.ir.program import Program
from assay.ir.serialize import program_from_json


@dataclass(frozen=True, slots=True)
class Subject:
    """A program on a target with options."""

    program: Program
    source: str
    target: str
    options: Mapping[str, Any]
    recipe: Mapping[str, Any] | None = None

    def with_program(self, program: Program) -> Subject:
        """The same target and options with another program."""
        return replace(self, program=program)

    def with_options(self, options: Mapping[str, Any]) -> Subject:
        """The same program with other options."""
        return replace(self, options=options)

    def case(self) -> Case:
        """The case of it. Raises Unsatisfied where the program does not meet its specifications."""
        return build_case(
            self.program,
            source=self.source,
            target=self.target,
            options=self.options,
            recipe=self.recipe,
        )


def subject_of(case: Case) -> Subject | None:
    """The subject of a case; None where its recipe holds no program."""
    data = case.recipe.get("program")
    if data is None:
        return None
    return Subject(program_from_json(data), case.source, case.target, case.options, case.recipe)
