"""Elementwise arithmetic of two operands, with broadcasting, promotion and Python numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from assay.ir.types import ALL, BOOL, INTEGERS, NUMERIC, TensorType, is_float
from assay.ops.attributes import Classes, choice, hidden
from assay.ops.elementwise import (
    held,
    less,
    logical,
    multiplied,
    number,
    promoted,
    promoted_float,
    promoting,
    raised,
    real,
    truncated,
    where,
)
from assay.ops.errors import ErrorRule, Rules, moves, rounded, steps
from assay.ops.facts import Facts, Interval, constant, hull, maximum, minimum, require
from assay.ops.families.unary import POWER
from assay.ops.onnx_forms import Arg, Form, Graph, node, wide
from assay.ops.operands import SCALARS, broadcast, free
from assay.ops.protocol import Attribute, Binding, Operator, operator

# Discontinuous in both operands, and nothing is rounded.
DISCRETE = steps(0, 1)


def binary(
    name: str,
    facts: Callable[[Binding, Any], Facts],
    dtypes: tuple[str, ...] = ALL,
    *,
    scalars: tuple[str, ...] = SCALARS,
    infer: Callable[[Binding], TensorType] = promoted,
    attributes: Sequence[Attribute] = (),
    jumps: bool | Callable[[Binding], bool] = False,
    domains: tuple[Any, Any] = (None, None),
    same_dtype: bool = False,
    error: ErrorRule | Rules,
    **rest: Any,
) -> Operator:
    """An elementwise operation of two operands; with ``same_dtype`` it promotes nothing."""
    rest.setdefault("inplace", f"{name}_")
    rest.setdefault("out", True)
    return operator(
        f"binary.{name}",
        operands=[
            free("x", dtypes, jumps=jumps, domain=domains[0]),
            broadcast("y", "x", dtypes=dtypes, scalars=scalars, same_dtype=same_dtype, jumps=jumps, domain=domains[1]),
        ],
        attributes=attributes,
        infer=infer,
        facts=held(facts),
        torch=f"torch.{name}",
        error=error,
        **rest,
    )


def scaled(sign: int) -> Callable[[Binding, Any], Facts]:
    """x ± alpha·y; bools only add up to a disjunction."""

    def facts(b: Binding, f: Any) -> Facts:
        result: Facts = f.x + f.y * constant(sign * b.alpha)
        return result

    return facts


def sum_of_multiple(op: str, *, reverse: bool = False) -> Form:
    """Add or Sub of the one operand and alpha times the other; bools add up to a disjunction."""

    @wide
    @promoting
    def multiple(g: Graph, b: Binding, x: str, y: str) -> str:
        return g.node(op, x, multiplied(g, y, b.alpha))

    def form(g: Graph, b: Binding, x: Arg, y: Arg) -> str | tuple[str, ...]:
        given = (y, x) if reverse else (x, y)
        return (logical("Or", node(op)) if b.alpha == 1 else multiple)(g, b, *given)

    return form


def alphas(b: Binding) -> Classes:
    """Fractions only where the result is certainly floating."""
    if b.x.dtype == "bool":
        return {"default": (1,)}
    return {
        "default": (1,),
        "boundary": (0,),
        "negative": (-1, -2) if b.x.dtype != "uint8" else (),
        "other": (2, 0.5, 3) if is_float(b.x.dtype) else (2, 3),
    }


def added(b: Binding) -> TensorType:
    """The sum's type: a negative factor is no uint8, a fraction no integer."""
    result = promoted(b)
    require(result.dtype != "bool" or b.alpha == 1, "bools are added as they are")
    return result


# A divisor keeps away from zero on one side of it; the sign is drawn first, so that both are tested.
SIGN = hidden("sign", lambda b: {"default": (1,), "negative": () if b.x.dtype in ("bool", "uint8") else (-1,)})


def divisor(b: Binding) -> Interval:
    """The legal divisors of the drawn sign."""
    return Interval(0.25, 2.0**20) if b.sign > 0 else Interval(-(2.0**20), -0.25)


def quotient(b: Binding, f: Any) -> Facts:
    """x / y; exact where y is one power of two."""
    require(not f.y.low <= 0 <= f.y.high, "the divisor may be zero")
    corners = [x / y for x in (f.x.low, f.x.high) for y in (f.y.low, f.y.high)]
    exact: int | None = None
    if f.x.scale is not None and f.y.low == f.y.high and math.frexp(f.y.low)[0] in (0.5, -0.5):
        exact = max(f.x.scale + math.frexp(abs(f.y.low))[1] - 1, 0)
    return Facts(min(corners), max(corners), exact)


def integer_floor(g: Graph, x: str, y: str) -> str:
    """The floor of a quotient of integers: Div rounds toward zero, which is one more where the remainders differ."""
    quotient = g.node("Div", x, y)
    if g.dtypes[x] == "uint8":
        return quotient
    same = g.node("Equal", g.node("Mod", x, y), g.node("Mod", x, y, fmod=1), dtype="bool")
    return g.node("Sub", quotient, g.cast(g.node("Not", same), g.dtypes[x]))


def quotient_form(rounding: Callable[[Binding], str | None]) -> Form:
    """Div, and how it is rounded."""

    @wide
    @promoting
    def rounded(g: Graph, b: Binding, x: str, y: str) -> str:
        if not is_float(g.out[0].dtype):
            return g.node("Div", x, y) if rounding(b) == "trunc" else integer_floor(g, x, y)
        quotient = g.node("Div", x, y)
        return g.node("Floor", quotient) if rounding(b) == "floor" else truncated(g, quotient)

    return lambda g, b, *args: (node("Div") if rounding(b) is None else rounded)(g, b, *args)


@wide
@promoting
def float_remainder(g: Graph, b: Binding, x: str, y: str) -> str:
    """What is left by fmod, plus the divisor where the signs differ."""
    left = g.node("Mod", x, y, fmod=1)
    return where(g, less(g, g.node("Mul", left, y), 0), g.node("Add", left, y), left)


def remainder(g: Graph, b: Binding, x: Arg, y: Arg) -> str | tuple[str, ...]:
    """Mod, which takes the divisor's sign for integers only."""
    return (float_remainder if is_float(g.out[0].dtype) else node("Mod"))(g, b, x, y)


def rounded_quotient(b: Binding, f: Any) -> Facts:
    """floor(x / y) or trunc(x / y), or the plain quotient."""
    result = quotient(b, f)
    mode = getattr(b, "rounding_mode", "floor")
    if mode is None:
        return result
    function: Callable[[float], int] = math.floor if mode == "floor" else math.trunc
    return Facts(float(function(result.low)), float(function(result.high)), 0)


def quotient_type(b: Binding) -> TensorType:
    """The type of a division by the rounding mode."""
    result = promoted(b)
    require(b.rounding_mode is None or result.dtype != "bool", "bools are not divided with rounding")
    return promoted_float(b) if b.rounding_mode is None else result


def like_divisor(b: Binding, f: Any) -> Facts:
    """What remains has the divisor's sign and less than its magnitude."""
    require(not f.y.low <= 0 <= f.y.high, "the divisor may be zero")
    if f.x.low == f.x.high and f.y.low == f.y.high:
        return Facts(f.x.low % f.y.low, f.x.low % f.y.low, hull(f.x, f.y).scale)
    return Facts(min(0.0, f.y.low), max(0.0, f.y.high), hull(f.x, f.y).scale)


def like_dividend(b: Binding, f: Any) -> Facts:
    """What remains has the dividend's sign and less than the divisor's magnitude."""
    require(not f.y.low <= 0 <= f.y.high, "the divisor may be zero")
    if f.x.low == f.x.high and f.y.low == f.y.high:
        left = math.fmod(f.x.low, f.y.low)
        return Facts(left, left, hull(f.x, f.y).scale)
    most = min(f.y.magnitude, f.x.magnitude)
    return Facts(-most if f.x.low < 0 else 0.0, most if f.x.high > 0 else 0.0, hull(f.x, f.y).scale)


def bits(b: Binding, f: Any) -> Facts:
    """Any pattern of as many bits as the wider operand has."""
    most = float(2 ** max(int(f.x.magnitude), int(f.y.magnitude)).bit_length())
    negative = min(f.x.low, f.y.low) < 0
    return Facts(-most if negative else 0.0, most - 1, 0)


binary(
    "add",
    scaled(1),
    infer=added,
    attributes=[Attribute("alpha", alphas, 1)],
    symbol="+",
    saves="none",
    onnx=sum_of_multiple("Add"),
    jax="jnp.add",
    tensorflow="tf.add",
    error=rounded(),
)
binary(
    "sub",
    scaled(-1),
    NUMERIC,
    attributes=[Attribute("alpha", alphas, 1)],
    symbol="-",
    saves="none",
    onnx=sum_of_multiple("Sub"),
    jax="jnp.subtract",
    tensorflow="tf.subtract",
    error=rounded(),
)
operator(
    "binary.rsub",
    operands=[free("x", NUMERIC), broadcast("y", "x", dtypes=NUMERIC)],
    attributes=[Attribute("alpha", alphas, 1)],
    infer=promoted,
    facts=lambda b, f: f.y - f.x * constant(b.alpha),
    torch="torch.rsub",
    method=None,
    saves="none",
    onnx=sum_of_multiple("Sub", reverse=True),
    error=rounded(),
)
binary(
    "mul",
    lambda b, f: f.x * f.y,
    symbol="*",
    onnx=logical("And", node("Mul")),
    saves="inputs",
    jax="jnp.multiply",
    tensorflow="tf.multiply",
    error=rounded(),
)
binary(
    "div",
    rounded_quotient,
    infer=quotient_type,
    attributes=[SIGN, choice("rounding_mode", None, "floor", "trunc")],
    jumps=lambda b: b.rounding_mode is not None,
    domains=(None, divisor),
    symbol="/",
    onnx=quotient_form(lambda b: b.rounding_mode),
    jax="jnp.divide",
    tensorflow="tf.divide",
    saves="inputs",
    error={"div": rounded(2.0), "div.Tensor_mode": DISCRETE, "div.Scalar_mode": DISCRETE},
)
binary(
    "floor_divide",
    rounded_quotient,
    infer=number(),
    attributes=[SIGN],
    jumps=True,
    domains=(None, divisor),
    symbol="//",
    differentiable=False,
    stops_gradients=False,
    saves="none",
    onnx=quotient_form(lambda b: "floor"),
    jax="jnp.floor_divide",
    tensorflow="tf.math.floordiv",
    error=DISCRETE,
)
binary(
    "remainder",
    like_divisor,
    infer=number(),
    attributes=[SIGN],
    jumps=True,
    domains=(None, divisor),
    symbol="%",
    saves="inputs",
    onnx=remainder,
    jax="jnp.remainder",
    tensorflow="tf.math.floormod",
    error=DISCRETE,
)
binary(
    "fmod",
    like_dividend,
    infer=number(),
    attributes=[SIGN],
    jumps=True,
    domains=(None, divisor),
    saves="inputs",
    onnx=node("Mod", fmod=1),
    jax="jnp.fmod",
    tensorflow="tf.math.mod",
    error=DISCRETE,
)


def passes_over_nan(op: str) -> Form:
    """Max or Min, where a NaN gives way to the other operand."""

    @promoting
    def form(g: Graph, b: Binding, x: str, y: str) -> str:
        if not is_float(g.out[0].dtype):
            return g.node(op, x, y)
        nans = [g.node("IsNaN", name, dtype="bool") for name in (x, y)]
        return g.node(op, where(g, nans[0], y, x), where(g, nans[1], x, y))

    return form


def extreme(name: str, pick: Callable[[Facts, Facts], Facts], onnx: Form) -> None:
    """The greater or lesser of two; fmax and fmin differ from the others in NaN only."""
    binary(
        name,
        lambda b, f: pick(f.x, f.y),
        scalars=(),
        inplace=None,
        saves="inputs",
        error=moves(),
        onnx=onnx,
        jax=f"jnp.{name}",
        tensorflow=None if name.startswith("f") else f"tf.{name}",
    )


for name, pick, onnx in (
    ("maximum", maximum, logical("Or", node("Max"))),
    ("minimum", minimum, logical("And", node("Min"))),
    ("fmax", maximum, logical("Or", passes_over_nan("Max"))),
    ("fmin", minimum, logical("And", passes_over_nan("Min"))),
):
    extreme(name, pick, onnx)


def power(b: Binding, f: Any) -> Facts:
    """x to the y; of integers it is exact, and then y is not negative."""
    if is_float(promoted(b).dtype):
        return raised(f.x, f.y)
    require(f.y.low >= 0, "an integer to a negative power")
    return Facts(0.0, max(f.x.high, 1.0) ** f.y.high, 0)


def to_power(g: Graph, b: Binding, x: Arg, y: Arg) -> str:
    """Pow, which has no integers of less than 32 bits."""
    dtype = g.out[0].dtype
    computed = "int32" if dtype in ("uint8", "int8", "int16") else dtype
    return g.cast(g.node("Pow", g.cast(x, computed), g.cast(y, computed)), dtype)


binary(
    "pow",
    power,
    infer=number(),
    domains=(Interval(0.125, 8), Interval(-3, 3)),
    symbol="**",
    # Backward of a truth value as the exponent subtracts one of it, which torch 2.13 refuses.
    trains=lambda b: not (isinstance(b.y, TensorType) and b.y.dtype == "bool"),
    onnx=to_power,
    jax="jnp.power",
    tensorflow="tf.pow",
    error=POWER,
)


@wide
@promoting
def half_angle(g: Graph, b: Binding, x: str, y: str) -> str:
    """The angle of (y, x), where y is positive: that of the quotient."""
    return g.node("Atan", g.node("Div", x, y))


@wide
@promoting
def hypotenuse(g: Graph, b: Binding, x: str, y: str) -> str:
    """The root of the sum of squares."""
    return g.node("Sqrt", g.node("Add", g.node("Mul", x, x), g.node("Mul", y, y)))


@promoting
def with_sign(g: Graph, b: Binding, x: str, y: str) -> str:
    """The magnitude, or minus it where the other operand is negative; that is not zero."""
    magnitude = g.node("Abs", x)
    return where(g, less(g, y, 0), g.node("Neg", magnitude), magnitude)


@wide
@promoting
def times_logarithm(g: Graph, b: Binding, x: str, y: str) -> str:
    """x log y, where y is positive."""
    return g.node("Mul", x, g.node("Log", y))


@wide
@promoting
def log_of_sum(g: Graph, b: Binding, x: str, y: str) -> str:
    """The greater operand, and the logarithm of what the other adds to it."""
    apart = g.node("Abs", g.node("Sub", x, y))
    more = g.node("Add", g.node("Exp", g.node("Neg", apart)), g.like(1, x))
    return g.node("Add", g.node("Max", x, y), g.node("Log", more))


@promoting
def step(g: Graph, b: Binding, x: str, y: str) -> str:
    """Whether it is positive, and the other operand at zero."""
    zero = g.like(0, x)
    positive = g.cast(g.node("Greater", x, zero, dtype="bool"), g.dtypes[x])
    return where(g, g.node("Equal", x, zero, dtype="bool"), y, positive)


binary(
    "atan2",
    lambda b, f: Facts(-math.pi, math.pi),
    scalars=(),
    infer=promoted_float,
    domains=(None, Interval(0.125, 2.0**20)),
    saves="inputs",
    onnx=half_angle,
    jax="jnp.arctan2",
    tensorflow="tf.atan2",
    # Backward negates x, which torch 2.13 refuses for bools.
    trains=lambda b: b.x.dtype != "bool",
    error=rounded(8.0),
)
binary(
    "hypot",
    lambda b, f: Facts(0.0, math.hypot(f.x.magnitude, f.y.magnitude)),
    infer=real,
    scalars=(),
    domains=(Interval(0.0625, 2.0**8), None),
    onnx=hypotenuse,
    jax="jnp.hypot",
    error=rounded(8.0),
)
binary(
    "copysign",
    lambda b, f: abs(f.x) if f.y.low > 0 else Facts(-f.x.magnitude, f.x.magnitude, f.x.scale),
    infer=promoted_float,
    jumps=True,
    # The sign of zero is a value of its own: bools and zeros are left to the special values.
    domains=(None, Interval(0.0625, 2.0**20)),
    onnx=with_sign,
    jax="jnp.copysign",
    error=steps(1),
)
binary(
    "xlogy",
    lambda b, f: (f.x * f.y.through(lambda v: math.log(max(v, 2.0**-7)))).rounded(),
    infer=promoted_float,
    domains=(None, Interval(2.0**-6, 2.0**20)),
    saves="inputs",
    onnx=times_logarithm,
    jax="jax.scipy.special.xlogy",
    tensorflow="tf.math.xlogy",
    # Eager rounds the logarithm to the 16-bit types before it multiplies.
    error=rounded(8.0, inside=2.0),
)
binary(
    "logaddexp",
    lambda b, f: Facts(max(f.x.low, f.y.low), max(f.x.high, f.y.high) + math.log(2)),
    infer=real,
    scalars=(),
    inplace=None,
    onnx=log_of_sum,
    jax="jnp.logaddexp",
    # Backward subtracts, which torch refuses for bools.
    trains=lambda b: "bool" not in (b.x.dtype, b.y.dtype),
    saves="inputs",
    # The logarithm of 1 + exp(-|x - y|) may cancel the greater operand.
    error=rounded(8.0, one=1.0),
)
binary(
    "heaviside",
    lambda b, f: hull(constant(0), constant(1), f.y),
    scalars=(),
    same_dtype=True,
    jumps=True,
    saves="none",
    differentiable=False,
    stops_gradients=False,
    onnx=logical("Or", step),
    jax="jnp.heaviside",
    error=steps(),
)
for name, symbol, of_bools in (("bitwise_and", "&", "And"), ("bitwise_or", "|", "Or"), ("bitwise_xor", "^", "Xor")):
    binary(
        name,
        bits,
        BOOL + INTEGERS,
        scalars=("int",),
        symbol=symbol,
        differentiable=False,
        saves="none",
        error=DISCRETE,
        onnx=logical(of_bools, node(f"Bitwise{of_bools}", since=18)),
        jax=f"jnp.{name}",
        tensorflow=f"tf.bitwise.{name}",
    )


def shift(direction: str) -> Form:
    """BitShift of what has no sign; else the product with a power of two, or the floor of the quotient."""

    def form(g: Graph, b: Binding, x: Arg, y: Arg) -> str:
        dtype = g.out[0].dtype
        if dtype == "uint8":
            return g.node("BitShift", g.cast(x, dtype), g.cast(y, dtype), direction=direction)
        # Pow has no narrower integers.
        computed = dtype if dtype == "int64" else "int32"
        first, power = g.cast(x, computed), g.node("Pow", g.constant(2, computed), g.cast(y, computed))
        if direction == "LEFT":
            return g.cast(g.node("Mul", first, power), dtype)
        return g.cast(g.node("Div", g.node("Sub", first, g.node("Mod", first, power)), power), dtype)

    return form


binary(
    "bitwise_left_shift",
    lambda b, f: f.x * Facts(1, 2.0**f.y.high, 0),
    BOOL + INTEGERS,
    infer=number(),
    scalars=("int",),
    domains=(None, Interval(0, 6)),
    symbol="<<",
    differentiable=False,
    saves="none",
    onnx=shift("LEFT"),
    jax="jnp.left_shift",
    tensorflow="tf.bitwise.left_shift",
    error=DISCRETE,
)
binary(
    "bitwise_right_shift",
    lambda b, f: Facts(min(f.x.low, 0.0), max(f.x.high, 0.0), 0),
    BOOL + INTEGERS,
    infer=number(),
    scalars=("int",),
    domains=(None, Interval(0, 6)),
    symbol=">>",
    differentiable=False,
    saves="none",
    onnx=shift("RIGHT"),
    jax="jnp.right_shift",
    tensorflow="tf.bitwise.right_shift",
    error=DISCRETE,
)
binary(
    "gcd",
    lambda b, f: Facts(0, max(f.x.magnitude, f.y.magnitude), 0),
    BOOL + INTEGERS,
    infer=number(),
    scalars=(),
    differentiable=False,
    saves="none",
    jax="jnp.gcd",
    error=DISCRETE,
)
