"""Reductions over one, several or all dimensions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from assay.ir.sizes import Size, largest, product, smallest
from assay.ir.types import ALL, FLOATS, NUMERIC, TensorType, is_float
from assay.ops.attributes import Classes, choice, dim, dims, keepdim, values
from assay.ops.errors import SELECTS, ErrorRule, Rules, moves, smooth, steady, steps, sums
from assay.ops.facts import BOOLEAN, Facts, fit, require, total
from assay.ops.operands import free
from assay.ops.promotion import to_float
from assay.ops.protocol import Attribute, Binding, Operator, operator
from assay.ops.shapes import normal_dim, normal_dims, reduced


def reduced_type(b: Binding, dtype: str) -> TensorType:
    """The type after reducing ``b.dim``."""
    return TensorType(dtype, reduced(b.x.shape, normal_dims(b.dim, b.x.rank), b.keepdim))


def count(b: Binding) -> Size:
    """The number of elements that one result combines."""
    return product(b.x.shape[position] for position in normal_dims(b.dim, b.x.rank))


def accumulated(dtype: str) -> str:
    """Integers and bools are summed in int64."""
    return dtype if is_float(dtype) else "int64"


def reduction(
    name: str,
    facts: Callable[[Binding, Facts], Any],
    dtypes: tuple[str, ...] = ALL,
    *,
    result: Callable[[str], str] = lambda dtype: dtype,
    attributes: tuple[Attribute, ...] = (dims("dim"), keepdim()),
    ranks: tuple[int, ...] = (0, 1, 2, 3, 4, 5),
    jumps: bool | Callable[[Binding], bool] = False,
    no_overlap: bool = False,
    index: bool = False,
    error: ErrorRule | Rules | None = None,
    **rest: Any,
) -> Operator:
    """A reduction of one tensor; with ``index`` there is a second result that says where.

    By default it selects where it has an index, steps where it ``jumps``, and sums otherwise.
    """

    def infer(b: Binding) -> Any:
        values_type = reduced_type(b, result(b.x.dtype))
        return (values_type, values_type.with_dtype("int64")) if index else values_type

    rest.setdefault("torch", f"torch.{name}")
    return operator(
        f"reduce.{name}",
        operands=[free("x", dtypes, ranks, jumps=jumps, no_overlap=no_overlap)],
        attributes=attributes,
        infer=infer,
        facts=lambda b, f: facts(b, f.x),
        results=2 if index else 1,
        error=(SELECTS if index else steps() if jumps else sums()) if error is None else error,
        **rest,
    )


def averaged(b: Binding, x: Facts) -> Facts:
    """The mean; exact where the sum is and every count is a power of two."""
    number = count(b)
    require(smallest(number) > 0, "the mean of nothing")
    summed = total(x, number)
    counts = number.values if not isinstance(number, int) else (number,)
    if fit(summed, b.x.dtype).exact and x.scale is not None and all(each & (each - 1) == 0 for each in counts):
        return Facts(x.low, x.high, x.scale + largest(number).bit_length() - 1)
    return Facts(x.low, x.high, None, summed.magnitude)


def multiplied(b: Binding, x: Facts) -> Facts:
    """A product; of none it is 1."""
    most, number = x.magnitude, largest(count(b))
    require(number * math.log2(max(most, 2)) < 60, "a product of many")
    bound = max(most, 1.0) ** number
    scale = None if x.scale is None or not number else x.scale * number
    return Facts(-bound if x.low < 0 else 0.0, bound, 0 if not number else scale)


def spread(root: bool) -> Callable[[Binding, Facts], Facts]:
    """Variance or deviation: at most that of half the elements at each end."""

    def facts(b: Binding, x: Facts) -> Facts:
        number = smallest(count(b))
        require(number > b.correction, "too few elements for the correction")
        # The derivative of the root is infinite at zero, and zero is what a single element gives.
        require(not root or number > 1, "the deviation of one element")
        widest = (x.high - x.low) ** 2 / 4 * number / (number - b.correction)
        # The two-pass sum may leave a rounding error where all elements are equal.
        widest += (x.magnitude * 2.0**-7) ** 2
        return Facts(0.0, math.sqrt(widest) if root else widest, None, x.magnitude**2)

    return facts


def nonempty(facts: Callable[[Facts], Any]) -> Callable[[Binding, Facts], Any]:
    """For what has no value over nothing."""

    def checked(b: Binding, x: Facts) -> Any:
        require(smallest(count(b)) > 0, "a reduction of nothing")
        return facts(x)

    return checked


def located(b: Binding, x: Facts) -> tuple[Facts, Facts]:
    """The extreme value and where it is."""
    require(smallest(count(b)) > 0, "a reduction of nothing")
    return Facts(x.low, x.high, x.scale), position(b)


def position(b: Binding) -> Facts:
    """Any index of the reduced elements."""
    require(smallest(count(b)) > 0, "a reduction of nothing")
    return Facts(0, largest(count(b)) - 1, 0)


def norm(b: Binding, x: Facts) -> Facts:
    """A vector norm; that of order 0 counts, 1 sums, the infinite ones choose."""
    number = count(b)
    require(smallest(number) > 0, "the norm of nothing")
    most = x.magnitude
    if b.ord == 0:
        return Facts(0, largest(number), 0)
    if math.isinf(b.ord):
        return abs(Facts(x.low, x.high, x.scale))
    if b.ord == 1:
        return total(abs(Facts(x.low, x.high, x.scale)), number)
    # The derivative at zero is no number for the orders between.
    require(x.low > 0 or x.high < 0, "the norm of zeros has no derivative")
    return Facts(0.0, most * largest(number) ** (1 / b.ord), None, most**b.ord * largest(number))


def places(b: Binding) -> Classes:
    """The first and last place in the order, and those between."""
    last = smallest(b.x.shape[normal_dim(b.dim, b.x.rank)]) if b.x.rank else 1
    return {"boundary": tuple({1, last}), "other": tuple(range(2, last))}


ONE = (dim("dim", nonempty=True), keepdim())
OPTIONAL = (dim("dim", nonempty=True, optional=True), keepdim())

reduction(
    "sum",
    lambda b, x: total(x, count(b)),
    result=accumulated,
    saves="none",
    onnx="ReduceSum",
    jax="jnp.sum",
    tensorflow="tf.reduce_sum",
)
reduction("mean", averaged, FLOATS, saves="none", onnx="ReduceMean", jax="jnp.mean", tensorflow="tf.reduce_mean")
reduction(
    "prod",
    multiplied,
    result=accumulated,
    attributes=(dim("dim", optional=True), keepdim()),
    onnx="ReduceProd",
    jax="jnp.prod",
    tensorflow="tf.reduce_prod",
    # Eager multiplies the 16-bit types as they are.
    error=steady(2.0, each=1.0, narrow=True),
)
for name, onnx, jax in (("amax", "ReduceMax", "jnp.max"), ("amin", "ReduceMin", "jnp.min")):
    reduction(
        name,
        nonempty(lambda x: Facts(x.low, x.high, x.scale)),
        attributes=(dims("dim", nonempty=True, default=()), keepdim()),
        out=True,
        error=moves(),
        onnx=onnx,
        jax=jax,
        tensorflow=f"tf.reduce_{jax.removeprefix('jnp.')}",
    )
for name in ("argmax", "argmin"):
    reduction(
        name,
        lambda b, x: position(b),
        NUMERIC,
        result=lambda dtype: "int64",
        attributes=OPTIONAL,
        jumps=True,
        differentiable=False,
        saves="none",
        error=SELECTS,
        # torch documents that the first of equal extremes is meant.
        onnx={"argmax": "ArgMax", "argmin": "ArgMin"}[name],
        jax=f"jnp.{name}",
        tensorflow=f"tf.{name}",
    )
for name in ("any", "all"):
    reduction(
        name,
        lambda b, x: BOOLEAN,
        result=lambda dtype: "uint8" if dtype == "uint8" else "bool",
        jumps=True,
        differentiable=False,
        saves="none",
        jax=f"jnp.{name}",
        tensorflow=f"tf.reduce_{name}",
    )
for name, root in (("var", False), ("std", True)):
    reduction(
        name,
        spread(root),
        FLOATS,
        ranks=(1, 2, 3, 4, 5),
        attributes=(dims("dim"), values("correction", 1, boundary=(0,), other=(2,)), keepdim()),
        saves="both" if root else "inputs",
        error=smooth(4.0),
        jax=f"jnp.{name}",
        tensorflow="tf.math.reduce_variance" if name == "var" else "tf.math.reduce_std",
    )
reduction(
    "logsumexp",
    nonempty(lambda x: Facts(x.low, x.high + 12)),
    attributes=(dims("dim", optional=False, nonempty=True), keepdim()),
    result=to_float,
    out=True,
    onnx="ReduceLogSumExp",
    jax="jax.nn.logsumexp",
    tensorflow="tf.reduce_logsumexp",
    # It is made of exponentials, their sum and its logarithm, each rounded to the 16-bit types in eager.
    error=smooth(8.0, one=1.0, inside=2.0),
)
reduction(
    "vector_norm",
    norm,
    FLOATS,
    attributes=(
        values("ord", 2, boundary=(0, 1, 1.0), other=(math.inf, -math.inf, 3)),
        dims("dim", nonempty=True),
        keepdim(),
    ),
    jumps=lambda b: b.ord == 0,
    torch="torch.linalg.vector_norm",
    onnx="ReduceL2",
    jax="jnp.linalg.vector_norm",
    tensorflow="tf.norm",
    # Of order 3 it takes two powers.
    error={"linalg_vector_norm": steady(16.0)},
)
for name in ("max", "min"):
    reduction(name, located, attributes=ONE, index=True, jumps=True, unpromised=(1,), saves="output", jax=f"jnp.{name}")
reduction(
    "median",
    located,
    NUMERIC,
    attributes=ONE,
    index=True,
    jumps=True,
    # Along an expanded dimension torch 2.13 reads memory that is not the tensor's (bugs/median-expanded).
    no_overlap=True,
    unpromised=(1,),
    saves="output",
)
reduction(
    "kthvalue",
    located,
    NUMERIC,
    attributes=(ONE[0], Attribute("k", places), ONE[1]),
    index=True,
    jumps=True,
    unpromised=(1,),
    saves="output",
)
operator(
    "reduce.aminmax",
    operands=[free("x")],
    attributes=OPTIONAL,
    infer=lambda b: (reduced_type(b, b.x.dtype),) * 2,
    facts=lambda b, f: (located(b, f.x)[0],) * 2,
    torch="torch.aminmax",
    render=None,
    results=2,
    error=moves(),
)
reduction(
    "count_nonzero",
    lambda b, x: Facts(0, largest(count(b)), 0),
    result=lambda dtype: "int64",
    attributes=(dims("dim"), choice("keepdim", False, hidden=True)),
    jumps=True,
    differentiable=False,
    saves="none",
    jax="jnp.count_nonzero",
    tensorflow="tf.math.count_nonzero",
)
