"""Reading and writing by index, order and selection, and arithmetic of indices."""

from __future__ import annotations

from assay.generate.motifs.catalogue import motif
from assay.generate.motifs.draft import Draft
from assay.ir.sizes import smallest
from assay.ir.types import ALL, FLOATS, NUMERIC

INTEGERS = ("int64", "int32", "int16", "uint8")


@motif(
    "binary.add",
    "index.embedding",
    inductor="_embedding_dense_backward",
    onnxruntime="EmbedLayerNormFusion",
    changes=("attribute padding_idx", "shape second", "attribute function"),
)
def sum_of_embeddings(m: Draft) -> None:
    """Rows of two tables, added"""
    width, rows = m.static(1, 6), m.static(2, 6)
    dtype = m.any_dtype(FLOATS)
    shape = (m.size(), m.size())
    first, second = (m.constant(dtype, (rows, width), -2, 2) for _ in range(2))
    padding = m.pick("attribute padding_idx", None, 0, -1)
    y = m("index.embedding", first, m.input("int64", shape, 0, rows - 1), padding_idx=padding)
    places = m.pick("shape second", m.any(shape, shape[1:]), (1, *shape[1:]))
    z = m("index.embedding", second, m.input(m.any("int64", "int32"), places, 0, rows - 1))
    total = m(m.pick("attribute function", "binary.add", "binary.mul"), y, z)
    if m.any(True, False):
        m(m.either("reduce.sum", "reduce.mean"), total, dim=(m.any(0, 1),))


@motif(
    "index.index_select",
    inductor="IndexPropagation",
    onnxruntime="GatherSliceToSplitFusion",
    changes=("attribute dim", "attribute dtype"),
)
def gather_of_gather(m: Draft) -> None:
    """Rows of rows: an index into what an index has read"""
    x = m.start(NUMERIC, (1, 2, 3), least=1)
    size = smallest(m.shape(x)[0])
    count = m.static(1, 4)
    first = m.input("int64", (count,), 0, size - 1)
    y = m("index.index_select", x, first, dim=0)
    second = m.input(m.pick("attribute dtype", "int64", "int32"), (m.size(),), 0, 0)
    m("index.index_select", y, second, dim=m.pick("attribute dim", 0, m.rank(x) - 1, -1))


@motif(
    "index.gather",
    "sort.stable_sort",
    inductor="sort_stable",
    onnxruntime="CommonSubexpressionElimination",
    changes=("attribute dim", "attribute descending", "attribute last"),
    weight=1.3,
)
def sort_gather(m: Draft) -> None:
    """Values in the order of their own indices"""
    x = m.start(NUMERIC, (1, 2, 3), least=1, jumps=True)
    dim = m.any(0, m.rank(x) - 1)
    values, places = m.several("sort.stable_sort", x, dim=dim, descending=m.pick("attribute descending", False, True))
    y = m("index.gather", x, places, dim=m.pick("attribute dim", dim, dim - m.rank(x)))
    m(m.pick("attribute last", m.either("binary.sub", "binary.maximum"), "compare.eq"), y, values)


@motif(
    "reduce.amax",
    "sort.topk",
    inductor="register_partial_reduction_pattern",
    changes=("attribute k", "attribute largest", "attribute dim"),
)
def first_of_order(m: Draft) -> None:
    """The greatest element by order, beside the maximum"""
    x = m.start(NUMERIC, (1, 2, 3), least=1, jumps=True)
    dim = m.rank(x) - 1
    values = m("sort.topk", x, dim=m.pick("attribute dim", dim, -1, 0), k=m.pick("attribute k", 1, 2), largest=True)
    top = m("reduce.amax" if m.pick("attribute largest", True, False) else "reduce.amin", x, dim=(dim,), keepdim=True)
    m(m.either("binary.sub", "binary.maximum", "compare.eq"), values, top)


@motif(
    "binary.mul",
    "ternary.masked_fill",
    inductor="_sfdp_pattern_3",
    onnxruntime="BiasDropoutFusion",
    changes=("constant fill", "shape mask", "order"),
)
def fill_and_scale(m: Draft) -> None:
    """Elements set to zero by a mask, the rest scaled"""
    x = m.start(FLOATS, (1, 2, 3))
    mask = m.input("bool", m.pick("shape mask", m.shape(x), m.shape(x)[-1:], (1, *m.shape(x)[1:])), 0, 1)
    y = m("ternary.masked_fill", x, mask, value=m.pick("constant fill", 0, 1, -1))
    scaled = m("binary.mul", y, m.any(2.0, 1.25, 0.5))
    if m.any(True, False):
        m(m.either("binary.add", "binary.sub"), *m.order(scaled, x))


@motif(
    "move.repeat_interleave",
    "view.reshape",
    inductor="pointless_view, FloorDiv",
    onnxruntime="ReshapeFusion",
    changes=("attribute repeats", "attribute dim", "attribute shape"),
)
def interleaved_view(m: Draft) -> None:
    """Elements repeated side by side, seen as pairs and reduced"""
    x = m.start(NUMERIC, (1, 2, 3), least=1)
    times = m.pick("attribute repeats", 2, 1, 3)
    dim = m.pick("attribute dim", m.rank(x) - 1, -1)
    y = m("move.repeat_interleave", x, repeats=times, dim=dim)
    shape = m.shape(x)
    usual = (*shape, times)
    z = m("view.reshape", y, shape=m.pick("attribute shape", usual, (*shape[:-1], times, shape[-1])))
    m(m.either("reduce.sum", "reduce.amax", "reduce.amin"), z, dim=(-1,), keepdim=m.any(False, True))


@motif(
    "binary.add",
    "binary.floor_divide",
    "binary.mul",
    "binary.remainder",
    inductor="FloorDiv, ModularIndexing",
    onnxruntime="ConstantFolding",
    changes=("constant divisor", "attribute rounding", "attribute remainder", "order"),
)
def divided_and_rest(m: Draft) -> None:
    """(i // n) * n + i % n, which is i"""
    x = m.start(("int64", "int32", "int16"), (1, 2, 3), -8, 60)
    n = m.any(3, 4, 7)
    rest = m(
        m.pick("attribute remainder", "binary.remainder", "binary.fmod"), x, m.pick("constant divisor", n, n + 1, 1)
    )
    if m.pick("attribute rounding", m.any(True, False), None) is None:
        whole = m("binary.div", x, n, rounding_mode="trunc")
    else:
        whole = m("binary.floor_divide", x, n)
    y = m("binary.add", *m.order(m("binary.mul", whole, n), rest))
    m(m.either("binary.sub", "compare.eq"), y, x)


@motif(
    "binary.bitwise_and",
    "binary.bitwise_left_shift",
    "binary.bitwise_right_shift",
    inductor="ValueRanges",
    onnxruntime="ConstantFolding",
    changes=("constant mask", "attribute shift", "order"),
)
def bits_and_shifts(m: Draft) -> None:
    """Low bits by a mask, high bits by a shift, put together again"""
    x = m.start(INTEGERS, (1, 2, 3), 0, 100)
    low = m("binary.bitwise_and", x, m.pick("constant mask", 7, 3, 8))
    high = m(m.pick("attribute shift", "binary.bitwise_right_shift", "binary.floor_divide"), x, 3)
    shifted = m("binary.bitwise_left_shift", high, 3)
    m(m.either("binary.bitwise_or", "binary.add", "binary.bitwise_xor"), *m.order(shifted, low))


@motif(
    "binary.add",
    "create.zeros_like",
    "scatter.index_put_accumulate",
    inductor="partitioned_scatter_optimization_pass",
    onnxruntime="ConstantFolding",
    changes=("shape index", "attribute base", "attribute last"),
)
def counts_by_index(m: Draft) -> None:
    """Contributions added up by index into zeros"""
    x = m.start(FLOATS, (1, 2), least=1, low=-2, high=2)
    zeros = m(m.pick("attribute base", "create.zeros_like", "create.ones_like"), x)
    count = m.pick("shape index", m.static(1, 4), 1)
    index = m.input("int64", (count,), 0, smallest(m.shape(x)[0]) - 1)
    y = m("scatter.index_put_accumulate", zeros, index, m.other(x, (count, *m.shape(x)[1:]), -2, 2))
    m(m.pick("attribute last", "binary.add", "binary.mul", "binary.maximum"), y, x)


@motif(
    "create.zeros_like",
    "index.gather",
    "scatter.scatter_add",
    inductor="use_scatter_fallback",
    changes=("attribute dim", "attribute scatter", "order"),
)
def scatter_gather(m: Draft) -> None:
    """Values scattered by an index and read again by it"""
    x = m.start(FLOATS, (1, 2), least=1, low=-2, high=2)
    dim = m.pick("attribute dim", m.rank(x) - 1, 0)
    index = m.input("int64", m.shape(x), 0, smallest(m.shape(x)[dim]) - 1)
    scatter = m.pick("attribute scatter", "scatter.scatter_add", "scatter.scatter_reduce")
    rest = {"reduce": "amax"} if scatter == "scatter.scatter_reduce" else {}
    base, source = m.order(m("create.zeros_like", x), x)
    y = m(scatter, base, index, source, dim=dim, **rest)
    m("index.gather", y, index, dim=dim)


@motif(
    "move.clone",
    "scatter.index_put",
    inductor="canonicalize_view_scatter_ops, reinplace_inplaceable_ops",
    onnxruntime="EliminateIdentity",
    changes=("attribute copy", "attribute last"),
    weight=1.4,
)
def put_into_clone(m: Draft) -> None:
    """A copy of which some rows are replaced, beside the original"""
    x = m.start(ALL, (1, 2, 3), least=1)
    copy = m(m.pick("attribute copy", "move.clone", "move.contiguous", "unary.positive"), x)
    y = m("scatter.index_put", copy, m.made(), m.made())
    if m.dtype(x) != "bool":
        m(m.pick("attribute last", m.either("binary.sub", "binary.maximum"), "compare.eq"), y, x)
    else:
        m("compare.logical_xor", y, x)
