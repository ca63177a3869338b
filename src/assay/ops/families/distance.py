"""Distances and similarities of vectors: pairwise, of all pairs, angular."""

from __future__ import annotations

import math
from typing import Any

from assay.ir.sizes import Shape, Size, largest, smallest
from assay.ir.types import FLOATS, INTEGERS, RANKS, TensorType
from assay.ops.attributes import dim, flag, values
from assay.ops.errors import smooth, steady
from assay.ops.facts import Facts, Interval, require
from assay.ops.operands import free, matching
from assay.ops.protocol import Binding, Draw, operator
from assay.ops.shapes import normal_dim, reduced

RANKED = RANKS[1:]
# Apart from each other, so that no distance is zero, where it has no derivative.
HERE, THERE = Interval(-8, -1), Interval(1, 8)
INTEGRAL = dict.fromkeys(("bool", *INTEGERS), "powers and roots, of which integers have none")
NORM = steady(16.0)


def far(b: Binding, f: Any, count: Size) -> Facts:
    """A norm of as many differences."""
    number = max(largest(count), 1)
    return Facts(0.0, abs(f.x - f.y).high * (1 if math.isinf(b.p) else number ** (1 / max(b.p, 0.5))) + 0.01)


operator(
    "distance.pairwise_distance",
    operands=[
        free("x", FLOATS, RANKED, domain=HERE),
        matching("y", "x", lambda b, d: b.x.shape, lambda b, s: s == b.x.shape, RANKED, domain=THERE),
    ],
    attributes=[values("p", 2.0, boundary=(1.0,), other=(3.0, math.inf)), flag("keepdim")],
    infer=lambda b: row_type(b),
    facts=lambda b, f: far(b, f, b.x.shape[-1]),
    torch="torch.nn.functional.pairwise_distance",
    saves="both",
    rounds=True,
    left_out=INTEGRAL | {"rank 0": "the distance of numbers is that of vectors of one"},
    error={"norm": NORM},
)


def row_type(b: Binding) -> TensorType:
    """The last dimension goes."""
    require(smallest(b.x.elements) > 0, "vectors of nothing")
    return b.x.with_shape(reduced(b.x.shape, (b.x.rank - 1,), b.keepdim))  # type: ignore[no-any-return]


def others(b: Binding, draw: Draw) -> Shape:
    """As long vectors, in as many batches."""
    return (*b.x.shape[:-2], draw.size(), b.x.shape[-1])


def all_pairs(b: Binding) -> TensorType:
    """Each of the one with each of the other."""
    require(smallest(b.x.elements) > 0 and smallest(b.y.elements) > 0, "vectors of nothing")
    return b.x.with_shape((*b.x.shape[:-1], b.y.shape[-2]))  # type: ignore[no-any-return]


operator(
    "distance.cdist",
    operands=[
        free("x", ("float32", "float64"), RANKS[2:], domain=HERE),
        matching(
            "y",
            "x",
            others,
            lambda b, s: len(s) == b.x.rank and s[:-2] == b.x.shape[:-2] and s[-1] == b.x.shape[-1],
            RANKS[2:],
            domain=THERE,
        ),
    ],
    attributes=[
        values("p", 2.0, boundary=(1.0,), other=(3.0, math.inf)),
        values(
            "compute_mode",
            "use_mm_for_euclid_dist_if_necessary",
            other=("use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist"),
        ),
    ],
    infer=all_pairs,
    left_out={"bfloat16": "there is a kernel by products alone"},
    facts=lambda b, f: far(b, f, b.x.shape[-1]),
    torch="torch.cdist",
    method=None,
    saves="both",
    rounds=True,
    # By products, squares cancel: what is left is as wrong as the norms are.
    error=dict.fromkeys(("_cdist_forward", "_euclidean_dist", "_cdist_backward"), smooth(16.0, operand=4.0)),
)


def upper(b: Binding) -> TensorType:
    """Each pair once."""
    size = b.x.shape[0]
    require(isinstance(size, int) and size > 1, "no pair")
    require(smallest(b.x.shape[1]) > 0, "vectors of nothing")
    return b.x.with_shape((size * (size - 1) // 2,))  # type: ignore[no-any-return]


def apart(b: Binding, f: Any) -> Facts:
    """Vectors may be equal, where the distance has no derivative but zero; some often are."""
    number = max(largest(b.x.shape[1]), 1)
    most = (f.x.high - f.x.low) * (1 if math.isinf(b.p) else number ** (1 / b.p)) + 0.01
    return Facts(0.0, most, holds=0.0)


operator(
    "distance.pdist",
    operands=[free("x", ("float32", "float64"), (2,))],
    attributes=[values("p", 2.0, boundary=(1.0,), other=(3.0, math.inf))],
    infer=upper,
    facts=apart,
    torch="torch.nn.functional.pdist",
    differentiable=False,
    # Of equal vectors the derivative is no number.
    stops_gradients=False,
    saves="both",
    rounds=True,
    error={"_pdist_forward": smooth(16.0)},
)
operator(
    "distance.cosine_similarity",
    operands=[
        free("x", FLOATS, RANKED, domain=Interval(0.25, 8)),
        matching("y", "x", lambda b, d: b.x.shape, lambda b, s: s == b.x.shape, RANKED, domain=Interval(0.25, 8)),
    ],
    attributes=[dim(default=1, nonempty=True), values("eps", 1e-8, other=(0.5,))],
    infer=lambda b: along(b),
    facts=lambda b, f: Facts(0.0, 1.01),
    torch="torch.nn.functional.cosine_similarity",
    saves="both",
    rounds=True,
    left_out={"rank 0": "the angle of numbers is none"},
    error={"linalg_vector_norm": NORM},
)


def along(b: Binding) -> TensorType:
    """The dimension goes."""
    require(smallest(b.x.elements) > 0, "vectors of nothing")
    return b.x.with_shape(reduced(b.x.shape, (normal_dim(b.dim, b.x.rank),), False))  # type: ignore[no-any-return]
