"""Reductions beside others of the same input, over what was permuted or reduced before, and of truth values."""

from __future__ import annotations

from assay.generate.motifs.catalogue import motif
from assay.generate.motifs.draft import Draft
from assay.ir.types import FLOATS, NUMERIC

RANKS = (2, 3, 4)
REDUCTIONS = ("reduce.sum", "reduce.amax", "reduce.amin", "reduce.mean")


@motif(
    inductor="MixOrderReduction, prepare_softmax_online",
    onnxruntime="CommonSubexpressionElimination",
    changes=("attribute dim", "attribute keepdim", "attribute second"),
)
def reductions_of_one(m: Draft) -> None:
    """Two reductions of one input"""
    x = m.start(FLOATS, RANKS, least=1)
    first, second = m.either(*REDUCTIONS), m.either(*REDUCTIONS)
    dim = m.any((0,), (-1,), (0, 1))
    y = m(first, x, dim=dim, keepdim=True)
    other = m.pick("attribute dim", dim, (0,), (-1,), ())
    keepdim = m.pick("attribute keepdim", True, False)
    z = m(m.pick("attribute second", second, "reduce.sum"), x, dim=other or tuple(range(m.rank(x))), keepdim=keepdim)
    m(m.either("binary.add", "binary.sub", "binary.mul", "binary.maximum"), y, z)


@motif(
    inductor="NestedReduction, MixOrderReduction",
    onnxruntime="LayerNormFusion",
    changes=("attribute keepdim", "attribute dim", "order", "attribute function"),
)
def reduction_and_pointwise(m: Draft) -> None:
    """A tensor beside its own reduction"""
    x = m.start(FLOATS, RANKS, least=1)
    y = m(m.either("unary.relu", "unary.abs", "unary.square", "unary.neg"), x) if m.any(True, False) else x
    dim = m.pick("attribute dim", m.any((0,), (-1,)), (0, 1), (1,))
    z = m(m.either(*REDUCTIONS), y, dim=dim, keepdim=m.pick("attribute keepdim", True, False))
    function = m.either("binary.sub", "binary.mul", "binary.add")
    m(m.pick("attribute function", function, "binary.maximum"), *m.order(x, z))


@motif(
    "binary.sub",
    inductor="NestedReduction",
    changes=("attribute second", "attribute dim", "attribute keepdim"),
)
def reduction_of_reduction(m: Draft) -> None:
    """A reduction of a reduction, which is one of both dimensions"""
    x = m.start(FLOATS, RANKS, least=1)
    function = m.either(*REDUCTIONS)
    keepdim = m.pick("attribute keepdim", False, True)
    first, last = m.any((0, -1), (-1, 0))
    y = m(function, x, dim=(first,), keepdim=keepdim)
    last = m.pick("attribute dim", last, 0, -1)
    y = m(m.pick("attribute second", function, *REDUCTIONS), y, dim=(last,), keepdim=keepdim)
    m("binary.sub", y, m(function, x, dim=(0, -1), keepdim=keepdim))


@motif(
    "binary.sub",
    inductor="register_partial_reduction_pattern",
    onnxruntime="CommonSubexpressionElimination",
    changes=("attribute second", "attribute keepdim"),
)
def partial_and_full(m: Draft) -> None:
    """An extreme of each row and that of all"""
    x = m.start(FLOATS, RANKS, least=1)
    function = m.either("reduce.amax", "reduce.amin")
    y = m(function, x, dim=(m.any(0, -1),), keepdim=m.pick("attribute keepdim", False, True))
    second = m.pick("attribute second", function, "reduce.amax", "reduce.amin", "reduce.sum")
    z = m(second, x, dim=tuple(range(m.rank(x))) if second != "reduce.sum" else None)
    m("binary.sub", y, z)


@motif(
    inductor="ValueRanges",
    onnxruntime="CastElimination",
    changes=("constant bound", "attribute comparison", "attribute keepdim", "attribute reduction"),
)
def truth_of_comparison(m: Draft) -> None:
    """Whether any or all elements compare"""
    x = m.start(NUMERIC, (1, 2, 3), jumps=True)
    comparison = m.either("compare.gt", "compare.eq", "compare.le", "compare.ne")
    mask = m(m.pick("attribute comparison", comparison, "compare.lt"), x, m.pick("constant bound", 0, 1, -2))
    if m.any(True, False) and "unary.logical_not" in m.builder.allowed:
        mask = m("unary.logical_not", mask)
    reduction = m.pick(
        "attribute reduction", m.either("reduce.any", "reduce.all"), "reduce.sum", "reduce.count_nonzero"
    )
    keepdim = m.pick("attribute keepdim", m.any(False, True), False)
    rest = {} if reduction == "reduce.count_nonzero" else {"keepdim": keepdim}
    y = m(reduction, mask, dim=(m.any(0, -1),), **rest)
    if m.dtype(y) == "bool" and m.any(True, False):
        m("unary.logical_not", y)


@motif(
    "index.gather",
    "reduce.amax",
    "reduce.argmax",
    onnxruntime="CommonSubexpressionElimination",
    changes=("attribute dim", "attribute keepdim", "attribute second"),
)
def extreme_and_place(m: Draft) -> None:
    """Where the greatest element is, and what stands there"""
    x = m.start(NUMERIC, (1, 2, 3), least=1, jumps=True)
    dim = m.any(0, m.rank(x) - 1)
    place = m("reduce.argmax", x, dim=dim, keepdim=True)
    y = m("index.gather", x, place, dim=m.pick("attribute dim", dim, dim - m.rank(x)))
    second = m.pick("attribute second", "reduce.amax", "reduce.amin")
    z = m(second, x, dim=(dim,), keepdim=m.pick("attribute keepdim", True, False))
    m(m.either("binary.sub", "binary.maximum", "compare.eq"), y, z)


@motif(
    "part.narrow",
    inductor="reorder_for_locality",
    onnxruntime="EliminateSlice",
    changes=("attribute dim", "order", "attribute second"),
)
def reduction_of_parts(m: Draft) -> None:
    """The sum of halves, each reduced"""
    x = m.start(FLOATS, (1, 2, 3), fits=lambda t: isinstance(t.shape[0], int) and t.shape[0] >= 2)
    size = m.shape(x)[0]
    assert isinstance(size, int)
    first = m("part.narrow", x, dim=0, start=0, length=size // 2)
    second = m("part.narrow", x, dim=0, start=size // 2, length=size - size // 2)
    function = m.either("reduce.sum", "reduce.amax")
    other = m.pick("attribute second", function, "reduce.amin", "reduce.sum")
    dim = m.pick("attribute dim", (0,), (-1,))
    parts = (m(function, first, dim=dim), m(other, second, dim=dim))
    m("binary.add" if function == "reduce.sum" else "binary.maximum", *m.order(*parts))


@motif(
    "part.select",
    "reduce.sum",
    "scan.cumsum",
    inductor="is_split_scan",
    changes=("attribute dim", "attribute index", "attribute last"),
)
def scan_and_total(m: Draft) -> None:
    """The end of a cumulative sum, beside the sum"""
    x = m.start(NUMERIC, (1, 2, 3), least=1, low=-2, high=2)
    dim = m.rank(x) - 1
    y = m("scan.cumsum", x, dim=m.pick("attribute dim", dim, 0, -1))
    end = m("part.select", y, dim=dim, index=m.pick("attribute index", -1, 0))
    total = m("reduce.sum", x, dim=(dim,))
    m(m.pick("attribute last", m.either("binary.sub", "binary.add"), "binary.maximum"), end, total)


@motif(
    "binary.mul",
    "reduce.sum",
    inductor="decompose_mm, split_reduction",
    changes=("shape other", "attribute dim", "attribute keepdim"),
)
def reduced_product(m: Draft) -> None:
    """A product with what broadcasts, summed: a matrix product in disguise"""
    x = m.start(FLOATS, (2, 3), least=1, low=-2, high=2)
    shape = m.shape(x)
    other = m.other(x, m.pick("shape other", m.any(shape[-1:], (*shape[:-1], 1)), shape, ()), -2, 2)
    y = m("binary.mul", x, other)
    keepdim = m.pick("attribute keepdim", False, True)
    m("reduce.sum", y, dim=m.pick("attribute dim", (-1,), (0,), (0, -1)), keepdim=keepdim)


@motif(
    "binary.sub",
    "pool.adaptive_avg_pool2d",
    "reduce.mean",
    inductor="_adaptive_avg_pool2d",
    onnxruntime="NchwcTransformer",
    changes=("attribute dim", "attribute keepdim", "attribute output_size"),
    rounds=True,
)
def global_pool(m: Draft) -> None:
    """The mean over space, as a pooling and as a reduction"""
    x = m.start(FLOATS, (4,), least=1, low=-2, high=2)
    y = m("pool.adaptive_avg_pool2d", x, output_size=m.pick("attribute output_size", 1, (1, None)))
    keepdim = m.pick("attribute keepdim", True, False)
    z = m("reduce.mean", x, dim=m.pick("attribute dim", (2, 3), (-1, -2), (3,)), keepdim=keepdim)
    m("binary.sub", y, z)
