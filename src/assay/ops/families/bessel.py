"""Functions of torch.special that are sums of many terms: Bessel functions, polynomials, incomplete gamma functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from assay.ir.types import ALL, BOOL, INTEGERS, TensorType
from assay.ops.attributes import values
from assay.ops.elementwise import promoted_float, real, smooth
from assay.ops.errors import rounded
from assay.ops.facts import Facts, Interval, constant, require
from assay.ops.operands import broadcast, free
from assay.ops.promotion import to_float
from assay.ops.protocol import Binding, operator

# None has kernels for the 16-bit types.
WIDE = (*BOOL, *INTEGERS, "float32", "float64")
# Sums of some twenty terms, which cancel where the function has a zero.
SERIES = rounded(32.0, one=1.0)
POSITIVE = Interval(0.25, 16)
NEAR = Interval(-16, 16)


def within(low: float, high: float) -> Callable[[Facts], Facts]:
    """Bounds of the function on its domain."""
    return lambda x: Facts(low, high)


for name, domain, facts in (
    ("bessel_j0", NEAR, within(-0.5, 1.0)),
    ("bessel_j1", NEAR, within(-0.6, 0.6)),
    ("bessel_y0", POSITIVE, within(-1.0, 0.53)),
    ("bessel_y1", POSITIVE, within(-2.8, 0.42)),
    ("airy_ai", Interval(-8, 8), within(-0.45, 0.54)),
    ("modified_bessel_i0", Interval(-8, 8), within(1.0, 430.0)),
    ("modified_bessel_i1", Interval(-8, 8), within(-401.0, 401.0)),
    ("modified_bessel_k0", POSITIVE, within(0.0, 1.6)),
    ("modified_bessel_k1", POSITIVE, within(0.0, 3.8)),
    ("scaled_modified_bessel_k0", POSITIVE, within(0.0, 2.0)),
    ("scaled_modified_bessel_k1", POSITIVE, within(0.0, 4.9)),
    ("spherical_bessel_j0", NEAR, within(-0.22, 1.0)),
):
    smooth(
        f"bessel.{name}",
        facts,
        domain,
        WIDE,
        torch=f"torch.special.{name}",
        inplace=None,
        differentiable=False,
        stops_gradients=False,
        saves="none",
        rounds=True,
        error={f"special_{name}": SERIES},
    )

# Coefficients add up to at most this to the power of the degree on [-1, 1], or [0, 1] where it is shifted.
GROWTH = {
    "chebyshev_polynomial_t": 1.0,
    "chebyshev_polynomial_u": 2.0,
    "chebyshev_polynomial_v": 3.0,
    "chebyshev_polynomial_w": 3.0,
    "shifted_chebyshev_polynomial_t": 1.0,
    "shifted_chebyshev_polynomial_u": 2.0,
    "shifted_chebyshev_polynomial_v": 3.0,
    "shifted_chebyshev_polynomial_w": 3.0,
    "hermite_polynomial_h": 8.0,
    "hermite_polynomial_he": 4.0,
    "laguerre_polynomial_l": 3.0,
    "legendre_polynomial_p": 1.0,
}


def grown(name: str, n: int, x: Facts) -> Facts:
    """Within the growth to the power of the degree; of degree zero it is one. It has the value at an element that the
    operand has."""
    if n == 0:
        return Facts(1.0, 1.0, holds=1.0, fixed=True)
    most = max(GROWTH[name], 1.001) ** n + 0.01
    return Facts(-most, most, holds=None if x.sure is None or abs(x.sure) > 1 else at(name, n, x.sure))


def at(name: str, n: int, x: float) -> float:
    """The value of a polynomial of a positive degree, by its recurrence."""
    kind = name.rpartition("_")[2]
    if name.startswith("shifted"):
        x = 2 * x - 1
    before, value = 1.0, {"u": 2 * x, "v": 2 * x - 1, "w": 2 * x + 1, "h": 2 * x, "l": 1 - x}.get(kind, x)
    for k in range(1, n):
        match kind:
            case "h":
                following = 2 * x * value - 2 * k * before
            case "he":
                following = x * value - k * before
            case "l":
                following = ((2 * k + 1 - x) * value - k * before) / (k + 1)
            case "p":
                following = ((2 * k + 1) * x * value - k * before) / (k + 1)
            case _:
                following = 2 * x * value - before
        before, value = value, following
    return value


def polynomial(name: str, growth: float) -> None:
    """A polynomial of the degree that the second operand says, by its recurrence."""

    def degree(b: Binding) -> TensorType:
        result = b.x.with_dtype(to_float(b.x.dtype))
        require(result.dtype in ("float32", "float64"), "no kernel for 16 bits")
        return result  # type: ignore[no-any-return]

    operator(
        f"bessel.{name}",
        operands=[free("x", WIDE, domain=Interval(0, 1) if "shifted" in name else Interval(-1, 1))],
        attributes=[values("n", boundary=(0, 1), other=(2, 3, 5, 8), positional=True)],
        infer=degree,
        facts=lambda b, f: grown(name, b.n, f.x),
        torch=f"torch.special.{name}",
        method=None,
        out=True,
        differentiable=False,
        stops_gradients=False,
        saves="none",
        rounds=True,
        # Terms of the recurrence cancel, of the size of the coefficients.
        error={f"special_{name}": rounded(32.0, one=growth**5)},
    )


for name, growth in GROWTH.items():
    polynomial(name, growth)


def incomplete(b: Binding, f: Any) -> Facts:
    """A share."""
    return Facts(0.0, 1.0)


for name in ("gammainc", "gammaincc"):
    operator(
        f"bessel.{name}",
        operands=[
            free("x", ALL, domain=Interval(0.5, 16)),
            broadcast("y", "x", scalars=(), domain=Interval(0, 32)),
        ],
        infer=real,
        facts=incomplete,
        torch=f"torch.special.{name}",
        out=True,
        differentiable=False,
        # It has a derivative to its second operand alone.
        stops_gradients=False,
        saves="none",
        rounds=True,
        jax=f"jax.scipy.special.{name}",
        error={"igammac" if name.endswith("cc") else "igamma": SERIES},
    )


def to_next(f: Facts) -> Facts:
    """One unit in the last place away, on either side."""
    return Facts(
        math.nextafter(f.low, -math.inf) - 2.0**-6 * abs(f.low) - 1e-5,
        math.nextafter(f.high, math.inf) + 2.0**-6 * abs(f.high) + 1e-5,
    )


def toward(b: Binding, f: Any) -> Facts:
    """The next number of the dtype; of a rounded number it is another."""
    require(f.x.exact and f.y.exact, "the next of a rounded number")
    require(f.x.low > 0 or f.x.high < 0, "the next of zero is subnormal")
    return to_next(f.x)


operator(
    "bessel.nextafter",
    operands=[
        free("x", ("bfloat16", "float16", "float32", "float64"), domain=Interval(0.25, 8)),
        broadcast("y", "x", dtypes=("bfloat16", "float16", "float32", "float64"), scalars=(), same_dtype=True),
    ],
    infer=promoted_float,
    facts=toward,
    torch="torch.nextafter",
    rounds=True,
    inplace="nextafter_",
    out=True,
    differentiable=False,
    stops_gradients=False,
    saves="none",
    jax="jnp.nextafter",
    tensorflow="tf.math.nextafter",
    # The next number of float64 is much nearer.
    error=rounded(4.0, inside=4.0),
)


def certain(answer: int, b: Binding, f: Any) -> Facts:
    """What is true of every finite number."""
    return constant(answer)


for name, answer in (("isinf", 0), ("isposinf", 0), ("isneginf", 0), ("isreal", 1)):
    operator(
        f"bessel.{name}",
        operands=[free("x")],
        infer=lambda b: b.x.with_dtype("bool"),
        facts=partial(certain, answer),
        torch=f"torch.{name}",
        out=name in ("isposinf", "isneginf"),
        differentiable=False,
        saves="none",
        jax=f"jnp.{name}",
    )
