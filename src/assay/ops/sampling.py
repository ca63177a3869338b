"""Instances of one operator: types of its operands, values of its attributes, contents within the domains.

The generator of programs draws operators in context; this draws one alone, for `assay ops check` and for calibration.
Sizes are symbolic now and then, with two instantiations, so that shape rules are checked on symbolic sizes too.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil, floor, frexp
from typing import Any

from assay.ir.sizes import Shape, Size, product, symbol, value_in
from assay.ir.types import INTEGER_RANGE, ScalarType, TensorType
from assay.ops.facts import Facts, Interval, Unsatisfied, constant, require
from assay.ops.interpret import Abstract, Applied, apply_operator, domain_of
from assay.ops.protocol import Binding, Operand, Operator, bind

INSTANTIATIONS = 2
DEFAULT_SHARE = 0.3
MANTISSA = {"float16": 8, "bfloat16": 5, "float32": 18, "float64": 18, "complex64": 18, "complex128": 18}


class Sizes:
    """Draws sizes and shapes; remembers the symbols that it made.

    ``exact`` is the share of instances of dyadic numbers, ``reach`` the greatest magnitude where a domain has it.
    """

    def __init__(self, rng: random.Random, symbolic: float = 0.25, exact: float = 0.6, reach: float = 8) -> None:
        self.random = rng
        self.symbols: dict[str, tuple[int, ...]] = {}
        self.symbolic = symbolic
        self.exact, self.reach = exact, reach

    def size(self) -> Size:
        """A small size, symbolic now and then."""
        if self.random.random() < self.symbolic:
            name = f"s{len(self.symbols)}"
            values = (self.random.randint(2, 6), self.random.randint(2, 6))
            self.symbols[name] = values
            return symbol(name, values)
        return 0 if self.random.random() < 0.03 else self.random.choice((1, 2, 2, 3, 3, 4, 4, 5, 6, 8))

    def shape(self, rank: int) -> Shape:
        """A shape of such sizes."""
        return tuple(self.size() for _ in range(rank))


@dataclass(frozen=True, slots=True)
class Instance:
    """One drawn instance: a type and facts per operand; the value of a Python number is in ``scalars``."""

    operator: Operator
    types: tuple[Any, ...]
    scalars: Mapping[str, Any]
    facts: tuple[Any, ...]
    attributes: Mapping[str, Any]
    applied: Applied
    symbols: Mapping[str, tuple[int, ...]]

    @property
    def abstracts(self) -> list[Any]:
        """The operands as the interpreter takes them."""
        return [_abstract(type_, fact) for type_, fact in zip(self.types, self.facts, strict=True)]


def _abstract(type_: Any, fact: Any) -> Any:
    if type_ is None:
        return None
    if isinstance(type_, tuple):
        return tuple(Abstract(item, each) for item, each in zip(type_, fact, strict=True))
    return Abstract(type_, fact)


def sample_instance(
    operator: Operator,
    rng: random.Random,
    dtype: str | None = None,
    rank: int | None = None,
    tries: int = 200,
    sizes: Callable[[random.Random], Sizes] = Sizes,
) -> Instance:
    """One instance whose first operand has the dtype and rank if given; ``sizes`` makes the policy of each try.

    Raises Unsatisfied where no try succeeds.
    """
    last = Unsatisfied("no try was made")
    for _ in range(tries):
        try:
            return _try(operator, sizes(rng), dtype, rank)
        except Unsatisfied as reason:
            last = reason
    raise Unsatisfied(f"{operator.name}: no instance in {tries} tries, at last: {last}")


def draw_attributes(operator: Operator, binding: Binding, rng: random.Random) -> dict[str, Any]:
    """A value for each attribute: its class first. Raises Unsatisfied where one has no legal value."""
    attributes: dict[str, Any] = {}
    for attribute in operator.attributes:
        classes = {name: values for name, values in attribute.classes(binding).items() if values}
        require(bool(classes), f"attribute {attribute.name} has no legal value")
        names = sorted(classes)
        if "default" in classes and len(classes) > 1:
            names = ["default"] if rng.random() < DEFAULT_SHARE else [name for name in names if name != "default"]
        attributes[attribute.name] = rng.choice(classes[rng.choice(names)])
        setattr(binding, attribute.name, attributes[attribute.name])
    return attributes


def _try(operator: Operator, draw: Sizes, dtype: str | None, rank: int | None) -> Instance:
    rng = draw.random
    binding = Binding()
    types: list[Any] = []
    scalars: dict[str, Any] = {}
    attributes: dict[str, Any] = {}
    for position, operand in enumerate(operator.operands):
        type_ = _operand_type(operand, binding, draw, dtype if position == 0 else None, rank if position == 0 else None)
        types.append(type_)
        setattr(binding, operand.name, type_)
        if isinstance(type_, tuple):
            setattr(binding, "first", type_[0])  # noqa: B010 - bindings hold whatever names a specification has
        if position == 0:
            attributes = draw_attributes(operator, binding, rng)
    binding = bind(operator, types, attributes)
    facts: list[Any] = []
    exact = rng.random() < draw.exact
    for operand, type_ in zip(operator.operands, types, strict=True):
        if isinstance(type_, ScalarType):
            scalars[operand.name] = _scalar(operand, binding, type_, rng)
            facts.append(constant(float(scalars[operand.name])))
        elif isinstance(type_, tuple):
            facts.append(tuple(_facts(operand, binding, item, draw, exact) for item in type_))
        else:
            facts.append(None if type_ is None else _facts(operand, binding, type_, draw, exact))
    abstracts = [_abstract(type_, fact) for type_, fact in zip(types, facts, strict=True)]
    form = "inplace" if operator.inplace_only else "function"
    applied = apply_operator(operator, abstracts, attributes, form)
    return Instance(operator, tuple(types), scalars, tuple(facts), attributes, applied, draw.symbols)


def _operand_type(operand: Operand, binding: Binding, draw: Sizes, dtype: str | None, rank: int | None) -> Any:
    rng = draw.random
    if operand.optional and rng.random() < 0.4:
        return None
    if operand.scalars and rng.random() < 0.3:
        return ScalarType(rng.choice(operand.scalars))
    if operand.many is not None:
        first = TensorType(
            dtype or rng.choice(operand.dtypes), draw.shape(rng.choice(operand.ranks) if rank is None else rank)
        )
        setattr(binding, "first", first)  # noqa: B010 - as above
        others = (_similar(operand, binding, first, draw) for _ in range(rng.randint(*operand.many) - 1))
        return (first, *others)
    if operand.make is not None:
        type_ = operand.make(binding, draw)
        type_ = type_ if dtype is None else type_.with_dtype(dtype)
        require(rank is None or type_.rank == rank, "another rank was made")
        if operand.accepts is not None:
            require(operand.accepts(binding, type_), f"operand {operand.name} refuses what it made itself")
        return type_
    return TensorType(
        dtype or rng.choice(operand.dtypes), draw.shape(rng.choice(operand.ranks) if rank is None else rank)
    )


def _similar(operand: Operand, binding: Binding, first: TensorType, draw: Sizes) -> TensorType:
    rng = draw.random
    dtype = first.dtype if rng.random() < 0.7 else rng.choice(operand.dtypes)
    shape = list(first.shape)
    if shape and rng.random() < 0.5:
        shape[rng.randrange(len(shape))] = draw.size()
    changed = TensorType(dtype, tuple(shape))
    return changed if operand.accepts is None or operand.accepts(binding, changed) else first


def _interval(operand: Operand, binding: Binding, type_: Any, low: float = -8, high: float = 8) -> Interval:
    domain = domain_of(operand, binding)
    if domain is not None:
        low, high = max(low, domain.low), min(high, domain.high)
        if low > high:
            low, high = domain.low, min(domain.high, domain.low + 8)
    if isinstance(type_, TensorType) and type_.dtype in INTEGER_RANGE:
        least, most = INTEGER_RANGE[type_.dtype]
        low, high = max(ceil(low), least), min(floor(high), most)
    require(low <= high, f"operand {operand.name} has no legal value")
    return Interval(low, high)


def _facts(operand: Operand, binding: Binding, type_: TensorType, draw: Sizes, exact: bool) -> Facts:
    rng = draw.random
    reach = draw.reach if operand.role != "index" else float(INTEGER_RANGE["int32"][1])
    interval = _interval(operand, binding, type_, -reach, reach)
    if operand.distinct:
        return Facts(interval.low, interval.high, 0, positive_zero=True)
    if type_.dtype in INTEGER_RANGE:
        low, high = sorted(rng.randint(int(interval.low), int(interval.high)) for _ in range(2))
        return Facts(low, high, 0, positive_zero=True)
    if exact or operand.jumps:
        scale = rng.choice((0, 0, 1, 2, 3))
        unit = 2**scale
        require(ceil(interval.low * unit) <= floor(interval.high * unit), f"operand {operand.name} has no such value")
        low, high = sorted(rng.randint(ceil(interval.low * unit), floor(interval.high * unit)) for _ in range(2))
        return Facts(low / unit, high / unit, scale, positive_zero=True)
    first, last = sorted(_in_dtype(rng.uniform(interval.low, interval.high), type_.dtype, interval) for _ in range(2))
    return Facts(first, last, positive_zero=True)


def _scalar(operand: Operand, binding: Binding, type_: ScalarType, rng: random.Random) -> Any:
    interval = _interval(operand, binding, type_, -4, 4)
    if type_.kind == "bool":
        return rng.random() < 0.5
    if type_.kind == "int":
        require(ceil(interval.low) <= floor(interval.high), "no whole number is legal")
        return rng.randint(ceil(interval.low), floor(interval.high))
    return rng.randint(ceil(interval.low * 4), floor(interval.high * 4)) / 4


def contents(operand: Operand, type_: TensorType, fact: Facts, rng: random.Random, instantiation: int) -> list[float]:
    """Elements of an operand in one instantiation, within its facts and representable in its dtype."""
    count = value_in(product(type_.shape), instantiation)
    if operand.distinct:
        span = list(range(int(fact.low), int(fact.high) + 1))
        require(len(span) >= count, "too few distinct indices")
        return [float(value) for value in rng.sample(span, count)]
    if fact.scale is not None:
        unit = 2**fact.scale
        return [rng.randint(int(fact.low * unit), int(fact.high * unit)) / unit for _ in range(count)]
    return [_in_dtype(rng.uniform(fact.low, fact.high), type_.dtype, fact) for _ in range(count)]


def _in_dtype(value: float, dtype: str, bounds: Facts | Interval) -> float:
    # Cut to few bits, so that the value is exact in the dtype, on the side that keeps it within its bounds.
    unit = 2.0 ** (max(frexp(value)[1], -10) - MANTISSA[dtype])
    for candidate in (floor(value / unit) * unit, ceil(value / unit) * unit):
        if bounds.low <= candidate <= bounds.high:
            return candidate
    return bounds.low
