"""Elementwise operations as another compiler has them: in a wider type, and by another formula of the same accuracy.

Each formula keeps to a few units in the last place over the whole domain of its operation; where the usual formula
cancels (tanh by exponentials, exp by exp2 of a rounded product), a better one stands in its place.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from benchmarks.controls.graphs import words

aten = torch.ops.aten
Formula = Callable[..., torch.Tensor]

MOVES = words(
    "clone where clamp clamp_min clamp_max maximum minimum fmax fmin relu hardtanh threshold masked_fill neg abs "
    "copysign sign sgn signbit floor ceil round trunc frac heaviside isnan eq ne lt le gt ge logical_and logical_or "
    "logical_xor logical_not hardshrink softshrink threshold_backward hardtanh_backward hardshrink_backward "
    "softshrink_backward remainder fmod floor_divide"
)
"""Exact, or with a jump: a scalar of theirs is a value of the operands' dtype, as in eager mode. Only what they take
may be unrounded."""

SMOOTH = words(
    "add sub rsub mul div exp exp2 expm1 log log2 log10 log1p sqrt rsqrt reciprocal sin cos tan asin acos atan sinh "
    "cosh asinh acosh atanh tanh sigmoid erf erfc lgamma digamma sinc logit deg2rad rad2deg pow square hypot atan2 "
    "logaddexp xlogy addcmul addcdiv lerp gelu silu mish elu celu selu leaky_relu hardswish hardsigmoid softplus "
    "elu_backward sigmoid_backward tanh_backward gelu_backward silu_backward mish_backward hardsigmoid_backward "
    "hardswish_backward leaky_relu_backward softplus_backward logit_backward"
)
"""Rounded: a wider type or another formula gives other bits."""


def in_double(target: Any) -> Formula:
    """The operation in float64; the result is rounded by who stores it."""

    def formula(*args: Any, **kwargs: Any) -> torch.Tensor:
        return target(*map(doubled, args), **{name: doubled(value) for name, value in kwargs.items()})

    return formula


def doubled(value: Any) -> Any:
    """Floating-point tensors in float64, all else as it is."""
    if isinstance(value, torch.Tensor) and value.is_floating_point():
        return value.double()
    return value


def _divide(x: Any, y: Any) -> torch.Tensor:
    if isinstance(y, torch.Tensor):
        return x * y.reciprocal()
    return x * (1.0 / y if y else math.copysign(math.inf, y))


def _sigmoid(x: torch.Tensor) -> torch.Tensor:
    return 1.0 / (1.0 + (-x).exp())


def _tanh(x: torch.Tensor) -> torch.Tensor:
    decay = (-2.0 * x.abs()).expm1()
    return -decay / (decay + 2.0) * x.sign()


def _silu(x: torch.Tensor) -> torch.Tensor:
    return x * (1.0 / (1.0 + (-x).exp()))


def _gelu(x: torch.Tensor, *, approximate: str = "none") -> torch.Tensor:
    if approximate == "tanh":
        return 0.5 * x * (1.0 + (math.sqrt(2.0 / math.pi) * (x + 0.044715 * (x * x * x))).tanh())
    return 0.5 * x * (1.0 + (x * math.sqrt(0.5)).erf())


def _exp(x: torch.Tensor) -> torch.Tensor:
    return (x.double() * math.log2(math.e)).exp2().to(x.dtype)


def _exp2(x: torch.Tensor) -> torch.Tensor:
    return (x.double() * math.log(2.0)).exp().to(x.dtype)


def _log2(x: torch.Tensor) -> torch.Tensor:
    return x.log() * (1.0 / math.log(2.0))


def _log10(x: torch.Tensor) -> torch.Tensor:
    return x.log() * (1.0 / math.log(10.0))


def _elu(x: torch.Tensor, alpha: Any = 1.0, scale: Any = 1.0, input_scale: Any = 1.0) -> torch.Tensor:
    return torch.where(x > 0, x * scale, (x * input_scale).expm1() * (alpha * scale))


def _power(x: torch.Tensor, exponent: Any) -> torch.Tensor:
    if isinstance(exponent, bool) or exponent not in (2, 3, 4, -1, -2, 0.5, -0.5):
        return aten.pow.Tensor_Scalar(x, exponent)
    match float(exponent):
        case 0.5:
            # pow takes -inf and -0.0 to inf and 0.0, the root does not.
            return x.sqrt() if bool((x > 0).all()) else aten.pow.Tensor_Scalar(x, exponent)
        case -0.5:
            return 1.0 / x.sqrt() if bool((x > 0).all()) else aten.pow.Tensor_Scalar(x, exponent)
        case 2.0:
            return x * x
        case 3.0:
            return x * x * x
        case 4.0:
            square = x * x
            return square * square
        case -1.0:
            return 1.0 / x
        case _:
            return 1.0 / (x * x)


def _hardswish(x: torch.Tensor) -> torch.Tensor:
    return x * (x + 3.0).clamp(0.0, 6.0) * (1.0 / 6.0)


def _hardsigmoid(x: torch.Tensor) -> torch.Tensor:
    return (x + 3.0).clamp(0.0, 6.0) * (1.0 / 6.0)


def _softplus_product(x: torch.Tensor) -> torch.Tensor:
    return x * torch.nn.functional.softplus(x).tanh()


def _sigmoid_backward(gradient: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return (gradient * y) * (1.0 - y)


def _tanh_backward(gradient: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return gradient * (1.0 - y * y)


FORMULAS: dict[str, Formula] = {
    "div.Tensor": _divide,
    "div.Scalar": _divide,
    "sigmoid.default": _sigmoid,
    "tanh.default": _tanh,
    "silu.default": _silu,
    "gelu.default": _gelu,
    "log2.default": _log2,
    "log10.default": _log10,
    "elu.default": _elu,
    "rsqrt.default": lambda x: 1.0 / x.sqrt(),
    "pow.Tensor_Scalar": _power,
    "square.default": lambda x: x * x,
    "hardswish.default": _hardswish,
    "hardsigmoid.default": _hardsigmoid,
    "mish.default": _softplus_product,
    "sigmoid_backward.default": _sigmoid_backward,
    "tanh_backward.default": _tanh_backward,
}
"""Another formula, in the type that it is given."""

THROUGH_DOUBLE: dict[str, Formula] = {"exp.default": _exp, "exp2.default": _exp2}
"""Formulas whose intermediate needs more digits than float32 has; there is none for float64."""
