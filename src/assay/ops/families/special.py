"""Special functions of one or two tensors, and elementwise functions that are seldom used."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from assay.ir.types import ALL, BOOL, FLOATS, INTEGERS, NUMERIC, TensorType
from assay.ops.attributes import values
from assay.ops.elementwise import (
    above,
    bounded,
    held,
    number,
    of_several,
    promoted,
    promoted_float,
    promoting,
    raised,
    real,
    rising,
    smooth,
)
from assay.ops.errors import ErrorRule, Rules, rounded, steps
from assay.ops.facts import Facts, Interval, constant, require
from assay.ops.onnx_forms import Graph, wide
from assay.ops.operands import broadcast, free
from assay.ops.promotion import to_float
from assay.ops.protocol import Attribute, Binding, operator

# What has no kernels for the 16-bit types.
WIDE = tuple(dtype for dtype in ALL if dtype not in ("float16", "bfloat16"))
ROOT2 = math.sqrt(2)

# Sums of about thirty Chebyshev terms.
BESSEL = rounded(24.0)
# Eager adds them up in the 16-bit types.
I0E = rounded(24.0, inside=6.0)


def normal_share(value: float) -> float:
    """The distribution function of the standard normal."""
    return 0.5 * math.erfc(-value / ROOT2)


def bessel(value: float) -> float:
    """I0: the sum of (x² / 4)ᵏ / k!²."""
    term = total = 1.0
    for k in range(1, 60):
        term *= value * value / 4 / (k * k)
        total += term
    return total


def bessel1(value: float) -> float:
    """I1: half of x times the sum of (x² / 4)ᵏ / k! (k + 1)!."""
    term = total = value / 2
    for k in range(1, 60):
        term *= value * value / 4 / (k * (k + 1))
        total += term
    return total


def psi(value: float) -> float:
    """Digamma: the recurrence up to where its series is accurate."""
    below = 0.0
    while value < 6:
        below, value = below + 1 / value, value + 1
    square = 1 / (value * value)
    return math.log(value) - 0.5 / value - square * (1 / 12 - square / 120) - below


def special(name: str, facts: Callable[[Facts], Facts], domain: Interval | None = None, **rest: Any) -> None:
    """A function of torch.special of one tensor, rounded; it has no form in place."""
    rest.setdefault("torch", f"torch.special.{name}")
    smooth(f"special.{name}", facts, domain, rest.pop("dtypes", ALL), inplace=rest.pop("inplace", None), **rest)


# Digamma has a zero, near which its terms cancel.
special(
    "digamma",
    lambda x: Facts(psi(x.low), psi(x.high)),
    Interval(0.5, 64),
    torch="torch.digamma",
    inplace="digamma_",
    method="digamma",
    saves="inputs",
    jax="jax.scipy.special.digamma",
    tensorflow="tf.math.digamma",
    error={"digamma": rounded(16.0, one=1.0), "polygamma": rounded(16.0, one=1.0)},
)
special(
    "erfinv",
    lambda x: Facts(-1.5 if x.low < 0 else 0.0, 1.5 if x.high > 0 else 0.0),
    Interval(-0.9375, 0.9375),
    torch="torch.erfinv",
    inplace="erfinv_",
    method="erfinv",
    saves="inputs",
    jax="jax.scipy.special.erfinv",
    tensorflow="tf.math.erfinv",
    error=rounded(16.0),
)
special(
    "i0",
    above(1.0, bessel),
    Interval(-8, 8),
    torch="torch.i0",
    inplace="i0_",
    method="i0",
    saves="inputs",
    jax="jax.scipy.special.i0",
    tensorflow="tf.math.bessel_i0",
    error={"i0": BESSEL, "special_i1": BESSEL},
)
special(
    "i0e",
    bounded(0.0, 1.0),
    Interval(-32, 32),
    saves="both",
    jax="jax.scipy.special.i0e",
    tensorflow="tf.math.bessel_i0e",
    error={"special_i0e": I0E, "special_i1e": BESSEL},
)
special(
    "i1",
    rising(bessel1),
    Interval(-8, 8),
    saves="both",
    trains=lambda b: b.x.dtype not in ("float16", "bfloat16"),
    jax="jax.scipy.special.i1",
    tensorflow="tf.math.bessel_i1",
    error={"special_i1": BESSEL, "i0": BESSEL},
)
special(
    "i1e",
    bounded(-0.25, 0.25),
    Interval(-32, 32),
    saves="both",
    # Backward has no kernel for the 16-bit types.
    trains=lambda b: b.x.dtype not in ("float16", "bfloat16"),
    jax="jax.scipy.special.i1e",
    tensorflow="tf.math.bessel_i1e",
    error={"special_i1e": BESSEL, "special_i0e": I0E},
)
special(
    "entr",
    lambda x: Facts(min(-x.high * math.log(max(x.high, 1.0)), 0.0), 0.375),
    Interval(2.0**-6, 64),
    saves="inputs",
    onnx=of_several(lambda g, x: g.node("Neg", g.node("Mul", x, g.node("Log", x)))),
    jax="jax.scipy.special.entr",
    # Eager rounds the logarithm to the 16-bit types before it multiplies.
    error={"special_entr": rounded(8.0, inside=2.0)},
)
special(
    "ndtr",
    # Half cancels, which shows in the 16-bit types.
    lambda x: Facts(0.0, normal_share(x.high) + 2.0**-10),
    Interval(-8, 8),
    saves="inputs",
    jax="jax.scipy.special.ndtr",
    # It is made of the error function, of which half cancels.
    error={},
)
special(
    "log_ndtr",
    rising(lambda v: math.log(normal_share(v)) if v > -30 else -v * v),
    Interval(-8, 8),
    dtypes=WIDE,
    saves="both",
    jax="jax.scipy.special.log_ndtr",
    error={"special_log_ndtr": rounded(32.0)},
)
special(
    "erfcx",
    lambda x: Facts(0.0, max(1.0, 2 * math.exp(min(x.low, 0.0) ** 2))),
    Interval(-2, 32),
    dtypes=WIDE,
    saves="both",
    error={"special_erfcx": rounded(16.0)},
)
special(
    "ndtri",
    bounded(-1.75, 1.75),
    Interval(0.0625, 0.9375),
    dtypes=("float32", "float64"),
    saves="output",
    jax="jax.scipy.special.ndtri",
    tensorflow="tf.math.ndtri",
    # Eager subtracts one half, which may cancel.
    error={"special_ndtri": rounded(16.0, one=1.0)},
)
operator(
    "special.polygamma",
    operands=[free("x", ALL, domain=Interval(0.5, 32))],
    attributes=[values("n", boundary=(0, 1), other=(2, 3))],
    order=("n", "x"),
    infer=lambda b: b.x.with_dtype(to_float(b.x.dtype)),
    facts=lambda b, f: Facts(-(10.0 ** (b.n + 2)), 10.0 ** (b.n + 2)),
    torch="torch.polygamma",
    method=None,
    inplace="polygamma_",
    out=True,
    saves="inputs",
    error={"polygamma": rounded(16.0, one=1.0)},
    jax="jax.scipy.special.polygamma",
    tensorflow="tf.math.polygamma",
)
operator(
    "special.mvlgamma",
    operands=[free("x", NUMERIC, domain=Interval(2.0, 32))],
    attributes=[values("p", boundary=(1,), other=(2, 3))],
    infer=lambda b: b.x.with_dtype(to_float(b.x.dtype)),
    facts=lambda b, f: Facts(-8.0, 120.0 * b.p),
    torch="torch.mvlgamma",
    inplace="mvlgamma_",
    out=True,
    saves="inputs",
    # The sum of p log-gammas and a constant, each of which eager rounds to the 16-bit types.
    error={"mvlgamma": rounded(32.0, one=4.0, inside=3.0)},
)


def two(
    name: str,
    facts: Callable[[Binding, Any], Facts],
    dtypes: tuple[str, ...] = ALL,
    *,
    scalars: tuple[str, ...] = (),
    infer: Callable[[Binding], TensorType] = promoted,
    domains: tuple[Any, Any] = (None, None),
    jumps: tuple[bool, bool] = (False, False),
    same_dtype: bool = False,
    attributes: Sequence[Attribute] = (),
    error: ErrorRule | Rules,
    **rest: Any,
) -> None:
    """A function of two tensors that broadcast."""
    rest.setdefault("torch", f"torch.{name}")
    rest.setdefault("inplace", f"{name}_")
    rest.setdefault("out", True)
    operator(
        f"special.{name}",
        operands=[
            free("x", dtypes, domain=domains[0], jumps=jumps[0]),
            broadcast(
                "y", "x", dtypes=dtypes, scalars=scalars, same_dtype=same_dtype, domain=domains[1], jumps=jumps[1]
            ),
        ],
        attributes=attributes,
        infer=infer,
        facts=held(facts),
        error=error,
        **rest,
    )


@wide
@promoting
def log2_of_sum(g: Graph, b: Binding, x: str, y: str) -> str:
    """The greater operand, and the logarithm to base 2 of what the other adds to it."""
    apart = g.node("Abs", g.node("Sub", x, y))
    more = g.node("Add", g.node("Pow", g.like(2, x), g.node("Neg", apart)), g.like(1, x))
    return g.node("Add", g.node("Max", x, y), g.node("Div", g.node("Log", more), g.like(math.log(2), x)))


two(
    "logaddexp2",
    lambda b, f: Facts(max(f.x.low, f.y.low), max(f.x.high, f.y.high) + 1),
    infer=real,
    inplace=None,
    onnx=log2_of_sum,
    jax="jnp.logaddexp2",
    # Backward subtracts, which torch refuses for bools.
    trains=lambda b: "bool" not in (b.x.dtype, b.y.dtype),
    saves="inputs",
    error=rounded(8.0, one=1.0),
)


@wide
@promoting
def times_log_of_one_plus(g: Graph, b: Binding, x: str, y: str) -> str:
    """x log(1 + y), where 1 + y is no small number."""
    return g.node("Mul", x, g.node("Log", g.node("Add", y, g.like(1, y))))


two(
    "xlog1py",
    lambda b, f: Facts(-7 * f.x.magnitude, 14 * f.x.magnitude),
    infer=promoted_float,
    torch="torch.special.xlog1py",
    inplace=None,
    domains=(None, Interval(-0.75, 2.0**19)),
    saves="inputs",
    jax="jax.scipy.special.xlog1py",
    tensorflow="tf.math.xlog1py",
    # Eager rounds the logarithm to the 16-bit types before it multiplies.
    error={"special_xlog1py": rounded(8.0, inside=2.0)},
)


def in_wide(b: Binding) -> TensorType:
    """The promoted type of what has no kernels for the 16-bit types."""
    result = promoted_float(b)
    require(result.dtype in ("float32", "float64"), "a result of 16 bits")
    return result


two(
    "zeta",
    lambda b, f: Facts(0.0, 2.0**18),
    NUMERIC,
    infer=in_wide,
    torch="torch.special.zeta",
    inplace=None,
    domains=(Interval(1.25, 8), Interval(0.5, 16)),
    saves="none",
    differentiable=False,
    # It has no derivative to its first operand.
    stops_gradients=False,
    jax="jax.scipy.special.zeta",
    tensorflow="tf.math.zeta",
    error={"special_zeta": rounded(16.0)},
)


def power(b: Binding, f: Any) -> Facts:
    """x to the y, positive."""
    return raised(f.x, f.y)


two(
    "float_power",
    power,
    scalars=("int", "float"),
    infer=lambda b: promoted(b).with_dtype("float64"),
    domains=(Interval(0.125, 8), Interval(-3, 3)),
    inplace="float_power_",
    saves="both",
    jax="jnp.float_power",
    error={},
)
operator(
    "special.ldexp",
    operands=[
        free("x", FLOATS),
        broadcast("y", "x", dtypes=NUMERIC, scalars=(), domain=Interval(-12, 12)),
    ],
    infer=promoted_float,
    facts=lambda b, f: (f.x * Facts(2.0**f.y.low, 2.0**f.y.high)).rounded(),
    torch="torch.ldexp",
    inplace="ldexp_",
    out=True,
    saves="both",
    left_out=dict.fromkeys(
        ("bool", *INTEGERS), "shape inference of torch 2.13 takes them for float32 beside 16-bit types"
    ),
    # Eager rounds the power to the 16-bit types.
    error={"ldexp": rounded(16.0, inside=2.0)},
    jax="jnp.ldexp",
)
two(
    "lcm",
    lambda b, f: Facts(0, f.x.magnitude * f.y.magnitude, 0),
    BOOL + INTEGERS,
    infer=number(),
    jumps=(True, True),
    differentiable=False,
    saves="none",
    jax="jnp.lcm",
    error=steps(0, 1),
)


def parts(b: Binding, f: Any) -> tuple[Facts, Facts]:
    """A mantissa between one half and one, and an exponent."""
    exponent = max(math.frexp(f.x.magnitude)[1], 0)
    scale = None if f.x.scale is None else f.x.scale + exponent
    # Of a subnormal number the exponent is small; zero has exponent zero.
    return Facts(-1, 1, scale), Facts(-1100, exponent, 0)


operator(
    "special.frexp",
    operands=[free("x", FLOATS, jumps=True)],
    infer=lambda b: (b.x, b.x.with_dtype("int32")),
    facts=parts,
    torch="torch.frexp",
    out=True,
    results=2,
    saves="both",
    jax="jnp.frexp",
    error=steps(),
)
operator(
    "special.sgn",
    operands=[free("x", ALL, jumps=True)],
    infer=lambda b: b.x,
    facts=lambda b, f: Facts((f.x.low > 0) - (f.x.low < 0), (f.x.high > 0) - (f.x.high < 0), 0),
    torch="torch.sgn",
    inplace="sgn_",
    out=True,
    saves="both",
    onnx=lambda g, b, x: g.node("Identity" if x.dtype == "bool" else "Sign", g.name(x)),
    jax="jnp.sign",
    tensorflow="tf.sign",
    error=steps(),
)
for name in ("conj_physical", "resolve_conj", "resolve_neg", "real"):
    operator(
        f"special.{name}",
        operands=[free("x", ALL)],
        infer=lambda b: b.x,
        facts=lambda b, f: Facts(f.x.low, f.x.high, f.x.scale),
        torch=f"torch.{name}",
        method=None if name == "real" else name,
        inplace="conj_physical_" if name == "conj_physical" else None,
        out=name == "conj_physical",
        maybe_view="x",
        saves="none",
        onnx=lambda g, b, x: g.node("Identity", g.name(x)),
        jax="jnp.conj" if name == "conj_physical" else "jnp.real",
        tensorflow="tf.math.conj" if name == "conj_physical" else "tf.math.real",
    )
operator(
    "special.rad2deg",
    operands=[free("x", ALL)],
    infer=lambda b: b.x.with_dtype(to_float(b.x.dtype)),
    facts=lambda b, f: (f.x * constant(180 / math.pi)).rounded(),
    torch="torch.rad2deg",
    inplace="rad2deg_",
    out=True,
    saves="none",
    jax="jnp.rad2deg",
    error=rounded(2.0),
)
operator(
    "special.acosh",
    operands=[free("x", NUMERIC, domain=Interval(1.25, 2.0**20))],
    infer=lambda b: b.x.with_dtype(to_float(b.x.dtype)),
    facts=lambda b, f: Facts(math.acosh(f.x.low), math.acosh(f.x.high)),
    torch="torch.acosh",
    inplace="acosh_",
    trains_inplace=False,
    out=True,
    saves="inputs",
    jax="jnp.arccosh",
    tensorflow="tf.math.acosh",
    error=rounded(8.0),
)
