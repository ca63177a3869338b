"""The vocabulary of motifs: a `Draft` appends the operations of one motif to a program under construction.

A motif says what to start from, which operations follow, and at which places it may be changed. The draft decides
beforehand which change is made, if any, so that there is never more than one. What a specification, the policy or the
dialect refuses raises Unsatisfied, and the motif is then taken back as a whole.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar

from assay.generate.builder import Builder
from assay.generate.given import Given, Made, give
from assay.ir.sizes import Shape, Size, Sym, largest, smallest
from assay.ir.types import FLOATS, Dtype, TensorType, is_float, is_integral
from assay.ops.facts import Facts, Interval, Unsatisfied, require

T = TypeVar("T")
Fits: TypeAlias = Callable[[TensorType], bool]
# Changes that every motif can have: another use of an intermediate, a cast and its reverse, an operation in place.
USE, CAST, WRITE = "use", "cast", "write"
ORDER = "order"
# Bounds of what a motif starts from, where it does not state its own: room for sums of products in 16 bits.
REACH = 4.0
CLAMP = "unary.clamp"
ROUNDING = {f"activation.{name}" for name in ("gelu", "silu", "elu", "hardswish", "hardsigmoid", "leaky_relu")}
CONSUMERS = ("unary.neg", "unary.abs", "unary.relu", "unary.logical_not", "unary.bitwise_not")


class Draft:
    """One motif in the making."""

    def __init__(self, builder: Builder, change: str, limit: int) -> None:
        self.builder = builder
        self.rng: random.Random = builder.rng
        # How a change is made is drawn apart, so that one motif with a change and without differ in nothing else.
        self._chance = random.Random(builder.rng.random())
        self.change = change
        self.limit = limit
        # What has been changed, in the words of the recipe.
        self.changed = ""
        self.count = 0
        # What its last operation yields, and what those before did.
        self.results: tuple[str, ...] = ()
        self.inside: list[str] = []

    # operations

    def __call__(self, operator: str, *operands: Given, **attributes: Any) -> str:
        """Append an operation with these operands and attributes; the name of its first result. Raises Unsatisfied."""
        return self.several(operator, *operands, **attributes)[0]

    def several(self, operator: str, *operands: Given, **attributes: Any) -> tuple[str, ...]:
        """Append an operation; the names of its results. Raises Unsatisfied."""
        require(operator in self.builder.allowed, "the policy leaves an operator out")
        require(self.count < self.limit, "the program would be too long")
        specification = self.builder.operators[operator]
        results: tuple[str, ...] = ()
        if self._now(WRITE) and specification.inplace and not specification.inplace_only:
            state = self.rng.getstate()
            try:
                results = give(self.builder, specification, operands, attributes, inplace=True)
                self.changed = WRITE
            except Unsatisfied:
                self.rng.setstate(state)
        if not results:
            results = give(self.builder, specification, operands, attributes)
        self.count += 1
        self.inside += self.results
        self.results = results
        if len(results) == 1 and self._now(CAST):
            results = (self._there_and_back(results[0]),)
            self.results = results
        return results

    def either(self, *operators: str) -> str:
        """One of several operators, of those that the policy has. Raises Unsatisfied."""
        known = [name for name in operators if name in self.builder.allowed]
        if self.builder.policy.exact:
            known = [name for name in known if not rounds(name)] or known
        require(bool(known), "the policy has none of the operators")
        return self.rng.choice(known)

    def cast(self, name: str, dtype: str) -> str:
        """The value in a dtype."""
        return self("cast.to", name, dtype=Dtype(dtype))

    @property
    def graph(self) -> bool:
        """Whether the program is an ONNX graph, of which passes know fewer forms than of torch's."""
        return not self.builder.dialect.python

    # what is known of a value

    def type(self, name: str) -> TensorType:
        """Its type."""
        type_ = self.builder.environment.values[name].type
        assert isinstance(type_, TensorType)
        return type_

    def dtype(self, name: str) -> str:
        """Its dtype."""
        return self.type(name).dtype

    def shape(self, name: str) -> Shape:
        """Its shape."""
        return self.type(name).shape

    def rank(self, name: str) -> int:
        """The number of its dimensions."""
        return self.type(name).rank

    def facts(self, name: str) -> Facts:
        """Bounds of its elements."""
        facts = self.builder.environment.values[name].facts
        assert facts is not None
        return facts

    # changes

    def pick(self, change: str, usual: T, *others: T) -> T:
        """The usual value, or one of the others where this is what is changed: at the first place that asks."""
        if self.change != change or self.changed:
            return usual
        # 1 and 1.0 are different numbers here: a constant of another class is a change.
        changed = [other for other in others if (type(other), other) != (type(usual), usual)]
        if not changed:
            return usual
        self.changed = change
        return self._chance.choice(changed)

    def order(self, *operands: T) -> tuple[T, ...]:
        """Operands in the usual order, or in reverse where the order is what is changed."""
        return self.pick(ORDER, operands, operands[::-1])

    def any(self, *values: T) -> T:
        """One of several values, none of which is the usual one."""
        return self.rng.choice(values)

    def finish(self) -> None:
        """Make the change that is left for the end: another use of an intermediate, or a cast of the result."""
        if self.changed:
            return
        if self.change == CAST and len(self.results) == 1:
            self._there_and_back(self.results[0])
        elif self.change == USE:
            self._use()

    def _use(self) -> None:
        made = [name for name in self.inside if self.builder.tracked[name].promised]
        require(bool(made), "no intermediate to use")
        name = self._chance.choice(made)
        dtype = self.dtype(name)
        consumers = [each for each in CONSUMERS if each in self.builder.allowed]
        consumers = [each for each in consumers if dtype in self.builder.operators[each].operands[0].dtypes]
        if consumers and self._chance.random() < 0.5:
            # Beside the motif, which yields what it did.
            results, inside = self.results, list(self.inside)
            self(self._chance.choice(consumers), name)
            self.results, self.inside = results, inside
        else:
            self.builder.shown.append(name)
        self.changed = USE

    def _now(self, change: str) -> bool:
        return self.change == change and not self.changed and self._chance.random() < 0.4

    def _there_and_back(self, name: str) -> str:
        """The value, cast to another dtype and back; as it is where that is refused."""
        own = self.dtype(name)
        if own == "bool":
            others = ["int64", "int32", "uint8", "float32"]
        else:
            others = [
                dtype for dtype in (*FLOATS, "int64", "int32") if dtype != own and is_float(dtype) >= is_float(own)
            ]
        mark, count = self.builder.mark(), self.count
        self.changed = CAST
        try:
            return self.cast(self.cast(name, self._chance.choice(others)), own)
        except Unsatisfied:
            self.builder.back_to(mark)
            self.count, self.changed, self.results = count, "", (name,)
            return name

    # values to begin with

    def start(
        self,
        dtypes: Sequence[str] = FLOATS,
        ranks: Sequence[int] = (1, 2, 3, 4),
        low: float = -REACH,
        high: float = REACH,
        fits: Fits | None = None,
        least: int = 0,
        jumps: bool = False,
        shape: Callable[[], Shape] | None = None,
    ) -> str:
        """A value to begin with: one of the program that fits, clamped if it must be, else a new input.

        Its elements lie between ``low`` and ``high``, its sizes are at least ``least``; with ``jumps`` it may be
        decided upon, so that it is exact or the policy allows such decisions. ``shape`` gives that of a new one where
        few shapes would fit. Raises Unsatisfied.
        """

        def suits(type_: TensorType) -> bool:
            sizes = all(smallest(size) >= least for size in type_.shape)
            return type_.dtype in dtypes and type_.rank in ranks and sizes and (fits is None or fits(type_))

        interval = Interval(low, high)
        found = self._visible(suits, interval, jumps) if self.rng.random() < 0.85 else None
        if found is None:
            made = self._shape(suits, dtypes[0], ranks) if shape is None else shape()
            return self.input(self.any_dtype(dtypes), made, low, high)
        if self.facts(found).within(interval):
            return found
        bounds = {"min": low, "max": high}
        if is_integral(self.dtype(found)):
            bounds = {"min": int(low), "max": int(high)}
        (clamped,) = give(self.builder, self.builder.operators[CLAMP], (found,), bounds)
        return clamped

    def _visible(self, suits: Fits, interval: Interval, jumps: bool) -> str | None:
        builder, decisions = self.builder, self.builder.policy.decisions
        clamps = CLAMP in builder.operators and self.rng.random() < 0.6
        fitting, recent = [], []
        for position, name in enumerate(reversed(builder.visible())):
            abstract = builder.environment.values[name]
            type_, facts = abstract.type, abstract.facts
            if not isinstance(type_, TensorType) or facts is None or not suits(type_):
                continue
            if not decisions and (facts.tipped or (jumps and not facts.exact)):
                continue
            if not facts.within(interval) and (not clamps or type_.dtype == "bool"):
                continue
            fitting.append(name)
            if position < 6:
                recent.append(name)
        candidates = recent if recent and self.rng.random() < 0.7 else fitting
        return self.rng.choice(candidates) if candidates else None

    def _shape(self, suits: Fits, dtype: str, ranks: Sequence[int]) -> Shape:
        for _ in range(8):
            shape = self.builder.palette.shape(self.rng.choice(ranks))
            if suits(TensorType(dtype, shape)):
                return shape
        raise Unsatisfied("no such shape was drawn")

    def any_dtype(self, dtypes: Sequence[str]) -> str:
        """One of the dtypes, of the policy's where it has any."""
        preferred = [dtype for dtype in self.builder.policy.dtypes if dtype in dtypes]
        floats = [dtype for dtype in preferred if is_float(dtype)]
        if floats and self.rng.random() < 0.75:
            preferred = floats
        return self.rng.choice(preferred or dtypes)

    def input(
        self, dtype: str, shape: Shape, low: float = -REACH, high: float = REACH, constant: bool = False, **rest: Any
    ) -> str:
        """A new input. Raises Unsatisfied."""
        fresh = self.builder.fresh(TensorType(dtype, shape), Interval(low, high), constant=constant, **rest)
        return self.builder.add_input(fresh)

    def constant(self, dtype: str, shape: Shape, low: float = -REACH, high: float = REACH) -> str:
        """A tensor that is the same in every call: a parameter or a buffer that nothing writes, where the program may
        have state."""
        return self.input(dtype, shape, low, high, constant=True)

    def other(self, like: str, shape: Shape, low: float = -REACH, high: float = REACH) -> str:
        """A second operand of the dtype of another: an argument or a constant."""
        return self.input(self.dtype(like), shape, low, high, constant=self.rng.random() < 0.6)

    def made(self, low: float = -REACH, high: float = REACH, constant: bool = False) -> Made:
        """An operand that is made as its specification makes it."""
        return Made(low, high, constant)

    def size(self, least: int = 1) -> Size:
        """A size of the program's palette. Raises Unsatisfied where none is large enough."""
        for _ in range(6):
            size = self.builder.palette.size()
            if smallest(size) >= least:
                return size
        return self.static(least)

    def static(self, least: int = 1, most: int = 6) -> int:
        """A size that is the same in every call."""
        sizes = [size for size in self.builder.palette.static if isinstance(size, int) and least <= size <= most]
        return self.rng.choice(sizes) if sizes else self.rng.randint(least, max(least, most))


def rounds(operator: str) -> bool:
    """Whether an operator that motifs choose among leaves exact arithmetic."""
    return operator.startswith("smooth.") or operator in ROUNDING


def even(size: Size) -> bool:
    """Whether a size is a known even number."""
    return isinstance(size, int) and size > 0 and size % 2 == 0


def number(size: Size) -> Given:
    """A size as an operand."""
    return size if isinstance(size, Sym) else int(size)


def most(shape: Shape) -> int:
    """The greatest number of elements of a shape."""
    count = 1
    for size in shape:
        count *= largest(size)
    return count
