"""The local error of one operation, by its rule: what it rounds itself, whatever its operands may have lost before.

`torch_bounds` adds what the bounds of the operands contribute. docs/numerics.md derives the formulas.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from .torch_bounds import Call, Leaf, Rule

SUM = 2
"""torch's number of a loss that adds up its elements, and with them what each of them rounds."""

_ROUNDOFF = {
    torch.float64: 2.0**-53,
    torch.complex128: 2.0**-53,
    torch.float32: 2.0**-24,
    torch.complex64: 2.0**-24,
    torch.float16: 2.0**-11,
    torch.complex32: 2.0**-11,
    torch.bfloat16: 2.0**-8,
}


def fractional(tensor: torch.Tensor) -> bool:
    """Whether it holds fractions, real or complex, as against integers or booleans."""
    return tensor.is_floating_point() or tensor.is_complex()


def wide_dtype(dtype: torch.dtype) -> torch.dtype:
    """float64 or complex128 for what has fractions, else the dtype itself."""
    if dtype.is_complex:
        return torch.complex128
    return torch.float64 if dtype.is_floating_point else dtype


def in_float64(tensor: torch.Tensor, copy: bool = False) -> torch.Tensor:
    """The same numbers in float64 or complex128, integers too."""
    return tensor.to(torch.complex128 if tensor.is_complex() else torch.float64, copy=copy)


def roundoff(dtype: torch.dtype) -> float:
    """The unit roundoff of a floating or complex dtype; of float8, that of its mantissa."""
    known = _ROUNDOFF.get(dtype)
    return float(torch.finfo(dtype).eps) / 2 if known is None else known


def computed_in(dtype: torch.dtype) -> torch.dtype:
    """The precision in which results of a dtype are computed before they are rounded to it."""
    if dtype in (torch.float64, torch.complex128):
        return dtype
    return torch.complex64 if dtype.is_complex else torch.float32


def representable(h: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Where a value is one of the dtype."""
    if dtype in (torch.float64, torch.complex128):
        return torch.ones(h.shape, dtype=torch.bool)
    back = h.to(dtype).to(h.dtype)
    same: torch.Tensor = (back == h) | torch.isnan(h)
    return same


def _unrounded(values: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Where a number that was scaled by a power of ten is one of the dtype. In float64, in which it was scaled here,
    that shows of those alone that have bits to spare."""
    return representable(values, torch.float32 if dtype == torch.float64 else dtype)


def _decimals(call: Call) -> int:
    """The number of decimals to which an operation rounds."""
    return int(argument(call, "decimals") or 0) if call.name in ("round", "round_") else 0


def argument(call: Call, name: str) -> Any:
    """The value of an argument of the operation by its name in the schema; None where it is left out."""
    if name in call.kwargs:
        return call.kwargs[name]
    for argument, value in zip(call.function._schema.arguments, call.args):  # noqa: B905 -- Python 3.9
        if argument.name == name:
            return value
    return None


def narrow(call: Call, rule: Rule) -> bool:
    """Whether sums are kept in the dtype of the result: by the rule, or by the argument that it names."""
    return bool(argument(call, rule.narrow)) if isinstance(rule.narrow, str) else rule.narrow


def rounded_first(call: Call) -> list[Leaf]:
    """The operands with what is rounded of them before the operation computes: where those without dimensions do not
    decide the dtype, one of a wider type is rounded to that of the result; to round to decimals, a number is scaled by
    a power of ten."""
    decimals = _decimals(call)
    if decimals:
        leaf = call.leaves[0]
        fits = _unrounded(leaf.h * 10.0**decimals, leaf.real.dtype)
        off = torch.where(fits, 0.0, roundoff(leaf.real.dtype) * leaf.h.abs())
        return [leaf._replace(e=off if leaf.e is None else leaf.e + off), *call.leaves[1:]]
    result = next((tensor for tensor in call.results if tensor.is_floating_point()), None)
    if result is None or result.dim() == 0 or sum(leaf.fractions for leaf in call.leaves) < 2 or call.name == "copy_":
        return call.leaves
    unit, leaves = roundoff(result.dtype), []
    for leaf in call.leaves:
        if leaf.real.dim() == 0 and leaf.real.is_floating_point() and roundoff(leaf.real.dtype) < unit:
            off = torch.where(representable(leaf.h, result.dtype), 0.0, unit * leaf.h.abs())
            if bool(off.any()):
                leaf = leaf._replace(e=off if leaf.e is None else leaf.e + off)
        leaves.append(leaf)
    return leaves


def local(
    call: Call,
    rule: Rule,
    result: torch.Tensor,
    h: torch.Tensor,
    change: torch.Tensor,
    magnitude: torch.Tensor | None = None,
) -> torch.Tensor:
    """The error of the operation itself, where it rounds; ``magnitude`` is that of its terms, where they may cancel."""
    if not fractional(result):
        return torch.zeros(h.shape, dtype=torch.float64)
    size = h.abs()
    unit = roundoff(result.dtype)
    computed = unit if narrow(call, rule) else roundoff(computed_in(result.dtype))
    fits = _unrounded(h, result.dtype) if _decimals(call) else representable(h, result.dtype)
    if rule.k == 0.0:
        return torch.where((change == 0) & ~fits, unit * size, 0.0)
    terms = size if magnitude is None else magnitude
    if rule.one or rule.operand:
        among = rule.one + rule.operand * _largest_operand(call, h, rule.times) if rule.operand else rule.one
        if argument(call, "reduction") == SUM:
            among = among * (max(leaf.h.numel() for leaf in call.leaves) / max(h.numel(), 1))
        terms = terms + (among if rule.times < 0 else among * _spread(call.leaves[rule.times], h))
    error = rule.k * computed * terms
    if unit > computed:
        error = error + unit * (rule.inside * terms + size)
    product = _rounded_product(call, result)
    if product is not None:
        error = error + unit * product
    divisor = _divisor(call)
    if (rule.k <= 1.0 or divisor is not None) and not rule.one and not rule.operand:
        # What float64 holds exactly cannot be seen in float64; what float32 holds was not rounded.
        short = representable(h, torch.float32) if unit <= _ROUNDOFF[torch.float64] else fits
        if divisor is not None:
            short = short & (torch.frexp(divisor.to(torch.float64).abs())[0] == 0.5)
        error = torch.where((change == 0) & short & (product == 0 if product is not None else True), 0.0, error)
    # Infinities and NaNs are not rounded; whether they may be something else, the bounds of the operands say.
    return torch.where(torch.isfinite(size), error.to(torch.float64), 0.0)


def _divisor(call: Call) -> torch.Tensor | None:
    """Of a division: by what; where it is a power of two, nothing is rounded."""
    if call.name not in ("div", "div_") or any(leaf.h.is_complex() for leaf in call.leaves):
        return None
    by = argument(call, "other")
    if isinstance(by, torch.Tensor):
        return call.leaves[1].h
    return torch.tensor(by, dtype=torch.float64) if isinstance(by, (int, float)) else None


def _rounded_product(call: Call, result: torch.Tensor) -> torch.Tensor | None:
    """Of additions with a factor: |alpha y| where it is no number of the dtype, to which eager's vectors round it."""
    if call.name.rstrip("_") not in _ADDITIONS or len(call.leaves) < 1:
        return None
    alpha = argument(call, "alpha")
    if alpha is None or alpha in (0, 1, -1):
        return None
    leaf = call.leaves[0 if call.name == "rsub" else -1]
    product = leaf.h * alpha
    # In float64 the value in higher precision is rounded as well, and only what float32 holds is known not to be.
    double = result.dtype == torch.float64
    short = representable(product, torch.float32 if double else result.dtype)
    rounded = torch.where(short, 0.0, (2 if double else 1) * product.abs().to(torch.float64))
    return rounded.expand(result.shape) if rounded.dim() <= result.dim() else None


_ADDITIONS = frozenset(["add", "sub", "rsub"])


def _spread(leaf: Leaf, h: torch.Tensor) -> torch.Tensor:
    """The magnitude of an operand per element of a result, its greatest where it does not broadcast."""
    size = leaf.h.abs().to(torch.float64)
    if _broadcasts(size, h):
        return size.expand(h.shape)
    return size.max() if size.numel() else size.sum()


def _largest_operand(call: Call, h: torch.Tensor, but: int) -> torch.Tensor:
    """Per element, the largest magnitude among the operands, but one, that it meets: of all their elements, where one
    operand does not broadcast to the result."""
    most = torch.zeros(h.shape, dtype=torch.float64)
    leaves = [leaf for number, leaf in enumerate(call.leaves) if leaf.fractions and number != but]
    met = all(_broadcasts(leaf.h, h) for leaf in call.leaves)
    for leaf in leaves:
        size = _spread(leaf, h)
        most = torch.maximum(most, size if met or not size.numel() else size.max())
    return most


def _broadcasts(tensor: torch.Tensor, to: torch.Tensor) -> bool:
    if tensor.dim() > to.dim():
        return False
    return all(a in (1, b) for a, b in zip(reversed(tensor.shape), reversed(to.shape)))  # noqa: B905 -- Python 3.9


def greatest(size: Sequence[torch.Tensor | None]) -> float:
    """The greatest magnitude among operands."""
    return max((float(each.max()) for each in size if each is not None and each.numel()), default=0.0)


def combined(call: Call, base: Sequence[torch.Tensor]) -> float:
    """How many elements one of a result combines: along the dimension that the operation names where the result keeps
    it, else as many as the operands have more; at least those of the last dimension."""
    leaves = [leaf for leaf in call.leaves if leaf.fractions]
    most = max((leaf.h.numel() for leaf in leaves), default=1)
    least = min((tensor.numel() for tensor in base if tensor.numel()), default=1)
    dim = argument(call, "dim")
    if isinstance(dim, int) and leaves and leaves[0].h.dim() and least == leaves[0].h.numel():
        return float(max(leaves[0].h.shape[dim], 1))
    last = max((leaf.h.shape[-1] for leaf in leaves if leaf.h.dim()), default=1)
    return max(most / max(least, 1), last, 1.0)


def offset(call: Call, base: Sequence[torch.Tensor], power: int) -> list[torch.Tensor]:
    """Of a norm that gives its means and inverse deviations too: what it subtracts, in units of each result. No change
    of its operand shows the rounding of a mean where few elements are normalised: two are always opposite. Power 2 adds
    the square, which is what is lost where the variance is taken from the mean of squares."""
    out, mean, inverse = base[:3]
    nothing = torch.zeros((), dtype=torch.float64)
    if mean.numel() == 0 or out.numel() == 0:
        return [nothing] * len(base)
    size = mean.abs() * inverse
    lost = size * size if power > 1 else nothing
    deviations = inverse * lost
    size, weight = size + lost, argument(call, "weight")
    if call.name == "native_group_norm":
        size = size.repeat_interleave(out.shape[1] // size.shape[1], 1)
    elif call.name != "native_layer_norm":
        size = size.unsqueeze(0)
    if call.name != "native_layer_norm":
        size = size.reshape(*size.shape, *[1] * (out.dim() - 2))
    if weight is not None:
        factor = weight.detach().abs().to(torch.float64)
        size = size * (factor if call.name == "native_layer_norm" else factor.reshape(-1, *[1] * (out.dim() - 2)))
    return [size, nothing, deviations, *[nothing] * (len(base) - 3)]
