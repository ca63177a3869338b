"""Normalisation: over features, groups, batches (with running statistics that it writes), and softmax."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from assay.ir.sizes import Shape, Size, is_symbolic, largest, product, smallest
from assay.ir.types import FLOATS, TensorType
from assay.ops.attributes import Classes, dim, values
from assay.ops.errors import smooth
from assay.ops.facts import Facts, Interval, hull, require
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


def features_normalised(b: Binding) -> TensorType:
    """More than one element: one alone is the bias, and its gradient the rounding of a difference of equals."""
    require(smallest(product(b.normalized_shape)) > 1, "one element to normalise")
    result: TensorType = b.x
    return result


operator(
    "norm.layer_norm",
    operands=[free("x", FLOATS, (1, 2, 3, 4, 5)), *parameters(lambda b: b.normalized_shape, "weight", "bias")],
    attributes=[Attribute("normalized_shape", suffixes), EPS],
    order=("x", "normalized_shape", "weight", "bias"),
    infer=features_normalised,
    facts=lambda b, f: affine(unit(product(b.normalized_shape)), f),
    torch="torch.nn.functional.layer_norm",
    saves="inputs",
    onnx="LayerNormalization",
    # Gradients of the 16-bit types pass through a stored product.
    error={"native_layer_norm": smooth(4.0, centred=1), "native_layer_norm_backward": smooth(4.0, inside=1.0)},
)
operator(
    "norm.rms_norm",
    operands=[free("x", FLOATS, (1, 2, 3, 4, 5)), *parameters(lambda b: b.normalized_shape, "weight")],
    attributes=[Attribute("normalized_shape", suffixes), values("eps", None, other=(1e-5, 1e-3, 0.125))],
    order=("x", "normalized_shape", "weight"),
    infer=lambda b: b.x,
    facts=lambda b, f: affine(unit(product(b.normalized_shape), centred=False), f),
    torch="torch.nn.functional.rms_norm",
    saves="inputs",
    onnx="RMSNormalization",
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


VARIANCE = Interval(0.0625, 2.0**10)

operator(
    "norm.batch_norm",
    operands=[
        free("x", FLOATS, (2, 3, 4, 5)),
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
    onnx="BatchNormalization",
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
        free("x", FLOATS, (2, 3, 4, 5)),
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
    onnx="BatchNormalization",
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


operator(
    "norm.group_norm",
    operands=[free("x", FLOATS, (2, 3, 4, 5)), *parameters(features, "weight", "bias")],
    attributes=[Attribute("num_groups", group_counts), EPS],
    order=("x", "num_groups", "weight", "bias"),
    infer=grouped,
    facts=lambda b, f: affine(unit(product(b.x.shape[1:])), f),
    torch="torch.nn.functional.group_norm",
    saves="inputs",
    gradients=grouped_gradients,
    onnx="GroupNormalization",
    # In channels-last layouts eager takes the variance from the mean of squares.
    error={"native_group_norm": smooth(4.0, centred=2), "native_group_norm_backward": smooth(4.0, inside=1.0)},
)


def instances(b: Binding) -> TensorType:
    """More than one spatial element, or torch refuses."""
    require(smallest(product(b.x.shape[2:])) > 1, "one spatial element")
    return nonempty(b)


operator(
    "norm.instance_norm",
    operands=[free("x", FLOATS, (3, 4, 5))],
    attributes=[EPS],
    infer=instances,
    facts=lambda b, f: affine(unit(product(b.x.shape[2:])), f),
    torch="torch.nn.functional.instance_norm",
    saves="inputs",
    onnx="InstanceNormalization",
    error=BATCH,
)


def along(b: Binding) -> Size:
    """Elements along the dimension."""
    size: Size = b.x.shape[normal_dim(b.dim, b.x.rank)] if b.x.rank else 1
    return size


# Over other dimensions than the last eager rounds exponentials and their sum to the 16-bit types.
EXPONENTIAL = {
    "softmax": {"_softmax": smooth(8.0, inside=2.0), "_softmax_backward_data": smooth(4.0)},
    "log_softmax": {
        "_log_softmax": smooth(8.0, one=1.0, inside=1.0),
        "_log_softmax_backward_data": smooth(8.0),
    },
}


def shares(b: Binding, f: Any) -> Facts:
    """Between none and all; of n, one is at least and one at most one n-th."""
    return Facts(0.0, 1.0, holds=1.0 / max(largest(along(b)), 1))


def logarithms_of_shares(b: Binding, f: Any) -> Facts:
    """The same in logarithms."""
    number = math.log(max(largest(along(b)), 1))
    return Facts(f.x.low - f.x.high - number - 0.01, 0.01, holds=-number)


for name, jax in (("softmax", "jax.nn.softmax"), ("log_softmax", "jax.nn.log_softmax")):
    operator(
        f"norm.{name}",
        operands=[free("x", FLOATS)],
        attributes=[dim(nonempty=True)],
        infer=lambda b: b.x,
        facts=shares if name == "softmax" else logarithms_of_shares,
        torch=f"torch.{name}",
        saves="output",
        error=EXPONENTIAL[name],
        onnx="Softmax" if name == "softmax" else "LogSoftmax",
        jax=jax,
        tensorflow=f"tf.nn.{name}",
    )
operator(
    "norm.normalize",
    operands=[free("x", FLOATS, (1, 2, 3, 4, 5), domain=Interval(0.0625, 2.0**10))],
    attributes=[values("p", 2.0, boundary=(1.0,), other=(3.0, math.inf)), dim(default=1, nonempty=True)],
    infer=nonempty,
    facts=lambda b, f: Facts(0.0, 1.0),
    torch="torch.nn.functional.normalize",
    saves="inputs",
    onnx="LpNormalization",
    tensorflow="tf.math.l2_normalize",
)
