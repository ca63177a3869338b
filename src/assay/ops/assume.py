"""What is taken for known of values in programs whose domains nothing keeps: those whose inputs a search finds, and
those that are to compute with special values (`assay.ir.program.FOUND`, `SPECIAL`).

Where inputs are found, an operation assumes that its operands lie in their domains, and from then on so do they: an
operation that no input could satisfy is refused, as the logarithm of minus a root. Integers are bounded as ever: the
search does not answer for them, and nothing may wrap or be out of range. So a conversion of floats counts as any
integer of `CONVERTED`, in which the search keeps it; among special values it is refused, since NaN has no integer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

from assay.ir.program import FOUND, LEAVING
from assay.ir.types import TensorType, is_complex, is_float, is_integral
from assay.ops.facts import BOOLEAN, Facts, Interval, Unsatisfied, constant, headroom, require
from assay.ops.protocol import Binding, Operator

INPUT = 2.0**10
"""The greatest magnitude that is assumed of an input's elements."""

WIDEST = 2.0**60
LEAST = 2.0**-10
_ELEMENTWISE = ("unary", "smooth", "activation", "cast", "binary", "ternary", "special", "bessel")
_MOVING = ("view", "alias", "move", "pad", "part", "join", "split", "index", "subscript", "sort")
_OTHER_NUMBERS = ("alias.view_dtype", "alias.view_narrower")
_OF_SEVERAL = ("binary", "ternary", "loss", "margin")
_POINTS = (-8.0, -2.0, -1.0, -0.25, 0.25, 1.0, 2.0, 8.0)
_OF_ITSELF = {**dict.fromkeys(("gt", "lt", "ne", "logical_xor"), 0.0), **dict.fromkeys(("ge", "le", "eq"), 1.0)}
_MOVING_PARTS = frozenset(f"torch.{name}" for name in ("real", "imag", "view_as_real", "conj", "resolve_conj"))
_OF_SIZES = frozenset({"torch.fft.fftfreq", "torch.fft.rfftfreq"})
"""Of an operand these read how long it is."""

_WRITING = ("scatter", "scatter_add", "index_add", "index_copy", "index_put", "put", "masked_scatter")
_INTO = ("slice_scatter", "select_scatter", "diagonal_scatter")
_PARTLY = frozenset(f"torch.{name}" for name in (*_WRITING, *_INTO))
"""These leave some of the first operand as it was."""

_TIMES = frozenset(
    f"torch.{name}" for name in ("add", "sub", "addcmul", "addcdiv", "addmm", "addmv", "addr", "addbmm", "baddbmm")
)
"""These add multiples of what follows the first operand."""

_NOTHING = frozenset({"torch.linalg.cross", "torch.dist"})
"""What is zero of a value and itself."""

_OF_NUMBERS = {"torch.isnan": 0.0, "torch.isinf": 0.0, "torch.isfinite": 1.0}
CONVERTED = {
    "uint8": Interval(0, 63),
    "int8": Interval(-31, 31),
    "int16": Interval(-(2.0**10), 2.0**10),
    "int32": Interval(-(2.0**15), 2.0**15),
    "int64": Interval(-(2.0**20), 2.0**20),
}
"""What a float may be that is made an integer of a dtype: with room for arithmetic on it."""


def anything(dtype: str, values: str) -> Facts:
    """What is assumed of an input of a floating dtype."""
    most = min(INPUT, headroom(dtype))
    return Facts(-most, most, positive_zero=values == FOUND)


def is_searched(dtype: str, values: str) -> bool:
    """Whether facts do not answer for elements of a dtype: for floats, and complex numbers where inputs are found."""
    return is_float(dtype) or (values == FOUND and is_complex(dtype))


def is_free(operand: Any, values: str) -> bool:
    """Whether facts do not answer for an operand's elements."""
    return operand is not None and isinstance(operand.type, TensorType) and is_searched(operand.type.dtype, values)


def is_tensor(operand: Any) -> bool:
    """Whether an operand is one tensor."""
    return operand is not None and not isinstance(operand, tuple) and isinstance(operand.type, TensorType)


def is_fixed(operator: Operator, operands: Sequence[Any], binding: Binding | None = None) -> bool:
    """Whether no input that is searched moves all of what an operation yields: none of its operands does, or not what
    is in them, or some of it is left as it was."""
    if operator.family == "create" or operator.torch in _OF_SIZES:
        return True
    if operator.torch in _PARTLY or (
        0 in (getattr(binding, "alpha", 1), getattr(binding, "value", 1)) and (operator.torch in _TIMES)
    ):
        operands = operands[:1]
    items = (item for operand in operands for item in (operand if isinstance(operand, tuple) else (operand,)))
    tensors = (item for item in items if item is not None and isinstance(item.type, TensorType))
    return all(f is not None and (f.fixed or f.low == f.high) for f in (item.facts for item in tensors))


@dataclass(frozen=True)
class Assumption:
    """An operation on operands of which some are free, their domains, and why their elements are in them."""

    operator: Operator
    binding: Binding
    operands: Sequence[Any]
    domains: Sequence[Interval | None]
    values: str

    def assumed(self) -> Mapping[int, Facts]:
        """By position, the facts of free operands that the operation narrows. Raises Unsatisfied where nothing is
        left, or another operand leaves its domain."""
        found: dict[int, Facts] = {}
        for position, (operand, domain) in enumerate(zip(self.operands, self.domains, strict=True)):
            for item in operand if isinstance(operand, tuple) else (operand,):
                narrowed = self._narrowed(item, domain)
                if narrowed is not None and item is operand and narrowed is not item.facts:
                    found[position] = narrowed
        return found

    def transferred(self, dtypes: Sequence[str]) -> tuple[Facts, ...]:
        """Facts of what the operation yields and then writes, in these dtypes. Raises Unsatisfied."""
        within = self._computed(self._narrowed)
        beyond = self._computed(_widened) if any(is_integral(d) and d != "bool" for d in dtypes) else None
        found = []
        decided = self._decided()
        for position, dtype in enumerate(dtypes):
            known, of_any = (_at(each, position) for each in (within, beyond))
            if dtype == "bool":
                found.append(BOOLEAN if decided is None else constant(decided))
            elif is_integral(dtype):
                found.append(self._integer(of_any, dtype))
            else:
                found.append(replace(self._float(known, dtype), holds=self._held(known), fixed=self._fixed(known)))
        return tuple(found)

    def _fixed(self, known: Facts | None) -> bool:
        return (known is not None and known.fixed) or is_fixed(self.operator, self.operands, self.binding)

    def _decided(self) -> float | None:
        """What a comparison of a value with itself, which is a number, always says; and what such is asked of one."""
        if self.values not in LEAVING and self.operator.torch in _OF_NUMBERS:
            return _OF_NUMBERS[self.operator.torch]
        given = [operand for operand in self.operands if is_tensor(operand)]
        if self.values in LEAVING or len(given) < 2 or any(operand is not given[0] for operand in given):
            return None
        return _OF_ITSELF.get(self.operator.torch.rpartition(".")[2])

    def _held(self, known: Facts | None) -> float | None:
        """An element that the result has whatever the inputs are: one that the specification knows of, or what an
        elementwise function makes of one that the operand has."""
        if known is not None and known.sure is not None:
            return known.sure
        if (
            self.operator.family in _MOVING or self.operator.torch in _MOVING_PARTS
        ) and self.operator.name not in _OTHER_NUMBERS:
            items = self.operands[0] if isinstance(self.operands[0], tuple) else self.operands[:1]
            return next(
                (item.facts.sure for item in items if is_free(item, self.values) and item.facts.sure is not None), None
            )
        if self.operator.torch == "torch.mul" and any(_all_zero_somewhere(o) for o in self.operands):
            return 0.0
        if self.operator.family not in _ELEMENTWISE or any(isinstance(operand, tuple) for operand in self.operands):
            return None
        # Of one value, and constants.
        moving = [o for o in self.operands if o is not None and (o.facts is None or o.facts.low != o.facts.high)]
        if (
            not moving
            or not all(is_free(o, self.values) and o is moving[0] for o in moving)
            or moving[0].facts.sure is None
        ):
            return None
        point = Facts(moving[0].facts.sure, moving[0].facts.sure)
        names = [specification.name for specification in self.operator.operands]
        points = [point if o is moving[0] else _facts(o) for o in self.operands]
        try:
            there = self.operator.facts(self.binding, SimpleNamespace(**dict(zip(names, points, strict=True))))
        except (Unsatisfied, OverflowError, ValueError, ZeroDivisionError):
            return None
        if isinstance(there, tuple) or there.high - there.low > 2.0**-6 * max(1.0, abs(there.low)):
            return None
        return there.low

    def _integer(self, known: Facts | None, dtype: str) -> Facts:
        # Bounds that no float widens are those of an index, or of a count.
        if known is not None and max(-known.low, known.high) < WIDEST / 2:
            return replace(known, fixed=True)
        require(self.values not in LEAVING, "a special value has no integer")
        return Facts(CONVERTED[dtype].low, CONVERTED[dtype].high, 0)

    def _float(self, known: Facts | None, dtype: str) -> Facts:
        most = headroom(dtype)
        if self.values in LEAVING or known is None or not known.low <= known.high:
            return Facts(-most, most)
        if known.magnitude <= most:
            return known
        require(known.low <= most and known.high >= -most, "no input keeps it from overflow")
        return Facts(max(known.low, -most), min(known.high, most), known.scale, positive_zero=known.positive_zero)

    def _computed(self, bounds: Any) -> Facts | tuple[Facts, ...] | None:
        """What the specification says of operands within bounds; None where these overflow."""
        last = Unsatisfied("nothing is known")
        # Some ask for operands on one side of zero, which is no interval.
        for side in (lambda facts: facts, lambda facts: Facts(max(facts.low, LEAST), max(facts.high, LEAST))):
            facts = SimpleNamespace()
            for specification, operand, domain in zip(self.operator.operands, self.operands, self.domains, strict=True):
                items = operand if isinstance(operand, tuple) else (operand,)
                known = tuple(
                    side(bounds(item, domain)) if is_free(item, self.values) else _facts(item) for item in items
                )
                setattr(facts, specification.name, known if isinstance(operand, tuple) else known[0])
            try:
                if self._twice() and bounds == self._narrowed:
                    return self._on_itself()
                return self.operator.facts(self.binding, facts)
            except (OverflowError, ValueError, ZeroDivisionError):
                return None
            except Unsatisfied as reason:
                last = reason
                if not self._smooth():
                    break
        raise last

    def _twice(self) -> bool:
        """Whether it is an elementwise operation of a value and itself."""
        given = [operand for operand in self.operands if is_tensor(operand)]
        same = len(given) > 1 and is_free(given[0], self.values) and all(operand is given[0] for operand in given)
        return same and (self.operator.family in _OF_SEVERAL or self.operator.torch in _NOTHING)

    def _on_itself(self) -> Facts:
        """Bounds over a few values of the operand: a quotient of one and the same is one."""
        names = [operand.name for operand in self.operator.operands]
        given = {name: _facts(operand) for name, operand in zip(names, self.operands, strict=True)}
        mine = [name for name, operand in zip(names, self.operands, strict=True) if is_tensor(operand)]
        narrowed = [self._narrowed(o, d) for o, d in zip(self.operands, self.domains, strict=True) if is_tensor(o)]
        known = [facts for facts in narrowed if facts is not None]
        low, high = max(facts.low for facts in known), min(facts.high for facts in known)
        require(low <= high, "no input brings an operand into all its domains")
        sure = known[0].sure
        if self.operator.torch in _NOTHING:
            return Facts(0.0, 0.0)
        points = {low, high, *(min(max(point, low), high) for point in (*_POINTS, low if sure is None else sure))}
        found: list[Facts] = []
        for point in sorted(points):
            facts = SimpleNamespace(**{**given, **dict.fromkeys(mine, Facts(point, point))})
            there = self.operator.facts(self.binding, facts)
            found += there if isinstance(there, tuple) else (there,)
        return Facts(min(each.low for each in found), max(each.high for each in found))

    def _smooth(self) -> bool:
        """Whether another side of zero gives no other answer: not so for what has a sign bit."""
        return self.operator.differentiable

    def _narrowed(self, operand: Any, domain: Interval | None) -> Facts | None:
        facts = _facts(operand)
        if facts is None or domain is None or facts.within(domain):
            return facts
        require(is_free(operand, self.values), "an operand leaves the domain")
        low, high = max(facts.low, domain.low), min(facts.high, domain.high)
        if self.values in LEAVING:
            return Facts(low, high) if low <= high else Facts(domain.low, domain.high)
        require(low <= high, "no input brings an operand into the domain")
        # Inputs that are searched have no scale, so that this one follows from integers, or was rounded to one.
        require(facts.scale is None or facts.tipped, "no input moves it")
        if facts.scale is not None:
            unit = 2.0**-facts.scale
            require(math.ceil(low / unit) <= math.floor(high / unit), "no value of its grid is in the domain")
        require(not facts.fixed, "no input moves it")
        require(facts.sure is None or domain.low <= facts.sure <= domain.high, "an element stays outside the domain")
        return replace(facts, low=low, high=high, scale=facts.scale if facts.tipped else None, terms=0.0)


def _all_zero_somewhere(operand: Any) -> bool:
    """Whether a product with an operand has a zero, whatever the other is."""
    known = None if operand is None or isinstance(operand, tuple) else operand.facts
    return known is not None and known.sure == 0


def _at(facts: Facts | tuple[Facts, ...] | None, position: int) -> Facts | None:
    return facts[position] if isinstance(facts, tuple) else facts


def _facts(operand: Any) -> Facts | None:
    known: Facts | None = None if operand is None else operand.facts
    return known


def _widened(operand: Any, domain: Interval | None) -> Facts:
    if domain is None or math.isinf(domain.high - domain.low):
        return Facts(-WIDEST, WIDEST)
    return Facts(domain.low, domain.high)
