"""The specifications as a whole: how many, how wide, how attributes are drawn, what other frameworks call them."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from assay.ops import families
from assay.ops.catalogue import load
from assay.ops.protocol import CLASSES, Binding, Operator
from assay.ops.sampling import sample_instance
from assay.ops.text import expression, forms

OPERATORS = list(load().values())


def test_there_are_80_operators_in_12_families_and_more() -> None:
    assert len(OPERATORS) >= 80
    assert len({operator.family for operator in OPERATORS}) >= 12


def test_every_part_of_the_protocol_is_used() -> None:
    used = {
        "promotion": any(operator.name == "binary.add" for operator in OPERATORS),
        "several results": any(operator.results == 2 for operator in OPERATORS),
        "any number of results": any(operator.results == 0 for operator in OPERATORS),
        "views": any(operator.view for operator in OPERATORS),
        "views at times": any(operator.maybe_view for operator in OPERATORS),
        "in place": any(operator.inplace for operator in OPERATORS),
        "in place only": any(operator.inplace_only for operator in OPERATORS),
        "out": any(operator.out for operator in OPERATORS),
        "state": any(operator.writes for operator in OPERATORS),
        "lists": any(operand.many for operator in OPERATORS for operand in operator.operands),
        "optional": any(operand.optional for operator in OPERATORS for operand in operator.operands),
        "numbers": any(operand.scalars for operator in OPERATORS for operand in operator.operands),
        "distinct": any(operand.distinct for operator in OPERATORS for operand in operator.operands),
        "domains": any(operand.domain for operator in OPERATORS for operand in operator.operands),
        "jumps": any(operand.jumps for operator in OPERATORS for operand in operator.operands),
        "hidden": any(attribute.hidden for operator in OPERATORS for attribute in operator.attributes),
        "unpromised": any(operator.unpromised for operator in OPERATORS),
        "thresholds": any(operator.thresholds for operator in OPERATORS),
    }
    assert [part for part, is_used in used.items() if not is_used] == []


def test_each_slot_of_another_framework_is_filled_by_two_fifths_of_the_operators() -> None:
    for slot in ("onnx", "jax", "tensorflow"):
        assert sum(getattr(operator, slot) is not None for operator in OPERATORS) > len(OPERATORS) * 2 / 5


def test_integers_bools_and_both_16_bit_floats_are_widely_declared() -> None:
    counts = Counter(dtype for operator in OPERATORS for dtype in operator.operands[0].dtypes)
    for dtype in ("bool", "uint8", "int8", "int64", "float16", "bfloat16", "float64"):
        assert counts[dtype] > len(OPERATORS) / 3, dtype


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.name)
def test_an_instance_is_found_at_once_and_written_in_every_form(operator: Operator) -> None:
    rng = random.Random(0)
    instance = sample_instance(operator, rng, tries=60)
    operands = [f"p{position}" for position in range(len(operator.operands))]
    for form in forms(operator, instance.attributes):
        text = expression(operator, operands, instance.attributes, form, "out" if form == "out" else None)
        compile(text, operator.name, "eval")


def chances(classes: Mapping[str, Sequence[Any]]) -> Counter[str]:
    """The chance of each value: the default class has 0.3 beside others, which share the rest evenly."""
    found: Counter[str] = Counter()
    legal = {name: values for name, values in classes.items() if len(values)}
    for name, values in legal.items():
        others = len(legal) - ("default" in legal)
        share = 1.0 if len(legal) == 1 else 0.3 if name == "default" else (0.7 if "default" in legal else 1.0) / others
        for value in values:
            found[repr(value)] += share / len(values)  # type: ignore[assignment]
    return found


@pytest.mark.parametrize("operator", [o for o in OPERATORS if o.attributes], ids=lambda operator: operator.name)
def test_of_five_legal_values_of_an_attribute_none_takes_more_than_40_percent(operator: Operator) -> None:
    rng = random.Random(1)
    for _ in range(12):
        instance = sample_instance(operator, rng)
        binding = Binding()
        first = instance.types[0]
        setattr(binding, operator.operands[0].name, first)
        if isinstance(first, tuple):
            setattr(binding, "first", first[0])  # noqa: B010 - bindings hold whatever names a specification has
        for attribute in operator.attributes:
            classes = attribute.classes(binding)
            assert set(classes) <= set(CLASSES), attribute.name
            shares = chances(classes)
            assert len(shares) < 5 or max(shares.values()) <= 0.4001, (attribute.name, shares)
            setattr(binding, attribute.name, instance.attributes[attribute.name])


def test_every_family_says_what_it_holds() -> None:
    for info in pkgutil.iter_modules(families.__path__):
        module = importlib.import_module(f"{families.__name__}.{info.name}")
        assert inspect.getdoc(module)
