"""Losses between tensors beyond those of `loss`: of probabilities and rates, margins, embeddings, triplets."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from assay.ir.sizes import Shape, Size, largest, product, smallest
from assay.ir.types import BOOL, FLOATS, INTEGERS, RANKS, TensorType
from assay.ops.attributes import flag, values
from assay.ops.elementwise import where
from assay.ops.errors import Rules, rounded, smooth, steady
from assay.ops.facts import Facts, Interval, require, total
from assay.ops.families.loss import REDUCTION, WEIGHTS, combine, combined
from assay.ops.families.loss import reduced as reduced_type
from assay.ops.onnx_forms import Arg, Form, Graph, wide
from assay.ops.operands import exactly, free, index, same
from assay.ops.protocol import Attribute, Binding, Operand, operator

RANKED = RANKS[1:]
TWO_WIDE = ("float32", "float64")
INTEGRAL = dict.fromkeys(BOOL + INTEGERS, "integers have no mean, and are refused where one is taken")
# How large distances, scores and their exponentials may be.
NEAR = Interval(-8, 8)


def pairwise(
    name: str,
    each: Callable[[Binding, Any], Facts],
    others: Sequence[Operand],
    attributes: Sequence[Attribute] = (),
    dtypes: tuple[str, ...] = FLOATS,
    *,
    ranks: tuple[int, ...] = (0, *RANKED),
    domain: Interval | None = NEAR,
    shape: Callable[[Binding], Shape] = lambda b: b.x.shape,
    element: Callable[..., str] | None = None,
    error: Rules | None = None,
    reduction: Attribute = REDUCTION,
    **rest: Any,
) -> None:
    """A loss that is reduced or not; ``shape`` is that of single losses, ``element`` writes them in ONNX."""

    def infer(b: Binding) -> TensorType:
        whole: TensorType = b.x.with_shape(shape(b))
        alike = Binding()
        vars(alike).update(vars(b))
        vars(alike)["x"] = whole
        return reduced_type(alike)

    def form(g: Graph, b: Binding, *args: Arg) -> str:
        assert element is not None
        names = [None if arg is None else g.cast(arg, g.out[0].dtype) for arg in args]
        return combine(g, b, element(g, b, *names))

    onnx: Form | None = None if element is None else wide(form)
    operator(
        f"margin.{name}",
        operands=[free("x", dtypes, ranks, domain=domain), *others],
        attributes=[reduction, *attributes],
        infer=infer,
        facts=lambda b, f: combined(b, each(b, f), product(shape(b))),
        torch=f"torch.nn.functional.{name}",
        left_out={**INTEGRAL, **rest.pop("left_out", {})},
        saves=rest.pop("saves", "both"),
        onnx=onnx,
        error=error,
        **rest,
    )


SHARE = Interval(0.0625, 0.9375)


def cross_entropy(b: Binding, f: Any) -> Facts:
    """Logarithms of shares, weighted."""
    most = -math.log(min(f.x.low, 1 - f.x.high)) * (1.0 if f.weight is None else f.weight.high)
    return Facts(0.0, most * 1.01)


def cross_entropy_element(g: Graph, b: Binding, x: str, target: str, weight: str | None) -> str:
    """-(t log x + (1 - t) log(1 - x)) w."""
    one = g.like(1, x)
    here = g.node("Mul", target, g.node("Log", x))
    there = g.node("Mul", g.node("Sub", one, target), g.node("Log", g.node("Sub", one, x)))
    found = g.node("Neg", g.node("Add", here, there))
    return found if weight is None else g.node("Mul", found, weight)


pairwise(
    "binary_cross_entropy",
    cross_entropy,
    [
        same("target", "x", domain=Interval(0, 1), no_gradient=False),
        exactly("weight", lambda b: b.x, optional=True, domain=WEIGHTS, no_gradient=True),
    ],
    domain=SHARE,
    finite=True,
    element=cross_entropy_element,
    tensorflow="tf.keras.losses.binary_crossentropy",
    # The share of 1 is rounded before its logarithm.
    error={
        "binary_cross_entropy": smooth(8.0, one=2.0, inside=3.0),
        "binary_cross_entropy_backward": rounded(8.0, operand=32.0, inside=4.0),
    },
)


def divergence(b: Binding, f: Any) -> Facts:
    """t (log t - x), or exp(t) (t - x)."""
    if b.log_target:
        scale = math.exp(f.target.high)
        most = scale * (f.target.magnitude + f.x.magnitude)
    else:
        most = f.target.high * (f.x.magnitude + max(abs(math.log(f.target.low)), abs(math.log(f.target.high))))
    each = Facts(-most - 0.01, most + 0.01)
    if b.reduction == "batchmean":
        require(b.x.rank > 0 and smallest(b.x.shape[0]) > 0, "a mean over no batch")
        return total(each, product(b.x.shape))
    return each


def divergence_combined(g: Graph, b: Binding, x: str, target: str) -> str:
    """The divergence from log-shares."""
    if b.log_target:
        return g.node("Mul", g.node("Exp", target), g.node("Sub", target, x))
    return g.node("Mul", target, g.node("Sub", g.node("Log", target), x))


pairwise(
    "kl_div",
    divergence,
    [same("target", "x", domain=lambda b: Interval(-4, 2) if b.log_target else Interval(0.0625, 4))],
    [flag("log_target")],
    element=divergence_combined,
    tensorflow="tf.keras.losses.KLDivergence",
    # It is made of others.
    error={},
)


def rate(b: Binding, f: Any) -> Facts:
    """exp(x) - t x, or x - t log(x + eps); with Stirling's approximation for targets above 1."""
    if b.log_input:
        spread = Facts(0.0, math.exp(f.x.high)) - f.target * f.x
    else:
        require(f.x.low >= 0.0625, "the logarithm of a small rate")
        spread = f.x - f.target * f.x.through(lambda v: math.log(v + 1e-8))
    most = f.target.magnitude
    more = most * math.log(max(most, 1.0)) + 4 if b.full else 0.0
    return Facts(spread.low - more, spread.high + more)


pairwise(
    "poisson_nll_loss",
    rate,
    [same("target", "x", domain=Interval(0.0625, 16), jumps=lambda b: b.full)],
    [flag("log_input", True), flag("full")],
    domain=Interval(0.0625, 4),
    tensorflow="tf.nn.log_poisson_loss",
    error={},
)


def soft(b: Binding, f: Any) -> Facts:
    """log(1 + exp(-t x))."""
    return Facts(0.0, f.x.magnitude * f.target.magnitude + 0.75)


def softplus_of_product(g: Graph, b: Binding, x: str, target: str) -> str:
    """Softplus of minus the product."""
    return g.node("Softplus", g.node("Neg", g.node("Mul", x, target)))


SIGNS = Interval(-1, 1)
pairwise(
    "soft_margin_loss",
    soft,
    [same("target", "x", domain=SIGNS, no_gradient=True)],
    element=softplus_of_product,
    # Eager takes the logarithm of 1 + exp, which cancels, and rounds each step to the 16-bit types.
    error={
        "soft_margin_loss": smooth(8.0, one=1.0, inside=3.0),
        "soft_margin_loss_backward": rounded(8.0, operand=2.0, inside=4.0),
    },
)


def hinged(b: Binding, f: Any) -> Facts:
    """x for ones, what is missing to the margin for minus ones."""
    most = f.x.magnitude + b.margin
    return Facts(min(f.x.low, 0.0), most + max(f.x.high, 0.0))


def hinge_element(g: Graph, b: Binding, x: str, target: str) -> str:
    """The two choices, added."""
    zero = g.like(0, x)
    missing = g.node("Max", g.node("Sub", g.like(b.margin, x), x), zero)
    one, minus = (g.node("Equal", target, g.like(sign, x), dtype="bool") for sign in (1, -1))
    return g.node("Add", where(g, one, zero, missing), where(g, minus, zero, x))


MARGIN = values("margin", 1.0, boundary=(0.0,), other=(0.5, 2.0))
NO_MARGIN = values("margin", 0.0, other=(0.5, 1.0), negative=(-0.5,))
pairwise(
    "hinge_embedding_loss",
    hinged,
    [same("target", "x", domain=SIGNS, jumps=True)],
    [MARGIN],
    element=hinge_element,
    error={},
)


def ranked(b: Binding, f: Any) -> Facts:
    """What is missing to a margin between two."""
    return Facts(0.0, max((abs(f.x - f.y) * abs(f.target)).high + b.margin, 0.0))


def ranking_element(g: Graph, b: Binding, x: str, y: str, target: str) -> str:
    """max(0, margin - t (x - y))."""
    turned = g.node("Mul", g.node("Neg", target), g.node("Sub", x, y))
    return g.node("Max", g.node("Add", turned, g.like(b.margin, x)), g.like(0, x))


pairwise(
    "margin_ranking_loss",
    ranked,
    [same("y", "x"), same("target", "x", domain=SIGNS)],
    [NO_MARGIN],
    element=ranking_element,
    error={},
)


def rows(b: Binding) -> Shape:
    """All dimensions but the last."""
    shape: Shape = b.x.shape[:-1]
    return shape


def row_type(b: Binding) -> TensorType:
    """One number for each row."""
    result: TensorType = b.x.with_shape(rows(b))
    return result


def nonempty_rows(b: Binding) -> None:
    """Rows have elements."""
    require(smallest(b.x.shape[-1]) > 0, "rows of nothing")


def angular(b: Binding, f: Any) -> Facts:
    """1 - cosine for ones, the cosine beyond the margin for others."""
    nonempty_rows(b)
    return Facts(0.0, 2.01 + abs(b.margin))


pairwise(
    "cosine_embedding_loss",
    angular,
    [same("y", "x", domain=Interval(0.25, 8)), exactly("target", row_type, domain=SIGNS, jumps=True)],
    [NO_MARGIN],
    ranks=(1, 2),
    domain=Interval(0.25, 8),
    shape=rows,
    error={},
)


def farther(b: Binding, f: Any) -> Facts:
    """The distance to the one less that to the other, and the margin."""
    nonempty_rows(b)
    count = largest(b.x.shape[-1])
    # Of equal rows the distance has no derivative but for the number that torch adds.
    far = max(abs(f.x - f.positive).high, abs(f.x - f.negative).high, abs(f.positive - f.negative).high) + 1e-3
    return Facts(0.0, far * count + b.margin)


pairwise(
    "triplet_margin_loss",
    farther,
    [same("positive", "x", domain=Interval(1, 4)), same("negative", "x", domain=Interval(5, 8))],
    [values("margin", 1.0, other=(0.5, 2.0)), values("p", 2.0, boundary=(1.0,), other=(3.0,)), flag("swap")],
    ranks=RANKS[1:],
    domain=Interval(-4, 0),
    shape=rows,
    error={"norm": steady(16.0)},
)


def classes_of(b: Binding) -> Size:
    """The number of classes."""
    size: Size = b.x.shape[-1]
    return size


def over_classes(b: Binding, f: Any) -> Facts:
    """The mean over classes of what is missing to the margin, to a power, weighted."""
    nonempty_rows(b)
    # Of no rows the sum is memory that eager torch 2.13 has not initialised.
    require(smallest(b.x.shape[0]) > 0, "a loss of no rows")
    missing = b.margin + f.x.high - f.x.low
    # Of one class alone nothing is missing.
    alone = 0.0 if smallest(b.x.shape[1]) == 1 else None
    return Facts(0.0, missing**b.p * (1.0 if f.weight is None else f.weight.high), holds=alone)


pairwise(
    "multi_margin_loss",
    over_classes,
    [
        index("target", classes_of, lambda b, d: rows(b), lambda b, s: s == rows(b)),
        exactly("weight", lambda b: b.x.with_shape((classes_of(b),)), optional=True, domain=WEIGHTS, no_gradient=True),
    ],
    [values("p", 1, other=(2,)), MARGIN],
    TWO_WIDE,
    ranks=(2,),
    left_out={"rank 1": "shape inference of torch 2.13 gives another shape than eager"},
    shape=rows,
    order=("x", "target"),
    render=lambda operands, attributes: multi_margin(operands, attributes),
    error={"multi_margin_loss": smooth(8.0, operand=1.0), "multi_margin_loss_backward": smooth(8.0, operand=1.0)},
)


def multi_margin(operands: Sequence[str], attributes: Any) -> str:
    """The weight stands behind p and margin."""
    x, target, weight = operands
    p, margin, reduction = (attributes[name] for name in ("p", "margin", "reduction"))
    return f"torch.nn.functional.multi_margin_loss({x}, {target}, {p}, {margin}, {weight}, reduction={reduction!r})"


def over_logits(b: Binding, f: Any) -> Facts:
    """The mean over classes of the cross entropy of logits."""
    nonempty_rows(b)
    return Facts(0.0, (2 * f.x.magnitude + 1) * (1.0 if f.weight is None else f.weight.high))


pairwise(
    "multilabel_soft_margin_loss",
    over_logits,
    [
        same("target", "x", domain=Interval(0, 1)),
        exactly("weight", lambda b: b.x, optional=True, domain=WEIGHTS),
    ],
    (),
    ranks=RANKS[1:],
    shape=rows,
    error={},
)
