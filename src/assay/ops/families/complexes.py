"""Complex numbers: made of their parts and taken apart, conjugate and negative views, arithmetic, functions.

Facts bound both parts. Where a function has a branch cut or a pole, both parts stay positive.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from assay.ir.sizes import smallest
from assay.ir.types import ALL, ANY, COMPLEXES, RANKS, Dtype, TensorType, is_complex, part_of
from assay.ops.attributes import Classes, dim, dims, keepdim
from assay.ops.elementwise import promoted
from assay.ops.errors import Rules, moves, rounded
from assay.ops.facts import BOOLEAN, Facts, Interval, constant, hull, representable, require, total
from assay.ops.families.reduce import count, reduced_type
from assay.ops.operands import broadcast, free, matching
from assay.ops.promotion import promote_dtypes
from assay.ops.protocol import Attribute, Binding, Draw, Operand, operator
from assay.ops.shapes import broadcast as broadcast_shapes
from assay.ops.shapes import normal_dim

ROOT2 = math.sqrt(2.0)
PARTS = ("float32", "float64")
# In the first quadrant, away from zero.
QUADRANT = Interval(0.25, 8)


def whole_of(dtype: str) -> str:
    """The complex dtype whose parts have this one."""
    return {"float32": "complex64", "float64": "complex128"}[dtype]


def complexes(
    name: str,
    operands: Sequence[Operand],
    infer: Callable[[Binding], Any],
    facts: Callable[[Binding, Any], Any],
    attributes: Sequence[Attribute] = (),
    error: Rules | None = None,
    **rest: Any,
) -> None:
    """An operator of the family, with no rule where another states that of its torch operation."""
    rest.setdefault("torch", f"torch.{name}")
    rest.setdefault("left_out", dict.fromkeys(ALL, "the operator of real numbers is one of its own"))
    operator(
        f"complex.{name}",
        operands=operands,
        attributes=attributes,
        infer=infer,
        facts=facts,
        saves=rest.pop("saves", "both"),
        error={} if error is None else error,
        **rest,
    )


def turned(f: Facts) -> Facts:
    """Either sign."""
    return hull(f, -f)


def product(a: Facts, b: Facts) -> Facts:
    """The difference and the sum of two products."""
    each = a * b
    return hull(each - each, each + each)


def beside_real(facts: Callable[[Any], Facts], b: Binding, f: Any) -> Facts:
    """Facts of complex operands, of which one may be real: then the imaginary part is the other's."""
    return hull(facts(f), f.x)


def bounded(bound: Callable[[Facts], float], b: Binding, f: Any) -> Facts:
    """Both parts within a modulus."""
    return Facts(-bound(f.x) - 0.01, bound(f.x) + 0.01)


X = free("x", COMPLEXES)
MIXED = broadcast("y", "x", dtypes=(*COMPLEXES, *PARTS, "int64"), scalars=("float", "int"))


def common(b: Binding) -> TensorType:
    """The promoted type, which is complex."""
    result = promoted(b)
    require(is_complex(result.dtype), "a result that is real")
    return result


complexes(
    "complex",
    [free("x", PARTS), broadcast("y", "x", dtypes=PARTS, scalars=(), same_dtype=True)],
    lambda b: TensorType(whole_of(b.x.dtype), broadcast_shapes(b.x.shape, b.y.shape)),
    lambda b, f: hull(Facts(f.x.low, f.x.high, f.x.scale), Facts(f.y.low, f.y.high, f.y.scale)),
    method=None,
    out=True,
    saves="inputs",
    left_out={"float16": "complex32 has hardly a kernel"},
    error={"complex": moves()},
    jax="jax.lax.complex",
    tensorflow="tf.complex",
)
complexes(
    "polar",
    [free("x", PARTS, domain=Interval(0, 2.0**20)), broadcast("y", "x", dtypes=PARTS, scalars=(), same_dtype=True)],
    lambda b: TensorType(whole_of(b.x.dtype), broadcast_shapes(b.x.shape, b.y.shape)),
    lambda b, f: Facts(-f.x.high, f.x.high),
    method=None,
    rounds=True,
    out=True,
    error={"polar": rounded(8.0)},
)


def pairs(b: Binding, draw: Draw) -> TensorType:
    """Pairs in the last dimension."""
    return TensorType(draw.random.choice(PARTS), (*draw.shape(draw.random.randint(0, 5)), 2))


complexes(
    "view_as_complex",
    [free("x", PARTS, RANKS[1:], accepts=lambda b, t: t.shape[-1] == 2, make=pairs)],
    lambda b: TensorType(whole_of(b.x.dtype), b.x.shape[:-1]),
    lambda b, f: Facts(f.x.low, f.x.high, f.x.scale),
    method=None,
    # Only pairs that lie beside each other, from an even place on, may be seen as numbers.
    render=lambda operands, attributes: (
        f"torch.view_as_complex({operands[0]}.clone(memory_format=torch.contiguous_format))"
    ),
    saves="none",
    left_out={"float16": "complex32 has hardly a kernel"},
    error={"clone": moves()},
    jax="jax.lax.complex",
)
complexes(
    "view_as_real",
    [X],
    lambda b: TensorType(part_of(b.x.dtype), (*b.x.shape, 2)),
    lambda b, f: Facts(f.x.low, f.x.high, f.x.scale),
    method=None,
    # A conjugate view is made real numbers first.
    render=lambda operands, attributes: f"torch.view_as_real({operands[0]}.resolve_conj())",
    maybe_view="x",
    saves="none",
)
for name in ("real", "imag"):
    complexes(
        name,
        [X],
        lambda b: b.x.with_dtype(part_of(b.x.dtype)),
        lambda b, f: hull(Facts(f.x.low, f.x.high, f.x.scale), -f.x) if f.x.low < 0 else turned(f.x),
        method=None,
        view="x",
        saves="none",
        jax=f"jnp.{name}",
        tensorflow=f"tf.math.{name}",
    )
for name in ("conj", "adjoint", "mH"):
    flat = name == "conj"
    complexes(
        name,
        [X if flat else free("x", COMPLEXES, RANKS[2:])],
        (lambda b: b.x) if flat else (lambda b: b.x.with_shape((*b.x.shape[:-2], b.x.shape[-1], b.x.shape[-2]))),
        lambda b, f: turned(f.x),
        method=None if name == "mH" else name,
        render=(lambda operands, attributes: f"{operands[0]}.mH") if name == "mH" else None,
        torch=f"torch.{name}" if name != "mH" else "torch.Tensor.mH",
        view="x",
        saves="none",
        jax="jnp.conj",
        tensorflow="tf.math.conj",
    )
complexes(
    "conj_physical",
    [X],
    lambda b: b.x,
    lambda b, f: turned(f.x),
    inplace="conj_physical_",
    out=True,
    saves="none",
)
for name in ("resolve_conj", "resolve_neg"):
    complexes(
        name,
        [X],
        lambda b: b.x,
        lambda b, f: Facts(f.x.low, f.x.high, f.x.scale),
        maybe_view="x",
        saves="none",
    )
complexes(
    "abs",
    [free("x", COMPLEXES, domain=QUADRANT)],
    lambda b: b.x.with_dtype(part_of(b.x.dtype)),
    lambda b, f: Facts(0.0, f.x.magnitude * ROOT2),
    rounds=True,
    out=True,
    jax="jnp.abs",
    tensorflow="tf.abs",
)
complexes(
    "angle",
    [free("x", COMPLEXES, domain=QUADRANT)],
    lambda b: b.x.with_dtype(part_of(b.x.dtype)),
    lambda b, f: Facts(0.0, math.pi / 2),
    rounds=True,
    out=True,
    jax="jnp.angle",
    tensorflow="tf.math.angle",
)
complexes(
    "sgn",
    [free("x", COMPLEXES, domain=QUADRANT)],
    lambda b: b.x,
    lambda b, f: Facts(0.0, 1.0),
    inplace="sgn_",
    rounds=True,
    out=True,
    # The rule of real numbers is that of a step.
    differentiable=True,
)
for name, symbol, facts in (
    ("add", "+", lambda f: f.x + f.y),
    ("sub", "-", lambda f: f.x - f.y),
    ("mul", "*", lambda f: product(f.x, f.y)),
):
    complexes(
        name,
        [X, MIXED],
        common,
        # A real number has no imaginary part.
        partial(beside_real, facts),
        symbol=symbol,
        inplace=f"{name}_",
        out=True,
        saves="inputs" if name == "mul" else "none",
    )


def quotient(b: Binding, f: Any) -> Facts:
    """No larger than the dividend's modulus over the least of the divisor."""
    most = f.x.magnitude * ROOT2 / abs(f.y).low
    return Facts(-most, most)


complexes(
    "div",
    [X, broadcast("y", "x", dtypes=COMPLEXES, scalars=("float",), domain=QUADRANT)],
    common,
    quotient,
    symbol="/",
    # In place eager may round otherwise.
    rounds=True,
    out=True,
)
complexes("neg", [X], lambda b: b.x, lambda b, f: -f.x, symbol="-", inplace="neg_", out=True, saves="none")
complexes(
    "square",
    [X],
    lambda b: b.x,
    lambda b, f: product(f.x, f.x).rounded(),
    inplace="square_",
    rounds=True,
    saves="inputs",
)
complexes(
    "reciprocal",
    [free("x", COMPLEXES, domain=QUADRANT)],
    lambda b: b.x,
    lambda b, f: Facts(-1 / f.x.low, 1 / f.x.low),
    inplace="reciprocal_",
    rounds=True,
    out=True,
)
for name, domain, bound in (
    ("exp", Interval(-8, 8), lambda x: math.exp(x.high)),
    ("sin", Interval(-4, 4), lambda x: math.cosh(x.magnitude)),
    ("cos", Interval(-4, 4), lambda x: math.cosh(x.magnitude)),
    ("sinh", Interval(-4, 4), lambda x: math.cosh(x.magnitude)),
    ("cosh", Interval(-4, 4), lambda x: math.cosh(x.magnitude)),
    ("sqrt", QUADRANT, lambda x: math.sqrt(x.magnitude * 1.5)),
    ("rsqrt", QUADRANT, lambda x: 1 / math.sqrt(x.low)),
    ("log", QUADRANT, lambda x: 4.0),
    ("sigmoid", Interval(-1, 1), lambda x: 2.0),
    ("tanh", Interval(-0.5, 0.5), lambda x: 1.0),
    ("expm1", Interval(-4, 4), lambda x: 1 + math.exp(x.high)),
    ("log1p", QUADRANT, lambda x: 4.0),
):
    complexes(
        name,
        [free("x", COMPLEXES, domain=domain)],
        lambda b: b.x,
        partial(bounded, bound),
        rounds=True,
        inplace=f"{name}_",
        out=True,
        jax=f"jnp.{name}",
    )


def averaged(b: Binding, f: Any) -> Facts:
    """The mean."""
    require(smallest(count(b)) > 0, "the mean of nothing")
    return Facts(f.x.low, f.x.high, None, total(f.x, count(b)).magnitude)


complexes(
    "sum",
    [X],
    lambda b: reduced_type(b, b.x.dtype),
    lambda b, f: total(f.x, count(b)),
    [dims("dim"), keepdim()],
    saves="none",
    jax="jnp.sum",
    tensorflow="tf.reduce_sum",
)
complexes(
    "mean", [X], lambda b: reduced_type(b, b.x.dtype), averaged, [dims("dim"), keepdim()], saves="none", jax="jnp.mean"
)


def running(b: Binding, f: Any) -> Facts:
    """Sums of some."""
    size = b.x.shape[normal_dim(b.dim, b.x.rank)] if b.x.rank else 1
    return hull(constant(0), f.x, total(f.x, size))


complexes("cumsum", [X], lambda b: b.x, running, [dim()], inplace="cumsum_", out=True, saves="none", jax="jnp.cumsum")


def multiplied(b: Binding) -> TensorType:
    """Rows times columns."""
    return b.x.with_shape((*b.x.shape[:-1], b.y.shape[-1]))  # type: ignore[no-any-return]


complexes(
    "matmul",
    [
        free("x", COMPLEXES, (2, 3, 4)),
        matching(
            "y",
            "x",
            lambda b, d: (*b.x.shape[:-2], b.x.shape[-1], d.size()),
            lambda b, s: len(s) == b.x.rank and s[:-1] == (*b.x.shape[:-2], b.x.shape[-1]),
            (2, 3, 4),
            COMPLEXES,
        ),
    ],
    multiplied,
    lambda b, f: total(product(f.x, f.y), b.x.shape[-1]),
    symbol="@",
    saves="inputs",
    left_out=dict.fromkeys((*ALL, *(f"rank {rank}" for rank in RANKS)), "ranks and dtypes of `matmul.matmul`"),
    jax="jnp.matmul",
    tensorflow="tf.matmul",
)
complexes(
    "vdot",
    [
        free("x", COMPLEXES, (1,)),
        matching("y", "x", lambda b, d: b.x.shape, lambda b, s: s == b.x.shape, (1,), COMPLEXES),
    ],
    lambda b: b.x.with_shape(()),
    lambda b, f: total(product(turned(f.x), f.y), b.x.shape[0]),
    out=True,
    saves="inputs",
    jax="jnp.vdot",
)


def equal(b: Binding, f: Any) -> Facts:
    """Neither side is rounded on its way."""
    dtype = promote_dtypes(b.x.dtype, b.y.dtype)
    require(representable(f.x, dtype) and representable(f.y, dtype), "an operand is rounded before it is compared")
    return BOOLEAN


for name, symbol in (("eq", "=="), ("ne", "!=")):
    complexes(
        name,
        [free("x", COMPLEXES, jumps=True), broadcast("y", "x", dtypes=COMPLEXES, scalars=(), jumps=True)],
        lambda b: TensorType("bool", broadcast_shapes(b.x.shape, b.y.shape)),
        equal,
        symbol=symbol,
        out=True,
        differentiable=False,
        saves="none",
        jax=f"jnp.{'equal' if name == 'eq' else 'not_equal'}",
    )
complexes(
    "where",
    [
        X,
        broadcast("y", "x", dtypes=COMPLEXES, scalars=()),
        broadcast("condition", "x", "y", dtypes=("bool",), scalars=()),
    ],
    lambda b: TensorType(promoted(b).dtype, broadcast_shapes(b.x.shape, b.y.shape, b.condition.shape)),
    lambda b, f: hull(f.x, f.y),
    order=("condition", "x", "y"),
    method=None,
    saves="inputs",
    jax="jnp.where",
)


def wider(b: Binding) -> Classes:
    """The complex dtypes that are another."""
    return {"other": tuple(Dtype(each) for each in COMPLEXES if each != b.x.dtype)}


complexes(
    "to",
    [free("x", ANY)],
    lambda b: b.x.with_dtype(b.dtype.name),
    lambda b, f: hull(Facts(f.x.low, f.x.high, f.x.scale), constant(0)),
    [
        Attribute(
            "dtype", lambda b: {"other": tuple(Dtype(each) for each in COMPLEXES if each != b.x.dtype)}, positional=True
        )
    ],
    torch="torch.Tensor.to",
    method=None,
    maybe_view="x",
    saves="none",
    left_out={},
    jax="jax.lax.convert_element_type",
    tensorflow="tf.cast",
)
