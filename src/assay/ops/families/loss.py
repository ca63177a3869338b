"""Losses, reduced or not."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from assay.ir.sizes import Shape, Size, largest, product, smallest
from assay.ir.types import FLOATS, INTEGERS, RANKS, TensorType
from assay.ops.attributes import choice, values
from assay.ops.elementwise import bfloat16_since, less, multiplied, where
from assay.ops.errors import Rules, rounded, smooth, steady, sums
from assay.ops.facts import Facts, Interval, hull, require, total
from assay.ops.onnx_forms import Arg, Form, Graph, wide
from assay.ops.operands import exactly, free, index, same
from assay.ops.protocol import Attribute, Binding, Operand, operator

REDUCTION = choice("reduction", "mean", "sum", "none")


def reduced(b: Binding) -> TensorType:
    """The operand's shape, or none of it."""
    result: TensorType = b.x if b.reduction == "none" else b.x.with_shape(())
    return result


def combined(b: Binding, each: Facts, count: Size) -> Facts:
    """All elements, their sum, or their mean."""
    if b.reduction == "none":
        return each
    summed = total(each, count)
    if b.reduction == "sum":
        return summed
    require(smallest(count) > 0, "the mean of nothing")
    # The mean divides by a number that is seldom a power of two.
    return Facts(each.low, each.high, None, summed.magnitude)


def combine(g: Graph, b: Binding, each: str) -> str:
    """All elements, ReduceSum, or ReduceMean."""
    return each if b.reduction == "none" else g.node(f"Reduce{b.reduction.capitalize()}", each, keepdims=0)


def pointwise(
    name: str,
    facts: Callable[[Binding, Any], Facts],
    element: Callable[[Graph, Binding, str, str], str],
    attributes: tuple[Attribute, ...] = (),
    *,
    error: Rules | None = None,
    **rest: Any,
) -> None:
    """A loss between tensors of one shape; ``element`` writes that of single elements in ONNX.

    By default nothing cancels in it but the difference, whose operands are given; nor in its gradient. Eager rounds
    the difference, its product and the factor of a mean to the 16-bit types.
    """
    rules = {name: steady(4.0, inside=3.0), f"{name}_backward": rounded(4.0, inside=4.0)} if error is None else error
    target: Operand = rest.pop("target", same("target", "x"))
    operator(
        f"loss.{name}",
        operands=[free("x", FLOATS, domain=rest.pop("domain", None)), target],
        attributes=[REDUCTION, *attributes],
        infer=reduced,
        facts=lambda b, f: combined(b, facts(b, f), product(b.x.shape)),
        torch=f"torch.nn.functional.{name}",
        left_out=dict.fromkeys(INTEGERS, "integers have no mean, and are refused where one is taken"),
        onnx=wide(lambda g, b, x, target: combine(g, b, element(g, b, g.name(x), g.name(target)))),
        error=rules,
        **rest,
    )


def distance(b: Binding, f: Any) -> Facts:
    """|x - target|."""
    result: Facts = abs(f.x - f.target)
    return result


def squared(b: Binding, f: Any) -> Facts:
    """(x - target)²."""
    return distance(b, f) * distance(b, f)


def bent(width: str) -> Callable[[Binding, Any], Facts]:
    """Quadratic near zero, linear beyond: at most the square and the distance by their factors."""

    def facts(b: Binding, f: Any) -> Facts:
        most = distance(b, f).high
        factor = max(getattr(b, width), 1 / max(getattr(b, width), 0.5), 1.0)
        return Facts(0.0, factor * max(most, most * most))

    return facts


def confidence(b: Binding, f: Any) -> Facts:
    """Cross entropy of a logit with a target between 0 and 1."""
    most = f.x.magnitude
    return Facts(0.0, most + math.log(2) + 0.01)


def square_distance(g: Graph, b: Binding, x: str, target: str) -> str:
    """(x - target)²."""
    apart = g.node("Sub", x, target)
    return g.node("Mul", apart, apart)


def absolute_distance(g: Graph, b: Binding, x: str, target: str) -> str:
    """|x - target|."""
    return g.node("Abs", g.node("Sub", x, target))


def bent_distance(g: Graph, far: str, width: float, inner: float, outer: float) -> str:
    """inner d² / 2 below the width, outer (d - width / 2) beyond."""
    half = g.node("Mul", g.like(0.5 * inner, far), g.node("Mul", far, far))
    line = multiplied(g, g.node("Sub", far, g.like(0.5 * width, far)), outer)
    return where(g, less(g, far, width), half, line)


def smooth_distance(g: Graph, b: Binding, x: str, target: str) -> str:
    """The pieces meet at beta, where the slope is 1; without it nothing is bent."""
    far = absolute_distance(g, b, x, target)
    return far if b.beta == 0 else bent_distance(g, far, b.beta, 1 / b.beta, 1)


def huber_distance(g: Graph, b: Binding, x: str, target: str) -> str:
    """The pieces meet at delta, which is the slope."""
    return bent_distance(g, absolute_distance(g, b, x, target), b.delta, 1, b.delta)


def binary_cross_entropy(g: Graph, b: Binding, x: str, target: str) -> str:
    """(1 - target) x + softplus(-x)."""
    other = g.node("Mul", g.node("Sub", g.like(1, x), target), x)
    return g.node("Add", other, g.node("Softplus", g.node("Neg", x)))


pointwise("mse_loss", squared, square_distance, saves="inputs", tensorflow="tf.keras.losses.MSE")
pointwise("l1_loss", distance, absolute_distance, saves="none", error={})
pointwise(
    "smooth_l1_loss",
    bent("beta"),
    smooth_distance,
    (values("beta", 1.0, boundary=(0.0,), other=(0.5, 2.0)),),
    saves="inputs",
)
pointwise(
    "huber_loss",
    bent("delta"),
    huber_distance,
    (values("delta", 1.0, other=(0.5, 2.0)),),
    saves="inputs",
    tensorflow="tf.keras.losses.Huber",
)
pointwise(
    "binary_cross_entropy_with_logits",
    confidence,
    binary_cross_entropy,
    target=same("target", "x", domain=Interval(0, 1)),
    saves="inputs",
    tensorflow="tf.nn.sigmoid_cross_entropy_with_logits",
    # Eager rounds the logarithm and (1 - target) x to the 16-bit types before it subtracts one from the other.
    error={"binary_cross_entropy_with_logits": smooth(8.0, operand=1.0, inside=2.0)},
)


def classes_of(b: Binding) -> Size:
    """The size of the class dimension."""
    size: Size = b.x.shape[1 if b.x.rank > 1 else 0]
    return size


def targets(b: Binding) -> Shape:
    """One class for each position."""
    shape: Shape = (b.x.shape[0], *b.x.shape[2:]) if b.x.rank > 1 else ()
    return shape


def per_target(b: Binding) -> TensorType:
    """A loss for each target, or one."""
    result: TensorType = b.x.with_shape(targets(b) if b.reduction == "none" else ())
    return result


def weighted(b: Binding, f: Any, each: Facts) -> Facts:
    """Times the class's weight; a mean divides by the sum of weights, smoothing mixes those of other classes."""
    if f.weight is None:
        return combined(b, each, product(targets(b)))
    if b.reduction == "mean":
        spread = f.weight.high / f.weight.low if getattr(b, "label_smoothing", 0) else 1.0
        each = hull(each, each * Facts(1.0, spread))
    else:
        each = each * f.weight
    return combined(b, each, product(targets(b)))


def picked(b: Binding, f: Any) -> Facts:
    """Minus the element of the class."""
    return weighted(b, f, -Facts(f.x.low, f.x.high, f.x.scale))


def surprise(b: Binding, f: Any) -> Facts:
    """At most the spread of the logits and the logarithm of their number."""
    most = f.x.high - f.x.low + math.log(max(largest(classes_of(b)), 1)) + 0.05
    return weighted(b, f, Facts(0.0, most))


WEIGHTS = Interval(0.25, 4)


# Eager keeps the sum of losses, and of weights, in the dtype of the result.
NEGATIVE = {f"nll_loss{kind}_{way}": sums(narrow=True) for kind in ("", "2d") for way in ("forward", "backward")}


def given(g: Graph, weight: Arg | None) -> str | None:
    """The name of the weights, where there are some."""
    return None if weight is None else g.name(weight)


def likelihood(op: str) -> Form:
    """A loss of ONNX against class indices."""

    def form(g: Graph, b: Binding, x: Arg, target: Arg, weight: Arg | None) -> str:
        return g.node(op, g.name(x), g.name(target), given(g, weight), reduction=b.reduction)

    return form


@wide
def cross_entropy_of_nodes(g: Graph, b: Binding, x: Arg, target: Arg, weight: Arg | None) -> str:
    """The loss of the class, mixed with the mean of those of all classes; a mean is by the classes' weights."""
    log_share = g.node("LogSoftmax", g.name(x), axis=1)
    names = g.name(target), given(g, weight)
    of_class = g.node("NegativeLogLikelihoodLoss", log_share, *names, reduction=b.reduction)
    if not b.label_smoothing:
        return of_class
    if weight is not None:
        trailing = [*range(1, x.rank - 1)]
        row = g.node("Unsqueeze", g.name(weight), g.constant(trailing)) if trailing else g.name(weight)
        log_share = g.node("Mul", log_share, row)
    axes = (g.constant([1]), None) if g.opset >= 18 else (None, [1])
    of_all = g.node("ReduceMean", log_share, axes[0], axes=axes[1], keepdims=0)
    if weight is not None and b.reduction == "mean":
        weights = g.node("ReduceSum", g.node("Gather", g.name(weight), g.name(target)), keepdims=0)
        of_all = g.node("Div", g.node("ReduceSum", of_all, keepdims=0), weights)
    else:
        of_all = combine(g, b, of_all)
    return g.node("Sub", multiplied(g, of_class, 1 - b.label_smoothing), multiplied(g, of_all, b.label_smoothing))


NLL = bfloat16_since(22, likelihood("NegativeLogLikelihoodLoss"))
# Its function is made of the other node.
CROSS_ENTROPY = bfloat16_since(22, likelihood("SoftmaxCrossEntropyLoss"))


def cross_entropy(g: Graph, b: Binding, x: Arg, target: Arg, weight: Arg | None) -> str | tuple[str, ...]:
    """SoftmaxCrossEntropyLoss, which does not smooth; its function reshapes in a way that needs elements."""
    plain = b.label_smoothing == 0 and smallest(product(b.x.shape)) > 0
    return (CROSS_ENTROPY if plain else cross_entropy_of_nodes)(g, b, x, target, weight)


def in_batch(form: Form) -> Form:
    """A form for batches; a single row of scores becomes one."""

    def batched(g: Graph, b: Binding, x: Arg, target: Arg, weight: Arg | None) -> str | tuple[str, ...]:
        if x.rank > 1:
            return form(g, b, x, target, weight)
        first = g.constant([0])
        x, target = (
            Arg(g.node("Unsqueeze", g.name(each), first), TensorType(each.dtype, (1, *shape)))
            for each, shape in ((x, b.x.shape), (target, ()))
        )
        loss = form(g, b, x, target, weight)
        assert isinstance(loss, str)
        return g.node("Squeeze", loss, first) if b.reduction == "none" else loss

    return batched


def classification(
    name: str, facts: Callable[[Binding, Any], Facts], attributes: tuple[Attribute, ...], onnx: Form
) -> None:
    """A loss against class indices."""
    operator(
        f"loss.{name}",
        operands=[
            free("x", FLOATS, RANKS[1:]),
            index("target", classes_of, lambda b, d: targets(b), lambda b, s: s == targets(b)),
            exactly(
                "weight", lambda b: b.x.with_shape((classes_of(b),)), optional=True, domain=WEIGHTS, no_gradient=True
            ),
        ],
        attributes=[REDUCTION, *attributes],
        infer=per_target,
        facts=facts,
        torch=f"torch.nn.functional.{name}",
        # Backward of the spatial form wants a contiguous gradient, which a channels-last input does not get in eager
        # torch 2.13.
        trains=(lambda b: b.x.rank < 4) if name == "nll_loss" else None,
        saves="inputs",
        error=NEGATIVE,
        onnx=in_batch(onnx),
    )


classification("nll_loss", picked, (), NLL)
classification(
    "cross_entropy",
    surprise,
    (values("label_smoothing", 0.0, other=(0.125, 0.5)),),
    cross_entropy,
)
