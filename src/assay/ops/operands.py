"""The relations between operands that specifications use: free, broadcast, same, exactly, index, several, scalar."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from assay.ir.sizes import Shape, Size, smallest
from assay.ir.types import ALL, RANKS, ScalarType, TensorType
from assay.ops.facts import Interval, Unsatisfied
from assay.ops.promotion import promote_dtypes
from assay.ops.protocol import Binding, Draw, Operand
from assay.ops.shapes import broadcast as broadcast_shapes

SCALARS = ("int", "float")


def free(name: str, dtypes: tuple[str, ...] = ALL, ranks: tuple[int, ...] = RANKS, **rest: Any) -> Operand:
    """Any tensor of these dtypes and ranks; usually the first operand, which the others relate to."""
    return Operand(name, dtypes, ranks, **rest)


def broadcast(
    name: str,
    *against: str,
    dtypes: tuple[str, ...] = ALL,
    scalars: tuple[str, ...] = SCALARS,
    same_dtype: bool = False,
    expands: bool = True,
    **rest: Any,
) -> Operand:
    """A tensor that broadcasts against earlier operands, mostly of the dtype of the first, or a Python number.

    ``same_dtype`` keeps to the first's dtype; without ``expands`` the first has the shape of the result already.
    """

    def common(b: Binding) -> Shape:
        return broadcast_shapes(*(shape_of(getattr(b, other)) for other in against))

    def accepts(b: Binding, candidate: TensorType) -> bool:
        first = getattr(b, against[0])
        if same_dtype and isinstance(first, TensorType) and first.dtype != candidate.dtype:
            return False
        shape = common(b)
        return (expands or len(candidate.shape) <= len(shape)) and all(
            x == y or y == 1 or (expands and x == 1)
            for x, y in zip(reversed(shape), reversed(candidate.shape), strict=False)
        )

    def make(b: Binding, draw: Draw) -> TensorType:
        shape = common(b)
        way = draw.random.random()
        if way < 0.2 and shape:
            shape = shape[draw.random.randrange(len(shape)) + 1 :]
        elif way < 0.4 and shape:
            shape = tuple(1 if draw.random.random() < 0.5 else size for size in shape)
        first = getattr(b, against[0])
        # Promotion is a rule of its own: mostly equal dtypes, now and then another.
        if isinstance(first, TensorType) and first.dtype in dtypes and (same_dtype or draw.random.random() < 0.8):
            return TensorType(first.dtype, shape)
        return TensorType(draw.random.choice(dtypes), shape)

    return Operand(name, dtypes, accepts=accepts, make=make, scalars=scalars, **rest)


def same(name: str, as_: str, **rest: Any) -> Operand:
    """A tensor of the same dtype and shape as an earlier operand."""
    return exactly(name, lambda b: getattr(b, as_), **rest)


def exactly(name: str, wanted: Callable[[Binding], TensorType], dtypes: tuple[str, ...] = ALL, **rest: Any) -> Operand:
    """A tensor of exactly this dtype and shape, computed from what is bound."""
    return Operand(name, dtypes, accepts=lambda b, t: t == wanted(b), make=lambda b, draw: wanted(b), **rest)


def matching(
    name: str,
    like: str,
    shape: Callable[[Binding, Draw], Shape],
    fits: Callable[[Binding, Shape], bool],
    ranks: tuple[int, ...] = RANKS,
    dtypes: tuple[str, ...] = ALL,
    **rest: Any,
) -> Operand:
    """A tensor of the dtype of an earlier operand, in any shape that fits; ``shape`` makes one."""

    def accepts(b: Binding, candidate: TensorType) -> bool:
        return bool(candidate.dtype == getattr(b, like).dtype and fits(b, candidate.shape))

    def make(b: Binding, draw: Draw) -> TensorType:
        return TensorType(getattr(b, like).dtype, shape(b, draw))

    return Operand(name, dtypes, ranks, accepts=accepts, make=make, **rest)


def shaped(name: str, shape: Callable[[Binding], Shape], dtypes: tuple[str, ...] = ALL, **rest: Any) -> Operand:
    """A tensor of exactly this shape and any of the dtypes."""

    def make(b: Binding, draw: Draw) -> TensorType:
        return TensorType(draw.random.choice(dtypes), shape(b))

    return Operand(name, dtypes, accepts=lambda b, t: t.shape == shape(b), make=make, **rest)


def index(
    name: str,
    below: Callable[[Binding], Size],
    shape: Callable[[Binding, Draw], Shape],
    fits: Callable[[Binding, Shape], bool],
    dtypes: tuple[str, ...] = ("int64",),
    negative: bool = False,
    **rest: Any,
) -> Operand:
    """An integer tensor whose elements are indices below a size; ``negative`` ones count from the end."""

    def domain(b: Binding) -> Interval:
        size = smallest(below(b))
        if size < 1:
            raise Unsatisfied("nothing to index")
        return Interval(-size if negative else 0, size - 1)

    def make(b: Binding, draw: Draw) -> TensorType:
        return TensorType(draw.random.choice(dtypes), shape(b, draw))

    return Operand(
        name, dtypes, accepts=lambda b, t: fits(b, t.shape), make=make, domain=domain, jumps=True, role="index", **rest
    )


def several(
    name: str, like: str, count: tuple[int, int], fits: Callable[[TensorType, TensorType], bool], **rest: Any
) -> Operand:
    """A list of ``count`` (from, to) tensors, each of which fits the first. ``like`` is 'same' or 'dtype'."""
    return Operand(name, rest.pop("dtypes", ALL), many=count, accepts=lambda b, t: fits(b.first, t), role=like, **rest)


def shape_of(type_: TensorType | ScalarType) -> Shape:
    """The shape; of a Python number, that of a 0-d tensor."""
    return type_.shape if isinstance(type_, TensorType) else ()


def common_dtype(types: tuple[TensorType, ...]) -> str:
    """The promoted dtype of a list of tensors, none of which has priority."""
    result = types[0].dtype
    for type_ in types[1:]:
        result = promote_dtypes(result, type_.dtype)
    return result
