"""Normalisation: over features, groups, batches (with running statistics that it writes), and softmax."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from assay.ir.sizes import Shape, Size, is_symbolic, largest, product, smallest
from assay.ir.types import FLOATS, RANKS, TensorType
from assay.ops.attributes import Classes, dim, values
from assay.ops.errors import smooth
from assay.ops.facts import Facts, Interval, hull, require
from assay.ops.families.conv import since_bfloat16
from assay.ops.families.reduce import float32, reduce_node, row
from assay.ops.onnx_forms import Arg, Form, Graph, wide
from assay.ops.operands import exactly, free
from assay.ops.protocol import Attribute, Binding, Operand, operator
from assay.ops.shapes import normal_dim

# Eager rounds mean, variance and the factor and offset of a channel to the 16-bit types.
BATCH = {
    "native_batch_norm": smooth(4.0, inside=3.0, centred=1),
    "native_batch_norm_backward": smooth(4.0, inside=2.0),
}
EPS = values("eps", 1e-5, other=(1e-3, 0.125))


def affine(normalised: Facts, f: Any) -> Facts:
    """Times the weight, plus the bias, where they are given; always rounded."""
    weight, bias = getattr(f, "weight", None), getattr(f, "bias", None)
    result = normalised if weight is None else replace(normalised * weight, holds=normalised.holds)
    return (result if bias is None else result + bias).rounded()


def unit(count: Size, *, centred: bool = True) -> Facts:
    """A normalised element: at most the root of the number of elements, and some rounding where they are all equal.
    Of those whose mean was taken away, one is as good as zero, or has another on the other side."""
    bound = math.sqrt(largest(count)) + 1
    return Facts(-bound, bound, holds=0.0 if centred else None)


def suffixes(b: Binding) -> Classes:
    """Trailing dimensions: the last, all, or some."""
    shape: Shape = b.x.shape
    tails = [shape[start:] for start in range(len(shape)) if smallest(product(shape[start:])) > 0]
    require(bool(tails), "nothing to normalise")
    return {"boundary": (tails[-1], tails[0]), "other": tuple(tails[1:-1])}


def parameters(shape: Any, *names: str, **rest: Any) -> list[Operand]:
    """Optional tensors of one shape and the dtype of x."""
    return [exactly(name, lambda b: TensorType(b.x.dtype, shape(b)), optional=True, **rest) for name in names]


def features(b: Binding) -> Shape:
    """The channels: the second dimension."""
    return (b.x.shape[1],)


# ONNX: its nodes take epsilon as a float32, and normalise in one where they have a type for it, so that float64 is made
# of parts.


def full(g: Graph, value: float, shape: Shape, dtype: str) -> str:
    """A tensor of one number."""
    number = product(shape)
    if isinstance(number, int) and number <= 64:
        return g.constant((value,) * number, dtype, tuple(map(largest, shape)))
    return g.node("Expand", g.constant(value, dtype), g.shape(shape))


def given(g: Graph, arg: Arg | None, value: float, shape: Shape, dtype: str) -> str:
    """A parameter, or what stands for one that is left out."""
    return full(g, value, shape, dtype) if arg is None else g.name(arg)


def single(b: Binding) -> bool:
    """Whether epsilon is a float32, or nothing is lost by taking it for one."""
    return bool(b.x.dtype != "float64" or float32(b.eps) == b.eps)


def standardised(g: Graph, name: str, over: tuple[int, ...], eps: float) -> str:
    """(x - mean) / √(variance + eps)."""
    centred = g.node("Sub", name, reduce_node(g, "ReduceMean", name, over, True))
    return g.node("Div", centred, root_mean_square(g, centred, over, eps))


def root_mean_square(g: Graph, name: str, over: tuple[int, ...], eps: float) -> str:
    """√(mean of squares + eps)."""
    squares = reduce_node(g, "ReduceMean", g.node("Pow", name, g.like(2, name)), over, True)
    return g.node("Sqrt", g.node("Add", squares, g.like(eps, name)))


def scaled(g: Graph, name: str, weight: Arg | None, bias: Arg | None, behind: int = 0) -> str:
    """Times the weight, plus the bias; of channels, with so many dimensions behind."""
    for op, arg in (("Mul", weight), ("Add", bias)):
        if arg is not None:
            name = g.node(op, name, columns(g, arg, behind))
    return name


def columns(g: Graph, arg: Arg, behind: int) -> str:
    """A number for each channel, with so many dimensions behind."""
    name = g.name(arg)
    return g.node("Unsqueeze", name, g.constant(tuple(range(1, behind + 1)))) if behind else name


def trailing(b: Binding) -> tuple[int, ...]:
    """The normalised dimensions."""
    return tuple(range(-len(b.normalized_shape), 0))


def layer_norm_form(g: Graph, b: Binding, x: Arg, weight: Arg | None, bias: Arg | None) -> str:
    """LayerNormalization, which wants a weight."""
    if b.x.dtype == "float64":
        return scaled(g, standardised(g, g.name(x), trailing(b), b.eps), weight, bias)
    scale = given(g, weight, 1, b.normalized_shape, x.dtype)
    offset = None if bias is None else g.name(bias)
    return g.node("LayerNormalization", g.name(x), scale, offset, axis=-len(b.normalized_shape), epsilon=b.eps)


def rms_norm_form(g: Graph, b: Binding, x: Arg, weight: Arg | None) -> str | tuple[str, ...]:
    """RMSNormalization, its parts before opset 23."""
    # Where none is given torch adds the distance of 1 to the next number of the type that it computes in.
    eps = b.eps if b.eps is not None else 2.0**-52 if b.x.dtype == "float64" else 2.0**-23
    if b.x.dtype == "float64" or g.opset < 23:
        return rms_norm_parts(g, b, x, weight, eps)
    scale = given(g, weight, 1, b.normalized_shape, x.dtype)
    return g.node("RMSNormalization", g.name(x), scale, axis=-len(b.normalized_shape), epsilon=eps)


def rms_norm_parts(g: Graph, b: Binding, x: Arg, weight: Arg | None, eps: float) -> str | tuple[str, ...]:
    """x / √(mean of squares + eps), times the weight."""

    def form(g: Graph, b: Binding, x: Arg, weight: Arg | None) -> str:
        name = g.name(x)
        return scaled(g, g.node("Div", name, root_mean_square(g, name, trailing(b), eps)), weight, None)

    return wide(form)(g, b, x, weight)


def features_normalised(b: Binding) -> TensorType:
    """More than one element: one alone is the bias, and its gradient the rounding of a difference of equals."""
    require(smallest(product(b.normalized_shape)) > 1, "one element to normalise")
    result: TensorType = b.x
    return result


operator(
    "norm.layer_norm",
    operands=[free("x", FLOATS, RANKS[1:]), *parameters(lambda b: b.normalized_shape, "weight", "bias")],
    attributes=[Attribute("normalized_shape", suffixes), EPS],
    order=("x", "normalized_shape", "weight", "bias"),
    infer=features_normalised,
    facts=lambda b, f: affine(unit(product(b.normalized_shape)), f),
    torch="torch.nn.functional.layer_norm",
    saves="inputs",
    onnx=layer_norm_form,
    # Gradients of the 16-bit types pass through a stored product.
    error={"native_layer_norm": smooth(4.0, centred=1), "native_layer_norm_backward": smooth(4.0, inside=1.0)},
)
operator(
    "norm.rms_norm",
    operands=[free("x", FLOATS, RANKS[1:]), *parameters(lambda b: b.normalized_shape, "weight")],
    attributes=[Attribute("normalized_shape", suffixes), values("eps", None, other=(1e-5, 1e-3, 0.125))],
    order=("x", "normalized_shape", "weight"),
    infer=lambda b: b.x,
    facts=lambda b, f: affine(unit(product(b.normalized_shape), centred=False), f),
    torch="torch.nn.functional.rms_norm",
    saves="inputs",
    onnx=rms_norm_form,
)


def nonempty(b: Binding) -> TensorType:
    """The type of x, which has elements."""
    require(all(smallest(size) > 0 for size in b.x.shape), "nothing to normalise")
    result: TensorType = b.x
    return result


def fixed_statistics(b: Binding, f: Any) -> Facts:
    """(x - mean) / sqrt(var + eps) with statistics that are given."""
    centred = f.x - f.running_mean
    roots = Facts(1 / math.sqrt(f.running_var.high + b.eps), 1 / math.sqrt(f.running_var.low + b.eps))
    return affine(centred * roots, f)


def given_statistic(name: str, domain: Interval | None = None) -> Operand:
    """A mean or a variance of each channel."""
    return exactly(
        name, lambda b: TensorType(b.x.dtype, features(b)), domain=domain, no_gradient=True, dense_to_train=True
    )


def batch_norm_form(
    g: Graph, b: Binding, x: Arg, mean: Arg, variance: Arg, weight: Arg | None, bias: Arg | None
) -> str:
    """BatchNormalization, which wants a weight and a bias."""
    channels, behind = features(b), b.x.rank - 2
    if single(b):
        scale, offset = given(g, weight, 1, channels, x.dtype), given(g, bias, 0, channels, x.dtype)
        return g.node("BatchNormalization", g.name(x), scale, offset, g.name(mean), g.name(variance), epsilon=b.eps)
    centred = g.node("Sub", g.name(x), columns(g, mean, behind))
    spread = columns(g, variance, behind)
    root = g.node("Sqrt", g.node("Add", spread, g.like(b.eps, spread)))
    return scaled(g, g.node("Div", centred, root), weight, bias, behind)


VARIANCE = Interval(0.0625, 2.0**10)

operator(
    "norm.batch_norm",
    operands=[
        free("x", FLOATS, RANKS[2:]),
        # Eager's backward reads their memory from end to end (bugs/batch-norm-strided-statistics), and
        # that of the weight (bugs/batch-norm-strided-weight).
        given_statistic("running_mean"),
        given_statistic("running_var", domain=VARIANCE),
        *parameters(features, "weight", "bias", dense_to_train=True),
    ],
    attributes=[EPS],
    infer=nonempty,
    facts=fixed_statistics,
    saves="inputs",
    torch="torch.nn.functional.batch_norm",
    onnx=batch_norm_form,
    tensorflow="tf.nn.batch_normalization",
    error=BATCH,
)


def per_channel(b: Binding) -> Size:
    """Elements that share statistics."""
    return product((b.x.shape[0], *b.x.shape[2:]))


def training_statistics(b: Binding, f: Any) -> tuple[Facts, ...]:
    """The result, then the running mean and variance after their update."""
    count = per_channel(b)
    # One element a channel has no unbiased variance, and torch refuses it.
    require(smallest(count) > 1, "a channel of one element")
    number = smallest(count)
    spread = (f.x.high - f.x.low) ** 2 / 4 * number / (number - 1) + (f.x.magnitude * 2.0**-7) ** 2
    mean = hull(f.running_mean, Facts(f.x.low, f.x.high)).rounded()
    variance = hull(f.running_var, Facts(0.0, spread)).rounded()
    return affine(unit(count), f), mean, variance


operator(
    "norm.batch_norm_training",
    operands=[
        free("x", FLOATS, RANKS[2:]),
        exactly("running_mean", lambda b: TensorType(b.x.dtype, features(b)), no_gradient=True),
        exactly(
            "running_var", lambda b: TensorType(b.x.dtype, features(b)), domain=Interval(0, 2.0**10), no_gradient=True
        ),
        *parameters(features, "weight", "bias", dense_to_train=True),
    ],
    attributes=[
        values("training", other=(True,)),
        values("momentum", 0.1, boundary=(0.0, 1.0), other=(0.5, 0.25)),
        EPS,
    ],
    infer=nonempty,
    facts=training_statistics,
    torch="torch.nn.functional.batch_norm",
    writes=("running_mean", "running_var"),
    error={"native_batch_norm": BATCH["native_batch_norm"]},
)


def group_counts(b: Binding) -> Classes:
    """Divisors of the channels."""
    size = b.x.shape[1]
    if is_symbolic(size):
        return {"boundary": (1,)}
    divisors = [d for d in range(1, size + 1) if size % d == 0]
    return {"boundary": tuple(dict.fromkeys((1, size))) if size else (), "other": tuple(divisors[1:-1])}


def grouped(b: Binding) -> TensorType:
    """More than one element shares statistics: a group of one is the bias and the rounding of a quotient by nothing."""
    # Backward raises "tensor does not have a device" for a bias without a weight (torch 2.13).
    require(b.weight is not None or b.bias is None, "a bias without a weight")
    require(smallest(product((b.x.shape[1] // b.num_groups, *b.x.shape[2:]))) > 1, "groups of one")
    return nonempty(b)


def grouped_gradients(b: Binding, wanted: frozenset[str]) -> bool:
    """Parameters alone cannot train in the ranks that have channels-last layouts: torch 2.13 dies in backward where x
    has such a layout and requires no gradient (bugs/group-norm-channels-last-backward)."""
    return b.x.rank < 4 or not wanted or "x" in wanted


@wide
def group_norm_form(g: Graph, b: Binding, x: Arg, weight: Arg | None, bias: Arg | None) -> str:
    """GroupNormalization; before opset 21, when it had weights of groups, groups are the channels of instances. It is
    wide since ONNX rounds before the weight and after it."""
    groups, dtype = b.num_groups, x.dtype
    if g.opset >= 21 and dtype != "float64":
        scale, offset = given(g, weight, 1, features(b), dtype), given(g, bias, 0, features(b), dtype)
        return g.node("GroupNormalization", g.name(x), scale, offset, num_groups=groups, epsilon=b.eps)
    rows = g.node("Reshape", g.name(x), g.constant([0, groups, -1]))
    normal = normal_rows(g, b, rows, (groups,), (2,))
    return scaled(g, g.node("Reshape", normal, g.shape(b.x.shape)), weight, bias, b.x.rank - 2)


def normal_rows(g: Graph, b: Binding, name: str, channels: Shape, over: tuple[int, ...]) -> str:
    """InstanceNormalization, which wants a weight and a bias."""
    if g.dtypes[name] == "float64":
        return standardised(g, name, over, b.eps)
    dtype = g.dtypes[name]
    ones, zeros = full(g, 1, channels, dtype), full(g, 0, channels, dtype)
    return g.node("InstanceNormalization", name, ones, zeros, epsilon=b.eps)


operator(
    "norm.group_norm",
    operands=[free("x", FLOATS, RANKS[2:]), *parameters(features, "weight", "bias")],
    attributes=[Attribute("num_groups", group_counts), EPS],
    order=("x", "num_groups", "weight", "bias"),
    infer=grouped,
    facts=lambda b, f: affine(unit(product(b.x.shape[1:])), f),
    torch="torch.nn.functional.group_norm",
    saves="inputs",
    gradients=grouped_gradients,
    onnx=group_norm_form,
    # In channels-last layouts eager takes the variance from the mean of squares.
    error={"native_group_norm": smooth(4.0, centred=2), "native_group_norm_backward": smooth(4.0, inside=1.0)},
)


def instances(b: Binding) -> TensorType:
    """More than one spatial element, or torch refuses."""
    require(smallest(product(b.x.shape[2:])) > 1, "one spatial element")
    return nonempty(b)


@since_bfloat16(22)
def instance_norm_form(g: Graph, b: Binding, x: Arg) -> str:
    """Each channel of each instance."""
    return normal_rows(g, b, g.name(x), features(b), tuple(range(2, b.x.rank)))


operator(
    "norm.instance_norm",
    operands=[free("x", FLOATS, RANKS[3:])],
    attributes=[EPS],
    infer=instances,
    facts=lambda b, f: affine(unit(product(b.x.shape[2:])), f),
    torch="torch.nn.functional.instance_norm",
    saves="inputs",
    onnx=instance_norm_form,
    error=BATCH,
)


def along(b: Binding) -> Size:
    """Elements along the dimension."""
    size: Size = b.x.shape[normal_dim(b.dim, b.x.rank)] if b.x.rank else 1
    return size


def softmax_form(op: str) -> Form:
    """One node; a single number is a row of one."""

    def form(g: Graph, b: Binding, x: Arg) -> str:
        found = g.node(op, row(g, g.name(x), x.rank), axis=b.dim)
        return found if x.rank else g.node("Reshape", found, g.constant([]))

    return form


def normalize_form(g: Graph, b: Binding, x: Arg) -> str | tuple[str, ...]:
    """LpNormalization of the orders that it has."""
    require(x.rank > 0, "a single number has no axis to normalise along")
    return (lp_normalised if b.p in (1, 2) else normalize_parts)(g, b, x)


@since_bfloat16(22)
def lp_normalised(g: Graph, b: Binding, x: Arg) -> str:
    """One node."""
    return g.node("LpNormalization", g.name(x), axis=b.dim, p=int(b.p))


@wide
def normalize_parts(g: Graph, b: Binding, x: Arg) -> str:
    """By the greatest magnitude, or the root of the sum of powers."""
    name, over = g.name(x), (b.dim,)
    size = g.node("Abs", name)
    if math.isinf(b.p):
        return g.node("Div", name, reduce_node(g, "ReduceMax", size, over, True))
    summed = reduce_node(g, "ReduceSum", g.node("Pow", size, g.like(b.p, name)), over, True)
    return g.node("Div", name, g.node("Pow", summed, g.like(1 / b.p, name)))


# Over other dimensions than the last eager rounds exponentials and their sum to the 16-bit types.
EXPONENTIAL = {
    "softmax": {"_softmax": smooth(8.0, inside=2.0), "_softmax_backward_data": smooth(4.0)},
    "log_softmax": {
        "_log_softmax": smooth(8.0, one=1.0, inside=1.0),
        "_log_softmax_backward_data": smooth(8.0),
    },
}


def fewest(b: Binding) -> int:
    """How many share, at the sizes at which most is known: where it is one alone, all of it is its."""
    return 1 if smallest(along(b)) == 1 else max(largest(along(b)), 1)


def shares(b: Binding, f: Any) -> Facts:
    """Between none and all; of n, one is at least and one at most one n-th."""
    return Facts(0.0, 1.0, holds=1.0 / fewest(b))


def logarithms_of_shares(b: Binding, f: Any) -> Facts:
    """The same in logarithms."""
    number = math.log(max(largest(along(b)), 1))
    return Facts(f.x.low - f.x.high - number - 0.01, 0.01, holds=-math.log(fewest(b)))


for name, jax in (("softmax", "jax.nn.softmax"), ("log_softmax", "jax.nn.log_softmax")):
    operator(
        f"norm.{name}",
        operands=[free("x", FLOATS)],
        attributes=[dim(nonempty=True)],
        infer=lambda b: b.x,
        facts=shares if name == "softmax" else logarithms_of_shares,
        torch=f"torch.{name}",
        out=True,
        saves="output",
        error=EXPONENTIAL[name],
        onnx=softmax_form("Softmax" if name == "softmax" else "LogSoftmax"),
        jax=jax,
        tensorflow=f"tf.nn.{name}",
    )
operator(
    "norm.normalize",
    operands=[free("x", FLOATS, domain=Interval(0.0625, 2.0**10))],
    attributes=[values("p", 2.0, boundary=(1.0,), other=(3.0, math.inf)), dim(default=1, nonempty=True)],
    infer=nonempty,
    facts=lambda b, f: Facts(0.0, 1.0),
    torch="torch.nn.functional.normalize",
    saves="inputs",
    onnx=normalize_form,
    tensorflow="tf.math.l2_normalize",
)
