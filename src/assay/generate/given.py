"""One operation with operands and attributes that are given, held to all that a drawn one is held to.

Motifs are made of these: nothing is chosen but what is left open, and nothing is clamped, since what a rewriting pass
looks for has to come out whole.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from assay.generate.builder import Builder, Fresh
from assay.generate.propose import Choice, Proposal
from assay.ir.program import Literal
from assay.ir.sizes import Sym
from assay.ir.types import TensorType
from assay.ops.facts import Interval, Unsatisfied, require
from assay.ops.interpret import domain_of
from assay.ops.protocol import CLASSES, MISSING, Attribute, Operator
from assay.ops.protocol import Operand as OperandSpecification
from assay.ops.text import forms


@dataclass(frozen=True, slots=True)
class Made:
    """An operand that is made as the specification makes it, with elements in an interval; ``constant``: as state that
    nothing writes, where the program may have state."""

    low: float = -math.inf
    high: float = math.inf
    constant: bool = False


# The name of a value, a number, a size, a list of names, an operand to be made, or None for one left out.
Given = str | bool | int | float | Sym | tuple[str, ...] | Made | None


def give(
    builder: Builder,
    operator: Operator,
    operands: Sequence[Given],
    attributes: Mapping[str, Any],
    *,
    inplace: bool = False,
) -> tuple[str, ...]:
    """Append an operation; the names of its results. Attributes that are not given have the framework's default, or
    the first legal value. Raises Unsatisfied."""
    proposal = _Given(builder, operator, inplace)
    proposal.take(operands, attributes)
    proposal.check()
    return proposal.commit()


class _Given(Proposal):
    """A proposal in which nothing is drawn but how an operation is written."""

    def __init__(self, builder: Builder, operator: Operator, inplace: bool) -> None:
        super().__init__(builder, operator)
        self.inplace = inplace

    def take(self, operands: Sequence[Given], attributes: Mapping[str, Any]) -> None:
        """Bind what is given, in the order in which a specification binds. Raises Unsatisfied."""
        head, *rest = self.operator.operands
        first, *others = operands
        self._choose(head, self._taken(head, first))
        for attribute in self.operator.attributes:
            value = attributes[attribute.name] if attribute.name in attributes else self._usual(attribute)
            if isinstance(value, str):
                legal = attribute.classes(self.binding).values()
                require(any(value in values for values in legal), f"{value!r} is no {attribute.name} here")
            self.attributes[attribute.name] = value
            setattr(self.binding, attribute.name, value)
        assert set(attributes) <= set(self.attributes), f"{self.operator.name} has no {set(attributes)}"
        for specification, given in zip(rest, others, strict=True):
            self._choose(specification, self._taken(specification, given))

    def _taken(self, specification: OperandSpecification, given: Given) -> Choice:
        if isinstance(given, Made):
            made = self._made_within(specification, given)
            return made if specification.many is None else (made,)
        if isinstance(given, bool | int | float):
            return Literal(given)
        if isinstance(given, Sym):
            require(self.builder.dialect.python, "a size is no operand here")
            return given
        for name in (given,) if isinstance(given, str) else given or ():
            abstract = self.builder.environment.values[name]
            if specification.many is not None and name != given[0]:  # type: ignore[index]
                require(_may_follow(specification, abstract.type), "a tensor of the list does not fit")
            else:
                require(self._fits(specification, name, abstract), "the given operand does not fit")
        return given

    def _made_within(self, specification: OperandSpecification, made: Made) -> Fresh:
        fresh = self._made(specification)
        low, high = made.low, made.high
        if fresh.facts.low < low or fresh.facts.high > high:
            domain = self._interval(specification)
            if domain is not None:
                low, high = max(low, domain.low), min(high, domain.high)
            fresh = self.builder.fresh(
                fresh.type,
                Interval(low, high),
                gradients=fresh.gradients,
                refused_layouts=fresh.refused_layouts,
            )
        return replace(fresh, constant=made.constant)

    def _usual(self, attribute: Attribute) -> Any:
        if attribute.default is not MISSING:
            return attribute.default
        classes = attribute.classes(self.binding)
        for name in CLASSES:
            if classes.get(name):
                return classes[name][0]
        raise Unsatisfied(f"no legal value of {attribute.name}")

    def _keep_domains(self) -> None:
        for specification, choice in zip(self.operator.operands, self.choices, strict=True):
            interval = None if choice is None else domain_of(specification, self.binding)
            if interval is None:
                continue
            for item in choice if isinstance(choice, tuple) else (choice,):
                facts = self._abstract(item).facts
                require(facts is None or facts.within(interval), "an operand leaves the domain")

    def _form(self) -> tuple[str, str | None]:
        if self.operator.inplace_only:
            self._check_target()
            return "inplace", None
        available = forms(self.operator, self.attributes)
        plain = [form for form in available if form in ("method", "operator")]
        # Drawn in any case, so that what follows does not depend on whether this is written in place.
        form = "function"
        if plain and self._tensor_first() and self.rng.random() < self.builder.policy.forms:
            form = self.rng.choice(plain)
        if self.inplace:
            require("inplace" in available and self._takes_in_place(), "not in place")
            return "inplace", None
        return form, None


def _may_follow(specification: OperandSpecification, type_: object) -> bool:
    return isinstance(type_, TensorType) and type_.dtype in specification.dtypes and type_.rank in specification.ranks
