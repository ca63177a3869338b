"""Elementwise operations of three operands: choice, clamping by tensors, fused arithmetic, masks."""

from __future__ import annotations

from typing import Any

from assay.ir.types import ALL, BOOL, FLOATS, NUMERIC, TensorType, is_float
from assay.ops.attributes import Classes
from assay.ops.elementwise import less, multiplied, promoting, where
from assay.ops.errors import moves, rounded
from assay.ops.facts import Facts, Interval, constant, fit, hull, maximum, minimum, require
from assay.ops.onnx_forms import Arg, Graph, each, wide
from assay.ops.operands import broadcast, free, shape_of
from assay.ops.promotion import result_dtype
from assay.ops.protocol import Attribute, Binding, operator
from assay.ops.shapes import broadcast as broadcast_shapes


def promoted(b: Binding, *names: str) -> TensorType:
    """Promoted dtype and broadcast shape of the operands that are given."""
    types = [getattr(b, name) for name in names if getattr(b, name) is not None]
    return TensorType(result_dtype(*types), broadcast_shapes(*map(shape_of, types)))


def chosen_type(b: Binding) -> TensorType:
    """The promoted dtype of what is chosen from; the condition only broadcasts."""
    result = promoted(b, "x", "y")
    return result.with_shape(broadcast_shapes(result.shape, b.condition.shape))


def clamped_by(b: Binding, f: Any) -> Facts:
    """max(x, min), then min(that, max), with the bounds that are given."""
    result: Facts = f.x
    result = result if f.min is None else maximum(result, f.min)
    return result if f.max is None else minimum(result, f.max)


def clamped_type(b: Binding) -> TensorType:
    """One bound at least."""
    require(b.min is not None or b.max is not None, "one of min and max is given")
    result = promoted(b, "x", "min", "max")
    require(result.dtype != "bool", "bools are not clamped")
    return result


def interpolated(b: Binding, f: Any) -> Facts:
    """x + weight·(end − x), which torch evaluates from the nearer end: rounded unless the weight is 0 or 1."""
    step = (f.end - f.x) * f.weight
    result: Facts = hull(f.x + step, f.end)
    return result if result.exact and f.weight.low == f.weight.high else result.rounded()


def fill_values(b: Binding) -> Classes:
    """Numbers that the dtype holds."""
    return {
        "boundary": (0,),
        "negative": () if b.x.dtype in ("bool", "uint8") else (-1, -3),
        "other": (0.5, 7, -2.5, 2) if is_float(b.x.dtype) else (1,) if b.x.dtype == "bool" else (1, 7, 100),
    }


def factors(b: Binding) -> Classes:
    """Factors that integers take as well."""
    return {"default": (1,), "boundary": (0,), "negative": (-1,), "other": (2, 0.5) if is_float(b.x.dtype) else (2,)}


def choose(g: Graph, b: Binding, x: Arg, y: Arg, condition: Arg) -> str:
    """Where, whose condition comes first."""
    dtype = g.out[0].dtype
    return where(g, g.name(condition), g.cast(x, dtype), g.cast(y, dtype))


def clamp(g: Graph, b: Binding, x: Arg, low: Arg | None, high: Arg | None) -> str:
    """Clip, which takes single bounds; Max and Min do it for any."""
    dtype = g.out[0].dtype
    name, bounds = g.cast(x, dtype), [each(g, bound, dtype) for bound in (low, high)]
    if not any(bound is not None and bound.rank for bound in (low, high)):
        return g.node("Clip", name, *bounds)
    for op, limit in zip(("Max", "Min"), bounds, strict=True):
        name = name if limit is None else g.node(op, name, limit)
    return name


@wide
@promoting
def add_product(g: Graph, b: Binding, x: str, y: str, z: str) -> str:
    """x + value y z."""
    return g.node("Add", x, multiplied(g, g.node("Mul", y, z), b.value))


@wide
@promoting
def add_quotient(g: Graph, b: Binding, x: str, y: str, z: str) -> str:
    """x + value y / z."""
    return g.node("Add", x, multiplied(g, g.node("Div", y, z), b.value))


@wide
def interpolate(g: Graph, b: Binding, x: Arg, end: Arg, weight: Arg) -> str:
    """From the nearer end, as torch does."""
    first, last, share = (g.cast(arg, g.out[0].dtype) for arg in (x, end, weight))
    apart = g.node("Sub", last, first)

    def from_first() -> str:
        return g.node("Add", first, g.node("Mul", share, apart))

    def from_last() -> str:
        return g.node("Sub", last, g.node("Mul", apart, g.node("Sub", g.like(1, share), share)))

    if weight.name is None:
        return from_first() if abs(weight.value) < 0.5 else from_last()
    return where(g, less(g, g.node("Abs", share), 0.5), from_first(), from_last())


def fill(g: Graph, b: Binding, x: Arg, mask: Arg) -> str:
    """Where the mask is set, the number."""
    return where(g, g.name(mask), g.constant(b.value, x.dtype), g.name(x))


operator(
    "ternary.where",
    operands=[free("x"), broadcast("y", "x"), broadcast("condition", "x", "y", dtypes=BOOL, scalars=())],
    order=("condition", "x", "y"),
    infer=chosen_type,
    facts=lambda b, f: hull(f.x, f.y),
    torch="torch.where",
    saves="inputs",
    onnx=choose,
    jax="jnp.where",
    tensorflow="tf.where",
    error=moves(),
)
operator(
    "ternary.clamp",
    operands=[
        free("x", ALL),
        broadcast("min", "x", dtypes=NUMERIC, scalars=(), optional=True),
        broadcast("max", "x", "min", dtypes=NUMERIC, scalars=(), optional=True),
    ],
    infer=clamped_type,
    facts=clamped_by,
    # Backward of a bound that broadcasts x fails in eager torch 2.13.
    trains=lambda b: clamped_type(b).shape == b.x.shape,
    torch="torch.clamp",
    inplace="clamp_",
    out=True,
    saves="inputs",
    onnx=clamp,
    jax="jnp.clip",
    tensorflow="tf.clip_by_value",
    error=moves(),
)


def own_product(b: Binding, f: Any) -> Facts:
    """The product in the factors' own dtype: Dynamo's decomposition stores it, which torch says may change numbers."""
    return fit(f.y * f.z, result_dtype(b.y, b.z))


operator(
    "ternary.addcmul",
    operands=[
        free("x", ALL),
        broadcast("y", "x", dtypes=NUMERIC, scalars=()),
        broadcast("z", "x", "y", dtypes=NUMERIC, scalars=()),
    ],
    attributes=[Attribute("value", factors, 1)],
    infer=lambda b: promoted(b, "x", "y", "z"),
    facts=lambda b, f: f.x + own_product(b, f) * constant(b.value),
    torch="torch.addcmul",
    inplace="addcmul_",
    onnx=add_product,
    out=True,
    saves="inputs",
    # The product may be stored in the factors' dtype.
    error=rounded(3.0, absolute=True, inside=1.0),
)
operator(
    "ternary.addcdiv",
    operands=[
        free("x", ALL),
        broadcast("y", "x", dtypes=FLOATS, scalars=()),
        broadcast("z", "x", "y", dtypes=FLOATS, scalars=(), domain=Interval(0.25, 2.0**20)),
    ],
    attributes=[Attribute("value", factors, 1)],
    infer=lambda b: promoted(b, "x", "y", "z"),
    facts=lambda b, f: (f.x + f.y * Facts(1 / f.z.high, 1 / f.z.low) * constant(b.value)).rounded(),
    torch="torch.addcdiv",
    inplace="addcdiv_",
    onnx=add_quotient,
    out=True,
    saves="inputs",
    error=rounded(4.0, absolute=True, inside=1.0),
)
operator(
    "ternary.lerp",
    operands=[
        free("x", FLOATS),
        broadcast("end", "x", dtypes=FLOATS, scalars=(), same_dtype=True),
        broadcast("weight", "x", "end", dtypes=FLOATS, scalars=("float",), same_dtype=True, domain=Interval(-1, 2)),
    ],
    infer=lambda b: TensorType(b.x.dtype, broadcast_shapes(b.x.shape, b.end.shape, shape_of(b.weight))),
    facts=interpolated,
    torch="torch.lerp",
    inplace="lerp_",
    onnx=interpolate,
    out=True,
    saves="inputs",
    # The difference of the ends, times up to 2, may cancel the end that it starts from.
    error=rounded(8.0, operand=1.0),
)
operator(
    "ternary.masked_fill",
    operands=[free("x", ALL), broadcast("mask", "x", dtypes=BOOL, scalars=())],
    attributes=[Attribute("value", fill_values)],
    infer=lambda b: b.x.with_shape(broadcast_shapes(b.x.shape, b.mask.shape)),
    facts=lambda b, f: hull(f.x, constant(b.value)),
    torch="torch.masked_fill",
    inplace="masked_fill_",
    saves="inputs",
    onnx=fill,
    jax="jnp.where",
    tensorflow="tf.where",
    error=moves(),
)
