"""Elementwise functions of one tensor."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from assay.ir.types import ALL, FLOATS, NUMERIC
from assay.ops.facts import BOOLEAN, Facts, Interval
from assay.ops.operands import free
from assay.ops.promotion import to_float
from assay.ops.protocol import Operator, operator

Function = Callable[[Facts], Facts]
SIGNED = tuple(dtype for dtype in NUMERIC if dtype != "uint8")


def unary(
    name: str,
    facts: Function,
    *,
    dtypes: tuple[str, ...] = ALL,
    floating: bool = False,
    domain: Interval | None = None,
    jumps: bool = False,
    result: str | None = None,
    **rest: Any,
) -> Operator:
    """An elementwise function. ``floating``: integers become the default float; ``result``: a fixed dtype."""
    last = name.partition(".")[2]
    rest.setdefault("torch", f"torch.{last}")
    rest.setdefault("inplace", f"{last}_" if result is None else None)
    rest.setdefault("out", rest["torch"].count(".") == 1)
    return operator(
        name,
        operands=[free("x", dtypes, domain=domain, jumps=jumps)],
        infer=lambda b: b.x.with_dtype(result or (to_float(b.x.dtype) if floating else b.x.dtype)),
        facts=lambda b, f: facts(f.x),
        **rest,
    )


def rising(function: Callable[[float], float]) -> Function:
    """Facts under a non-decreasing, rounded function."""
    return lambda x: x.through(function)


def whole(function: Callable[[float], float]) -> Function:
    """Facts under a rounding to integers."""
    return lambda x: Facts(float(function(x.low)), float(function(x.high)), 0)


def bounded(low: float, high: float) -> Function:
    """A rounded result within fixed bounds."""
    return lambda x: Facts(low, high)


unary(
    "unary.neg",
    lambda x: -x,
    dtypes=SIGNED,
    symbol="-",
    saves="none",
    onnx="Neg",
    jax="jnp.negative",
    tensorflow="tf.negative",
)
unary(
    "unary.abs", abs, dtypes=NUMERIC, saves="inputs", thresholds=(0.0,), onnx="Abs", jax="jnp.abs", tensorflow="tf.abs"
)
unary(
    "unary.relu",
    lambda x: x.clipped(0, math.inf),
    dtypes=NUMERIC,
    saves="output",
    thresholds=(0.0,),
    out=False,
    onnx="Relu",
    jax="jax.nn.relu",
    tensorflow="tf.nn.relu",
)
unary(
    "unary.exp",
    rising(math.exp),
    floating=True,
    domain=Interval(-16, 6),
    saves="output",
    onnx="Exp",
    jax="jnp.exp",
    tensorflow="tf.exp",
)
unary(
    "unary.log",
    rising(math.log),
    floating=True,
    domain=Interval(2.0**-6, 2.0**30),
    saves="inputs",
    onnx="Log",
    jax="jnp.log",
    tensorflow="tf.math.log",
)
unary("unary.tanh", rising(math.tanh), floating=True, saves="output", onnx="Tanh", jax="jnp.tanh", tensorflow="tf.tanh")
unary(
    "unary.sin",
    bounded(-1, 1),
    floating=True,
    domain=Interval(-64, 64),
    saves="inputs",
    onnx="Sin",
    jax="jnp.sin",
    tensorflow="tf.sin",
)
unary(
    "unary.floor",
    whole(math.floor),
    dtypes=FLOATS,
    jumps=True,
    saves="none",
    onnx="Floor",
    jax="jnp.floor",
    tensorflow="tf.floor",
)
unary(
    "unary.logical_not",
    lambda x: BOOLEAN,
    jumps=True,
    result="bool",
    saves="none",
    differentiable=False,
    onnx="Not",
    jax="jnp.logical_not",
    tensorflow="tf.logical_not",
)
