"""Views and copies that cancel, compose, or can be moved past what follows."""

from __future__ import annotations

from assay.generate.motifs.catalogue import motif
from assay.generate.motifs.draft import Draft
from assay.ir.sizes import Shape
from assay.ir.types import ALL, FLOATS

POINTWISE = ("unary.relu", "unary.abs", "unary.neg", "unary.square", "smooth.sigmoid", "smooth.tanh")
REDUCTIONS = ("reduce.sum", "reduce.amax", "reduce.mean", "reduce.amin")


def shuffled(m: Draft, rank: int) -> tuple[int, ...]:
    """An order of dimensions that is not the identity."""
    order = tuple(range(rank))
    while rank > 1 and order == tuple(range(rank)):
        order = tuple(m.rng.sample(range(rank), rank))
    return order


def inverse(order: tuple[int, ...]) -> tuple[int, ...]:
    """The order that undoes another."""
    return tuple(order.index(d) for d in range(len(order)))


@motif(
    "view.permute",
    inductor="pointless_permute_pair",
    onnxruntime="TransposeOptimizer",
    changes=("attribute dims",),
)
def permute_pair(m: Draft) -> None:
    """Two permutations, the second of which undoes the first"""
    x = m.start(ALL, (2, 3, 4))
    order = shuffled(m, m.rank(x))
    m(
        "view.permute",
        m("view.permute", x, dims=order),
        dims=m.pick("attribute dims", inverse(order), order, order[::-1]),
    )


@motif(
    "view.permute",
    inductor="pointless_permute_pair",
    onnxruntime="TransposeOptimizer",
    changes=("attribute dims", "shape other"),
)
def permuted_pointwise(m: Draft) -> None:
    """A pointwise operation between a permutation and its inverse"""
    x = m.start(FLOATS, (2, 3, 4))
    order = shuffled(m, m.rank(x))
    y = m("view.permute", x, dims=order)
    shape = m.shape(y)
    z = m(m.either(*POINTWISE), y)
    z = m(
        m.either("binary.add", "binary.mul"),
        z,
        m.other(z, m.pick("shape other", shape[-1:], shape, (1,) * len(shape), ())),
    )
    m("view.permute", z, dims=m.pick("attribute dims", inverse(order), order, tuple(range(len(order)))))


@motif(
    "view.permute",
    inductor="simplify_and_reorder",
    onnxruntime="TransposeOptimizer",
    changes=("attribute dim", "attribute keepdim"),
)
def permuted_reduction(m: Draft) -> None:
    """A reduction of a permuted tensor"""
    x = m.start(FLOATS, (2, 3, 4), least=1)
    rank = m.rank(x)
    y = m("view.permute", x, dims=shuffled(m, rank))
    dim = m.pick("attribute dim", (rank - 1,), (0,), (0, rank - 1), (-2,))
    m(m.either(*REDUCTIONS), y, dim=dim, keepdim=m.pick("attribute keepdim", False, True))


@motif(
    "view.reshape",
    inductor="pointless_view_pair, pointless_view",
    onnxruntime="ReshapeFusion",
    changes=("attribute shape",),
)
def reshape_chain(m: Draft) -> None:
    """A tensor made flat and given its shape back"""
    x = m.start(ALL, (2, 3, 4), least=1)
    shape = m.shape(x)
    merged = (shape[0] * shape[1], *shape[2:])
    y = m("view.reshape", x, shape=m.any((-1,), merged))
    m("view.reshape", y, shape=m.pick("attribute shape", shape, shape[::-1], (*shape, 1), merged))


@motif(
    "view.reshape",
    inductor="pointless_view, view_default_noop",
    onnxruntime="ReshapeFusion, NoopElimination",
    changes=("attribute shape",),
)
def reshape_to_own(m: Draft) -> None:
    """A tensor given the shape that it has, between two operations"""
    x = m.start(FLOATS, (1, 2, 3), least=1)
    y = m(m.either(*POINTWISE), x)
    shape: Shape = m.shape(y)
    z = m("view.reshape", y, shape=m.pick("attribute shape", shape, (*shape[:-1], -1), (1, *shape), (-1,)))
    m(m.either("unary.neg", "unary.abs", "unary.relu"), z)


@motif(
    "view.reshape",
    "view.transpose",
    inductor="pointless_view_pair",
    onnxruntime="TransposeOptimizer, ReshapeFusion",
    changes=("attribute dims", "attribute groups"),
)
def channel_shuffle(m: Draft) -> None:
    """Channels split into groups, transposed and merged"""
    x = m.start(FLOATS, (2, 3, 4), least=1, fits=lambda t: isinstance(t.shape[1], int) and t.shape[1] % 2 == 0)
    shape = m.shape(x)
    half = int(shape[1]) // 2  # type: ignore[arg-type]
    groups, rest = m.pick("attribute groups", m.any((2, half), (half, 2)), (1, 2 * half))
    y = m("view.reshape", x, shape=(shape[0], groups, rest, *shape[2:]))
    first, second = m.pick("attribute dims", (1, 2), (2, 1), (-1, 1))
    m("view.reshape", m("view.transpose", y, dim0=first, dim1=second), shape=shape)


@motif(
    "view.squeeze",
    "view.unsqueeze",
    inductor="normalize_squeeze_default",
    onnxruntime="UnsqueezeElimination, TransposeOptimizer",
    changes=("attribute dim",),
)
def unsqueeze_squeeze(m: Draft) -> None:
    """A dimension of size 1 that comes and goes, with an operation in between"""
    x = m.start(ALL, (1, 2, 3))
    rank = m.rank(x)
    dim = m.rng.randrange(rank + 1)
    y = m("view.unsqueeze", x, dim=dim)
    if m.dtype(x) != "bool" and m.any(True, False):
        y = m(m.either("unary.abs", "unary.square"), y)
    m("view.squeeze", y, dim=m.pick("attribute dim", dim, (dim + 1) % (rank + 1), dim - rank - 1, None))


@motif(
    "view.expand",
    inductor="expand",
    onnxruntime="ExpandElimination",
    changes=("attribute dim", "attribute size"),
)
def expand_reduction(m: Draft) -> None:
    """A reduction over a dimension that was expanded"""
    x = m.start(FLOATS, (1, 2, 3), least=1)
    shape = m.shape(x)
    y = m("view.expand", x, size=(m.pick("attribute size", m.any(2, 3), 1, 8), *shape))
    m(m.either(*REDUCTIONS), y, dim=m.pick("attribute dim", (0,), (0, 1), (len(shape),)), keepdim=False)


@motif(
    "view.expand",
    inductor="expand",
    onnxruntime="ExpandElimination, ConstantSharing",
    changes=("attribute size", "order"),
)
def expand_before_broadcast(m: Draft) -> None:
    """A row expanded to what it is then combined with, which broadcasting would have done"""
    x = m.start(FLOATS, (2, 3))
    shape = m.shape(x)
    row = m.other(x, shape[-1:])
    y = m("view.expand", row, size=m.pick("attribute size", shape, shape[1:], (1, *shape[1:])))
    m(m.either("binary.add", "binary.mul", "binary.sub", "binary.maximum"), *m.order(x, y))


@motif(
    "move.contiguous",
    "view.transpose",
    inductor="true_noop, remove_noop_ops",
    onnxruntime="TransposeOptimizer, EliminateIdentity",
    changes=("attribute dims", "attribute copy"),
)
def contiguous_transpose(m: Draft) -> None:
    """A copy between two transpositions"""
    x = m.start(ALL, (2, 3, 4))
    first, second = m.any((0, 1), (-1, -2), (0, -1))
    copy = m.pick("attribute copy", "move.contiguous", "move.clone")
    y = m(copy, m("view.transpose", x, dim0=first, dim1=second))
    first, second = m.pick("attribute dims", (first, second), (0, 0), (second, second))
    m("view.transpose", y, dim0=first, dim1=second)


@motif(
    "move.flip",
    inductor="IndexPropagation",
    onnxruntime="CommonSubexpressionElimination, EliminateSlice",
    changes=("attribute dims",),
)
def flip_pair(m: Draft) -> None:
    """A tensor turned round twice"""
    x = m.start(ALL, (1, 2, 3))
    dims = m.any((0,), (m.rank(x) - 1,), tuple(range(m.rank(x))))
    y = m("move.flip", x, dims=dims)
    m("move.flip", y, dims=m.pick("attribute dims", dims, (0,), (-1,), ()))


@motif(
    "move.repeat",
    inductor="repeat_noop",
    onnxruntime="EliminateIdentity",
    changes=("attribute repeats",),
)
def repeat_of_one(m: Draft) -> None:
    """A tensor repeated once in each dimension, between operations"""
    x = m.start(FLOATS, (1, 2, 3))
    rank = m.rank(x)
    y = m(m.either(*POINTWISE), x)
    once = (1,) * rank
    z = m("move.repeat", y, repeats=m.pick("attribute repeats", once, (*once[1:], 2), (1, *once), (2, *once)))
    m(m.either("unary.neg", "unary.abs"), z)


@motif(
    "view.expand",
    "view.reshape",
    "view.unsqueeze",
    inductor="pointless_view",
    onnxruntime="ReshapeFusion, ExpandElimination",
    changes=("attribute times", "attribute dim"),
)
def expand_reshape(m: Draft) -> None:
    """Elements repeated by a new dimension that is expanded and merged"""
    x = m.start(ALL, (1, 2, 3), least=1)
    shape = m.shape(x)
    times = m.pick("attribute times", 2, 1, 3)
    dim = m.pick("attribute dim", len(shape), 0)
    y = m("view.unsqueeze", x, dim=dim)
    y = m("view.expand", y, size=(*shape[:dim], times, *shape[dim:]))
    if dim:
        m("view.reshape", y, shape=(*shape[:-1], shape[-1] * times))
    else:
        m("view.reshape", y, shape=(shape[0] * times, *shape[1:]))
