"""Reductions over one, several or all dimensions."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from typing import Any

from assay.ir.sizes import Size, largest, product, smallest
from assay.ir.types import ALL, FLOATS, NUMERIC, RANKS, TensorType, is_float
from assay.ops.attributes import Classes, choice, dim, dims, keepdim, values
from assay.ops.errors import SELECTS, ErrorRule, Rules, moves, smooth, steady, steps, sums
from assay.ops.facts import BOOLEAN, Facts, constant, fit, require, total
from assay.ops.onnx_forms import Arg, Form, Graph, wide
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
    ranks: tuple[int, ...] = RANKS,
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
        if largest(count(b)) == 1:
            return constant(0)
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
        # Shape inference refuses -inf where another dimension is empty (bugs/vector-norm-empty-batch).
        require(b.ord > 0 or smallest(b.x.elements) > 0, "the least of a tensor without elements")
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


# ONNX


def axes(b: Binding) -> tuple[int, ...]:
    """The dimensions as ONNX names them: none where all are reduced, or there are none.

    In tensors without elements ONNX Runtime 1.31 takes negative ones for none, so that they are counted from the front.
    """
    if b.dim is None or not b.x.rank:
        return ()
    named = (b.dim,) if isinstance(b.dim, int) else tuple(b.dim)
    return named if smallest(b.x.elements) else tuple(normal_dim(each, b.x.rank) for each in named)


def reduce_node(g: Graph, op: str, name: str, over: Sequence[int], keepdim: bool) -> str:
    """One Reduce node; over nothing means over everything."""
    if op == "ReduceSum" or g.opset >= 18:
        return g.node(op, name, g.constant(tuple(over)) if over else None, keepdims=keepdim)
    return g.node(op, name, axes=tuple(over) or None, keepdims=keepdim)


def reduces(op: str) -> Form:
    """One Reduce node in the dtype of the result."""

    def form(g: Graph, b: Binding, x: Arg) -> str:
        return reduce_node(g, op, g.cast(x, g.out[0].dtype), axes(b), b.keepdim)

    return form


def extreme(g: Graph, op: str, name: str, over: Sequence[int], keepdim: bool) -> str:
    """ReduceMax or ReduceMin; the types that it lacks are compared in int32."""
    dtype = g.dtypes[name]
    held = "int32" if dtype == "int16" or (dtype == "bool" and g.opset < 20) else dtype
    return g.cast(reduce_node(g, op, g.cast(name, held), over, keepdim), dtype)


def extremes(*ops: str) -> Form:
    """The greatest elements, the least, or both."""

    def form(g: Graph, b: Binding, x: Arg) -> str | tuple[str, ...]:
        found = tuple(extreme(g, op, g.name(x), axes(b), b.keepdim) for op in ops)
        return found if len(found) > 1 else found[0]

    return form


def place(g: Graph, b: Binding, op: str, name: str) -> str:
    """ArgMax or ArgMin along ``b.dim``, or in all elements in a row."""
    over = axes(b)
    if over:
        return g.node(op, name, axis=over[0], keepdims=b.keepdim, dtype="int64")
    everything = g.node("Reshape", name, g.constant([-1]))
    return g.node(op, everything, axis=0, keepdims=False, dtype="int64")


def located_by(op: str) -> Form:
    """An extreme and its place: "Max" or "Min"."""

    def form(g: Graph, b: Binding, x: Arg) -> tuple[str, str]:
        name = g.cast(x, "int32" if x.dtype in ("bool", "int16") else x.dtype)
        return g.cast(extreme(g, f"Reduce{op}", name, axes(b), b.keepdim), x.dtype), place(g, b, f"Arg{op}", name)

    return form


def truths(every: bool) -> Form:
    """Whether any or every element is not zero; counted where there may be no elements, whose extreme ONNX leaves
    open."""

    def form(g: Graph, b: Binding, x: Arg) -> str:
        name = g.cast(x, "bool")
        if smallest(count(b)) > 0:
            found = extreme(g, "ReduceMin" if every else "ReduceMax", name, axes(b), b.keepdim)
        else:
            number = g.cast(g.node("Not", name) if every else name, "int64")
            found = g.cast(reduce_node(g, "ReduceSum", number, axes(b), b.keepdim), "bool")
            found = g.node("Not", found) if every else found
        return g.cast(found, g.out[0].dtype)

    return form


def spread_form(root: bool) -> Form:
    """The sum of squared distances from the mean, by the count less the correction."""

    def form(g: Graph, b: Binding, x: Arg) -> str:
        name, over = g.name(x), axes(b)
        apart = g.node("Sub", name, reduce_node(g, "ReduceMean", name, over, True))
        squares = g.node("Mul", apart, apart)
        if b.correction == 0:
            found = reduce_node(g, "ReduceMean", squares, over, b.keepdim)
        else:
            summed = reduce_node(g, "ReduceSum", squares, over, b.keepdim)
            found = g.node("Div", summed, scalar(g, count(b) - b.correction, x.dtype))
        return g.node("Sqrt", found) if root else found

    return wide(form)


def scalar(g: Graph, number: Size, dtype: str) -> str:
    """A number that may be symbolic, in a dtype, of rank 0."""
    if isinstance(number, int):
        return g.constant(number, dtype)
    return g.cast(g.node("Squeeze", g.size(number)), dtype)


def float32(value: float) -> float:
    """The nearest float32."""
    return float(struct.unpack("f", struct.pack("f", value))[0])


def norm_form(g: Graph, b: Binding, x: Arg) -> str | tuple[str, ...]:
    """One node for the orders 1 and 2, an extreme for the infinite ones, a count for 0, powers for the rest."""
    if b.ord == 0:
        return counted(g, b, x)
    if b.ord in (1, 2):
        return reduce_node(g, f"ReduceL{int(b.ord)}", g.name(x), axes(b), b.keepdim)
    if math.isinf(b.ord):
        return extreme(g, "ReduceMax" if b.ord > 0 else "ReduceMin", g.node("Abs", g.name(x)), axes(b), b.keepdim)
    return powers(g, b, x)


def counted(g: Graph, b: Binding, x: Arg) -> str:
    """The number of elements that are not zero."""
    ones = g.cast(g.cast(x, "bool"), "int64")
    return g.cast(reduce_node(g, "ReduceSum", ones, axes(b), b.keepdim), g.out[0].dtype)


@wide
def powers(g: Graph, b: Binding, x: Arg) -> str:
    """The root of the sum of powers."""
    raised = g.node("Pow", g.node("Abs", g.name(x)), g.constant(b.ord, x.dtype))
    return g.node("Pow", reduce_node(g, "ReduceSum", raised, axes(b), b.keepdim), g.constant(1 / b.ord, x.dtype))


def row(g: Graph, name: str, rank: int) -> str:
    """A value with a dimension at least: one of none becomes a row of one element."""
    return name if rank else g.node("Reshape", name, g.constant([1]))


def ranked(g: Graph, b: Binding, x: Arg, k: str) -> tuple[str, str]:
    """The least elements along ``b.dim``, as many as a row of one integer says, and their places."""
    return top(g, row(g, g.name(x), x.rank), k, b.dim, largest=False)


def top(g: Graph, name: str, k: str, axis: int, largest: bool) -> tuple[str, str]:
    """TopK in order, of equal elements the first one first. The types that it lacks are compared in wider ones."""
    dtype = g.dtypes[name]
    held = {"bool": "int32", "bfloat16": "float32" if g.opset < 24 else "bfloat16"}.get(dtype, dtype)
    values, places = g.several(
        "TopK", g.cast(name, held), k, outputs=2, dtypes=(held, "int64"), axis=axis, largest=largest, sorted=True
    )
    return g.cast(values, dtype), places


def last(g: Graph, b: Binding, names: Sequence[str]) -> tuple[str, str]:
    """The last of the elements along ``b.dim``, and its place."""
    end = g.constant([-1] if b.keepdim and b.x.rank else -1)
    values, places = (g.node("Gather", name, end, axis=b.dim) for name in names)
    return values, places


def median_form(g: Graph, b: Binding, x: Arg) -> tuple[str, str]:
    """The lower of the two in the middle."""
    number = count(b)
    if isinstance(number, int):
        k = g.constant([(number + 1) // 2])
    else:
        k = g.node("Div", g.size(number + 1), g.constant([2]))
    return last(g, b, ranked(g, b, x, k))


def kth_form(g: Graph, b: Binding, x: Arg) -> tuple[str, str]:
    """The last of the k least."""
    return last(g, b, ranked(g, b, x, g.constant([b.k])))


# specifications

ONE = (dim("dim", nonempty=True), keepdim())
OPTIONAL = (dim("dim", nonempty=True, optional=True), keepdim())

reduction(
    "sum",
    lambda b, x: total(x, count(b)),
    result=accumulated,
    out=lambda attributes: attributes["dim"] is not None,
    saves="none",
    onnx=reduces("ReduceSum"),
    jax="jnp.sum",
    tensorflow="tf.reduce_sum",
)
reduction(
    "mean",
    averaged,
    FLOATS,
    out=True,
    saves="none",
    onnx=reduces("ReduceMean"),
    jax="jnp.mean",
    tensorflow="tf.reduce_mean",
)
reduction(
    "prod",
    multiplied,
    result=accumulated,
    attributes=(dim("dim", optional=True), keepdim()),
    out=lambda attributes: attributes["dim"] is not None,
    onnx=reduces("ReduceProd"),
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
        onnx=extremes(onnx),
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
        out=True,
        saves="none",
        error=SELECTS,
        # torch documents that the first of equal extremes is meant.
        onnx=lambda g, b, x, op={"argmax": "ArgMax", "argmin": "ArgMin"}[name]: place(g, b, op, g.name(x)),
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
        out=True,
        saves="none",
        onnx=truths(name == "all"),
        jax=f"jnp.{name}",
        tensorflow=f"tf.reduce_{name}",
    )
for name, root in (("var", False), ("std", True)):
    reduction(
        name,
        spread(root),
        FLOATS,
        ranks=RANKS[1:] if root else RANKS,
        left_out={"rank 0": "the root of zero has no derivative"} if root else {},
        attributes=(dims("dim"), values("correction", 1, boundary=(0,), other=(2,)), keepdim()),
        out=True,
        saves="both" if root else "inputs",
        error=smooth(4.0),
        onnx=spread_form(root),
        jax=f"jnp.{name}",
        tensorflow="tf.math.reduce_variance" if name == "var" else "tf.math.reduce_std",
    )
reduction(
    "logsumexp",
    nonempty(lambda x: Facts(x.low, x.high + 12)),
    attributes=(dims("dim", optional=False, nonempty=True), keepdim()),
    result=to_float,
    out=True,
    onnx=reduces("ReduceLogSumExp"),
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
    out=True,
    onnx=norm_form,
    jax="jnp.linalg.vector_norm",
    tensorflow="tf.norm",
    # Of order 3 it takes two powers.
    error={"linalg_vector_norm": steady(16.0)},
)
for name in ("max", "min"):
    reduction(
        name,
        located,
        attributes=ONE,
        index=True,
        jumps=True,
        unpromised=(1,),
        out=True,
        saves="output",
        onnx=located_by(name.capitalize()),
        jax=f"jnp.{name}",
    )
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
    out=True,
    saves="output",
    onnx=median_form,
)
reduction(
    "kthvalue",
    located,
    NUMERIC,
    left_out={"bool": "there is a kernel for the first of one element alone"},
    attributes=(ONE[0], Attribute("k", places), ONE[1]),
    index=True,
    jumps=True,
    unpromised=(1,),
    out=True,
    saves="output",
    onnx=kth_form,
)
operator(
    "reduce.aminmax",
    operands=[free("x")],
    attributes=OPTIONAL,
    infer=lambda b: (reduced_type(b, b.x.dtype),) * 2,
    facts=lambda b, f: (located(b, f.x)[0],) * 2,
    torch="torch.aminmax",
    render=None,
    out=True,
    results=2,
    error=moves(),
    onnx=extremes("ReduceMin", "ReduceMax"),
)
reduction(
    "count_nonzero",
    lambda b, x: Facts(0, largest(count(b)), 0),
    result=lambda dtype: "int64",
    attributes=(dims("dim"), choice("keepdim", False, hidden=True)),
    jumps=True,
    differentiable=False,
    saves="none",
    onnx=counted,
    jax="jnp.count_nonzero",
    tensorflow="tf.math.count_nonzero",
)
