"""Builders for the elementwise families: one operand, the facts of a function applied to every element, and what their
ONNX forms share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from assay.ir.types import ALL, INTEGER_RANGE, INTEGERS, TensorType, is_float
from assay.ops.errors import ErrorRule, Rules, moves, rounded, steps
from assay.ops.facts import Facts, Interval, require
from assay.ops.onnx_forms import Arg, Args, Form, Graph, each, node, wide
from assay.ops.operands import free, shape_of
from assay.ops.promotion import result_dtype, to_float
from assay.ops.protocol import Binding, Operator, operator
from assay.ops.shapes import broadcast as broadcast_shapes

Function = Callable[[Facts], Facts]
TRANSCENDENTAL = rounded(8.0)


def unary(
    name: str,
    facts: Function,
    dtypes: tuple[str, ...] = ALL,
    *,
    result: Callable[[str], str] = lambda dtype: dtype,
    domain: Interval | None = None,
    jumps: bool = False,
    error: ErrorRule | Rules | None = None,
    **rest: Any,
) -> Operator:
    """An elementwise function without attributes, by torch's name; ``result`` gives the result's dtype.

    By default it rounds nothing, and steps where it ``jumps``.
    """
    last = name.partition(".")[2]
    rest.setdefault("torch", f"torch.{last}")
    rest.setdefault("inplace", f"{last}_")
    rest.setdefault("out", True)
    return operator(
        name,
        operands=[free("x", dtypes, domain=domain, jumps=jumps)],
        infer=lambda b: b.x.with_dtype(result(b.x.dtype)),
        facts=lambda b, f: facts(f.x),
        error=(steps() if jumps else moves()) if error is None else error,
        **rest,
    )


def smooth(
    name: str,
    facts: Function,
    domain: Interval | None = None,
    dtypes: tuple[str, ...] = ALL,
    *,
    error: ErrorRule | Rules = TRANSCENDENTAL,
    **rest: Any,
) -> Operator:
    """A function whose results are rounded; integers become the default float."""
    return unary(name, lambda x: facts(x).rounded(), dtypes, result=to_float, domain=domain, error=error, **rest)


def rising(function: Callable[[float], float]) -> Function:
    """Facts under a non-decreasing function."""
    return lambda x: x.through(function)


def falling(function: Callable[[float], float]) -> Function:
    """Facts under a non-increasing function."""
    return lambda x: Facts(function(x.high), function(x.low))


def bounded(low: float, high: float, function: Callable[[float], float] | None = None) -> Function:
    """Fixed bounds; of a constant, the value itself where the function is given."""
    return lambda x: x.through(function) if function is not None and x.low == x.high else Facts(low, high)


def above(bottom: float, function: Callable[[float], float]) -> Function:
    """Facts under a function that is at least ``bottom`` and largest at an end of every interval (a valley)."""
    return lambda x: Facts(min(bottom, function(x.low), function(x.high)), max(function(x.low), function(x.high)))


def raised(x: Facts, y: Facts) -> Facts:
    """Powers of positive numbers; those of one, and those to zero, are one."""
    most = max(x.high, 1 / x.low) ** max(abs(y.low), abs(y.high))
    one = (x.sure == 1 and x.high - x.low < 2.0**-6) or (y.sure == 0 and y.high == y.low)
    return Facts(0.0, most, holds=1.0 if one else None)


def promoting(function: Callable[..., str]) -> Form:
    """The ONNX form that a function of names is: it gets the operands in the dtype of the result."""
    return lambda g, b, *args: function(g, b, *(each(g, arg, g.out[0].dtype) for arg in args))


def of_several(function: Callable[[Graph, str], str]) -> Form:
    """An ONNX form of several nodes on one operand, without attributes."""
    return wide(promoting(lambda g, b, x: function(g, x)))


def unchanged(g: Graph, b: Binding, x: Arg) -> str:
    """What leaves an integer as it is."""
    return g.node("Identity", g.name(x))


def floating(form: Form) -> Form:
    """An ONNX form for floats; integers stay as they are."""
    return lambda g, b, x: (form if is_float(x.dtype) else unchanged)(g, b, x)


def logical(of_bools: str, form: Form) -> Form:
    """An ONNX form with another node where the result is boolean."""
    return lambda g, b, *args: (node(of_bools) if g.out[0].dtype == "bool" else form)(g, b, *args)


def multiplied(g: Graph, x: str, factor: float) -> str:
    """A multiple by a number; by one, it is the operand itself."""
    return x if factor == 1 else g.node("Mul", x, g.like(factor, x))


def truncated(g: Graph, x: str) -> str:
    """Floats rounded toward zero, for which ONNX has no node."""
    return g.node("Mul", g.node("Sign", x), g.node("Floor", g.node("Abs", x)))


def clip(g: Graph, x: Arg, low: float | None, high: float | None) -> str:
    """Clip between numbers, in the dtype of the result."""
    dtype = g.out[0].dtype
    bounds = (None if bound is None else g.constant(bound, dtype) for bound in (low, high))
    return g.node("Clip", g.cast(x, dtype), *bounds)


def less(g: Graph, x: str, bound: float) -> str:
    """Whether elements are less than a number."""
    return g.node("Less", x, g.like(bound, x), dtype="bool")


def where(g: Graph, condition: str, x: str, y: str) -> str:
    """Where."""
    return g.node("Where", condition, x, y, dtype=g.dtypes[x])


def bfloat16_since(opset: float, form: Form) -> Form:
    """An ONNX form whose node takes bfloat16 since an opset; before, that is computed in float32."""
    older = wide(form)

    def either(g: Graph, b: Binding, *args: Args) -> str | tuple[str, ...]:
        return (older if g.opset < opset and g.out[0].dtype == "bfloat16" else form)(g, b, *args)

    return either


def late(op: str, **attributes: Any) -> Form:
    """One node that takes bfloat16 since opset 22, as most functions of the reals do."""
    return bfloat16_since(22, node(op, **attributes))


# operations of two operands


def promoted(b: Binding) -> TensorType:
    """The type of an elementwise result: promoted dtype, broadcast shape."""
    return TensorType(result_dtype(b.x, b.y), broadcast_shapes(shape_of(b.x), shape_of(b.y)))


def promoted_float(b: Binding) -> TensorType:
    """The same, where integers become the default float."""
    result = promoted(b)
    return result.with_dtype(to_float(result.dtype))


def number(infer: Callable[[Binding], TensorType] = promoted) -> Callable[[Binding], TensorType]:
    """The type of what has no kernel for bools alone."""

    def checked(b: Binding) -> TensorType:
        result = infer(b)
        require(result.dtype != "bool", "a result that is boolean")
        return result

    return checked


def real(b: Binding) -> TensorType:
    """The promoted type of what has kernels for floats alone."""
    result = promoted(b)
    require(is_float(result.dtype), "a result that is integral")
    return result


def held(facts: Callable[[Binding, Any], Facts]) -> Callable[[Binding, Any], Facts]:
    """Facts where the dtype that is computed in holds the operands: one of an operand without dimensions may not."""

    def checked(b: Binding, f: Any) -> Facts:
        dtype = result_dtype(b.x, b.y)
        if dtype in INTEGERS:
            low, high = INTEGER_RANGE[dtype]
            require(all(low <= each.low and each.high <= high for each in (f.x, f.y)), "an operand wraps")
        return facts(b, f)

    return checked
