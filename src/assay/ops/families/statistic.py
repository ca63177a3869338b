"""Statistics and sums along dimensions: moments in pairs, quantiles, covariance, integrals, norms of slices."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from assay.ir.sizes import Shape, Size, largest, smallest
from assay.ir.types import ALL, FLOATS, INTEGERS, NUMERIC, RANKS, TensorType
from assay.ops.attributes import dim, dims, flag, keepdim, values
from assay.ops.errors import SELECTS, smooth, steps, sums
from assay.ops.facts import BOOLEAN, Facts, Interval, constant, hull, representable, require, total
from assay.ops.families.reduce import (
    ONE,
    accumulated,
    averaged,
    count,
    located,
    reduces,
    spread,
)
from assay.ops.operands import broadcast, free, matching, shape_of
from assay.ops.promotion import promote_dtypes
from assay.ops.protocol import Attribute, Binding, Draw, operator
from assay.ops.shapes import broadcast as broadcast_shapes
from assay.ops.shapes import normal_dim, normal_dims, reduced, replaced

RANKED = RANKS[1:]
WIDE = ("float32", "float64")


def statistic(name: str, **rest: Any) -> None:
    """A reduction of the family `reduce`, in this one."""
    facts, dtypes = rest.pop("facts"), rest.pop("dtypes", ALL)
    attributes = rest.pop("attributes", (dims("dim"), keepdim()))
    result = rest.pop("result", lambda dtype: dtype)
    pair = rest.pop("pair", False)

    def infer(b: Binding) -> Any:
        shape = reduced(b.x.shape, _dims(b), b.keepdim)
        found = TensorType(result(b.x.dtype), shape)
        return (found, found) if pair else found

    operator(
        f"statistic.{name}",
        operands=[free("x", dtypes, rest.pop("ranks", (0, *RANKED)), jumps=rest.pop("jumps", False))],
        attributes=attributes,
        infer=infer,
        facts=lambda b, f: facts(b, f.x),
        torch=f"torch.{name}",
        results=2 if pair else 1,
        **rest,
    )


def _dims(b: Binding) -> tuple[int, ...]:
    return normal_dims(b.dim, b.x.rank)


def moments(root: bool) -> Callable[[Binding, Facts], tuple[Facts, Facts]]:
    """Variance or deviation, and the mean."""
    return lambda b, x: (spread(root)(b, x), averaged(b, x).rounded())


for name, root in (("std_mean", True), ("var_mean", False)):
    statistic(
        name,
        facts=moments(root),
        dtypes=FLOATS,
        ranks=RANKED if root else RANKS,
        left_out={"rank 0": "the root of zero has no derivative"} if root else {},
        attributes=(dims("dim"), values("correction", 1, boundary=(0,), other=(2,)), keepdim()),
        pair=True,
        method=None,
        saves="both",
        error={name: smooth(4.0)},
        jax="jnp.var",
        tensorflow="tf.nn.moments",
    )
statistic(
    "nansum",
    facts=lambda b, x: total(x, count(b)),
    result=accumulated,
    out=True,
    saves="inputs",
    onnx=reduces("ReduceSum"),
    jax="jnp.nansum",
    tensorflow="tf.reduce_sum",
    # Eager adds the 16-bit types up in themselves.
    error={"nansum": sums(narrow=True)},
)
statistic(
    "nanmean",
    facts=lambda b, x: averaged(b, x).rounded(),
    dtypes=FLOATS,
    out=True,
    saves="inputs",
    onnx=reduces("ReduceMean"),
    jax="jnp.nanmean",
    tensorflow="tf.reduce_mean",
    error={},
)
operator(
    "statistic.nanmedian",
    operands=[free("x", NUMERIC, jumps=True, no_overlap=True)],
    attributes=ONE,
    infer=lambda b: (
        TensorType(b.x.dtype, reduced(b.x.shape, _dims(b), b.keepdim)),
        TensorType("int64", reduced(b.x.shape, _dims(b), b.keepdim)),
    ),
    facts=lambda b, f: located(b, f.x),
    torch="torch.nanmedian",
    out=True,
    results=2,
    unpromised=(1,),
    saves="output",
    jax="jnp.nanmedian",
    error=SELECTS,
)


def between(b: Binding, f: Any) -> Facts:
    """A number between two elements; one of them where there is only one."""
    require(smallest(b.x.elements) > 0, "a quantile of nothing")
    return Facts(f.x.low, f.x.high)


for name in ("quantile", "nanquantile"):
    operator(
        f"statistic.{name}",
        operands=[free("x", WIDE)],
        attributes=[
            values("q", boundary=(0.0, 1.0), other=(0.5, 0.25, 0.375, 0.9)),
            dim(nonempty=True, optional=True),
            keepdim(),
            # Those that choose one element do so by a place that is rounded.
            values("interpolation", "linear", other=("midpoint",)),
        ],
        order=("x", "q"),
        infer=lambda b: TensorType(b.x.dtype, reduced(b.x.shape, _dims(b), b.keepdim)),
        facts=between,
        torch=f"torch.{name}",
        out=True,
        saves="both",
        jax=f"jnp.{name}",
        error={},
    )


def trapezoids(b: Binding, f: Any, most: int) -> Facts:
    """Means of neighbours times the distance, added up."""
    each = (f.x + f.x) * constant(0.5 * b.dx)
    return hull(constant(0), each.summed(max(most, 1)))


def along(b: Binding) -> Size:
    """The size of the dimension."""
    size: Size = b.x.shape[normal_dim(b.dim, b.x.rank)]
    return size


STEP = values("dx", 1, boundary=(0.5,), other=(2.0, 0.25))


def without_last(b: Binding) -> TensorType:
    """One element fewer."""
    require(smallest(along(b)) > 1, "no two neighbours")
    return b.x.with_shape(replaced(b.x.shape, normal_dim(b.dim, b.x.rank), along(b) - 1))  # type: ignore[no-any-return]


def without(b: Binding) -> TensorType:
    """The dimension goes."""
    require(smallest(along(b)) > 1, "no two neighbours")
    return b.x.with_shape(reduced(b.x.shape, (normal_dim(b.dim, b.x.rank),), False))  # type: ignore[no-any-return]


for name, infer in (("trapezoid", without), ("cumulative_trapezoid", without_last)):
    operator(
        f"statistic.{name}",
        operands=[free("x", FLOATS, RANKED)],
        attributes=[STEP, dim(default=-1)],
        infer=infer,
        facts=lambda b, f: trapezoids(b, f, largest(along(b)) - 1),
        torch=f"torch.{name}",
        method=None,
        saves="none",
        # The sum of two neighbours wraps before it is halved.
        left_out=dict.fromkeys(INTEGERS, "sums of neighbours wrap in the dtype of the operand"),
        jax="jnp.trapezoid",
        error={},
    )


def far(b: Binding, f: Any) -> Facts:
    """The norm of a difference; of none it has no derivative."""
    number = largest(b.x.elements)
    require(smallest(b.x.elements) > 0, "the norm of nothing")
    gap = f.x - f.y
    if b.p in (0.0, 1.0) or math.isinf(b.p):
        low, most = 0.0, abs(gap).high
        return Facts(low, number if b.p == 0 else most * (1 if math.isinf(b.p) else number))
    require(gap.low > 0 or gap.high < 0, "the norm of zeros has no derivative")
    return Facts(0.0, abs(gap).high * number ** (1 / b.p), None, abs(gap).high ** b.p * number)


operator(
    "statistic.dist",
    operands=[
        free("x", FLOATS, domain=Interval(-8, 0)),
        matching("y", "x", lambda b, d: b.x.shape, lambda b, s: s == b.x.shape, domain=Interval(1, 8)),
    ],
    attributes=[values("p", 2, boundary=(1.0,), other=(3.0, 1.5))],
    infer=lambda b: b.x.with_shape(()),
    facts=far,
    torch="torch.dist",
    saves="both",
    error={"dist": smooth(16.0, inside=1.0)},
    jax="jnp.linalg.norm",
)


def shrunk(b: Binding, f: Any) -> Facts:
    """Slices of a greater norm are scaled down."""
    return Facts(min(f.x.low, 0.0), max(f.x.high, 0.0))


operator(
    "statistic.renorm",
    operands=[free("x", FLOATS, RANKS[2:], domain=Interval(0.25, 8))],
    attributes=[
        values("p", boundary=(1.0,), other=(2.0, 3.0)),
        dim(),
        values("maxnorm", boundary=(0.5,), other=(2.0, 6.0)),
    ],
    order=("x", "p", "dim", "maxnorm"),
    infer=lambda b: b.x,
    facts=shrunk,
    torch="torch.renorm",
    inplace="renorm_",
    out=True,
    saves="both",
    # The norm is compared with the greatest, which is continuous: there the factor is one. It adds 1e-7 to the norm.
    error={"renorm": smooth(16.0, operand=1.0, inside=2.0)},
)


def close(b: Binding, f: Any) -> Facts:
    """A bool; exact operands, so that nobody's rounding decides."""
    require(f.x.exact and f.y.exact, "a rounded number is compared")
    dtype = promote_dtypes(b.x.dtype, b.y.dtype)
    require(representable(f.x, dtype) and representable(f.y, dtype), "an operand is rounded before it is compared")
    return BOOLEAN


operator(
    "statistic.isclose",
    operands=[
        free("x", NUMERIC, jumps=True),
        broadcast("y", "x", dtypes=NUMERIC, scalars=(), same_dtype=True, jumps=True),
    ],
    attributes=[
        # No multiple of an exact number lies at the border of these.
        values("rtol", 1e-5, boundary=(0.0,), other=(0.3,)),
        values("atol", 1e-8, other=(0.3,)),
        flag("equal_nan"),
    ],
    infer=lambda b: TensorType("bool", broadcast_shapes(b.x.shape, shape_of(b.y))),
    facts=close,
    torch="torch.isclose",
    differentiable=False,
    saves="none",
    jax="jnp.isclose",
    tensorflow="tf.experimental.numpy.isclose",
    error={},
)


def among(b: Binding, f: Any) -> Facts:
    """A bool; neither side is rounded."""
    require(f.x.exact and f.test.exact, "a rounded number is compared")
    return BOOLEAN


def sought(operands: Sequence[str], attributes: Mapping[str, Any]) -> str:
    """The elements to look for lie in a row: of an order of dimensions that no view flattens eager torch 2.13 makes an
    error (bugs/isin-permuted)."""
    flags = "".join(f", {name}=True" for name in ("assume_unique", "invert") if attributes[name])
    return f"torch.isin({operands[0]}, {operands[1]}.contiguous(){flags})"


operator(
    "statistic.isin",
    operands=[
        free("x", NUMERIC, jumps=True),
        matching("test", "x", lambda b, d: d.shape(d.random.choice((0, 1, 1, 2))), lambda b, s: True, jumps=True),
    ],
    attributes=[flag("assume_unique"), flag("invert")],
    infer=lambda b: b.x.with_dtype("bool"),
    facts=among,
    torch="torch.isin",
    render=sought,
    method=None,
    differentiable=False,
    saves="none",
    jax="jnp.isin",
    error={"isin": steps(0, 1)},
)


def sorted_row(b: Binding, f: Any) -> Facts:
    """How many lie below. All are equal, or nothing says that they are in order."""
    size: Size = b.sequence.shape[-1]
    require(f.sequence.low == f.sequence.high or largest(size) <= 1, "the row may not be sorted")
    require(representable(f.x, b.x.dtype) and representable(f.sequence, b.x.dtype), "a rounded number is searched")
    return Facts(0, largest(size), 0)


def row(b: Binding, draw: Draw) -> Shape:
    """A row, or as many rows as the values have."""
    if b.x.rank and draw.random.random() < 0.5:
        return (*b.x.shape[:-1], 1)
    return (1,)


def is_row(b: Binding, shape: Shape) -> bool:
    """A row, or rows beside those of the values."""
    return len(shape) == 1 or (len(shape) == b.x.rank and shape[:-1] == b.x.shape[:-1])


operator(
    "statistic.searchsorted",
    operands=[free("x", NUMERIC, jumps=True), matching("sequence", "x", row, is_row, RANKED, jumps=True)],
    attributes=[
        Attribute("side", lambda b: {"default": (None,), "other": ("left", "right")}, None),
        flag("out_int32"),
    ],
    order=("sequence", "x"),
    infer=lambda b: b.x.with_dtype("int32" if b.out_int32 else "int64"),
    facts=sorted_row,
    torch="torch.searchsorted",
    out=True,
    method=None,
    differentiable=False,
    saves="none",
    jax="jnp.searchsorted",
    tensorflow="tf.searchsorted",
    error=steps(0, 1),
)


def in_order(operands: Sequence[str], attributes: Any) -> str:
    """The row is put in order first, with a sorter or without."""
    x, sequence = operands
    side = "" if attributes["side"] is None else f", side={attributes['side']!r}"
    if attributes["sorter"]:
        return f"torch.searchsorted({sequence}, {x}, sorter=torch.argsort({sequence}, dim=-1, stable=True){side})"
    return f"torch.searchsorted(torch.sort({sequence}, dim=-1).values, {x}{side})"


def exact_row(b: Binding, f: Any) -> Facts:
    """How many lie below."""
    require(representable(f.x, b.x.dtype) and representable(f.sequence, b.x.dtype), "a rounded number is searched")
    return Facts(0, largest(b.sequence.shape[-1]), 0)


operator(
    "statistic.searchsorted_row",
    operands=[
        free("x", NUMERIC, jumps=True),
        matching(
            "sequence",
            "x",
            lambda b, d: (*b.x.shape[:-1], d.size()) if b.x.rank and d.random.random() < 0.5 else (d.size(),),
            is_row,
            RANKED,
            jumps=True,
        ),
    ],
    attributes=[
        Attribute("side", lambda b: {"default": (None,), "other": ("left", "right")}, None),
        Attribute("sorter", lambda b: {"default": (False,), "other": (True,)}, False, hidden=True),
    ],
    infer=lambda b: b.x.with_dtype("int64"),
    facts=exact_row,
    torch="torch.searchsorted",
    method=None,
    render=in_order,
    differentiable=False,
    saves="none",
    jax="jnp.searchsorted",
    tensorflow="tf.searchsorted",
    error={},
)
