"""Attention in the forms in which models write it: scales, masks, layouts, casts."""

from __future__ import annotations

from assay.generate.motifs.catalogue import motif
from assay.generate.motifs.draft import ORDER, Draft
from assay.ir.types import FLOATS

FAR = -64.0
"""Instead of minus infinity: far enough that the exponential is nothing beside others, and finite in 16 bits."""


def heads(m: Draft, permuted: bool, reach: float = 1) -> tuple[str, str, str]:
    """Queries, keys and values as (batch, heads, length, width); ``permuted``: from (batch, length, heads, width)."""
    dtype = m.any_dtype(FLOATS)
    batch, count, width = m.static(1, 2), m.static(1, 3), m.static(1, 6)
    queries, keys = m.size(), m.size()

    def part(length: object) -> str:
        shape = (batch, length, count, width) if permuted else (batch, count, length, width)
        made = m.input(dtype, shape, -reach, reach)  # type: ignore[arg-type]
        return m("view.permute", made, dims=(0, 2, 1, 3)) if permuted else made

    return part(queries), part(keys), part(keys)


def scores(m: Draft, query: str, key: str) -> str:
    """The products of queries and keys."""
    if m.any(True, False):
        turned = m("view.transpose", key, dim0=-2, dim1=-1)
    else:
        turned = m("view.permute", key, dims=(*range(m.rank(key) - 2), m.rank(key) - 1, m.rank(key) - 2))
    return m("matmul.matmul", query, turned)


@motif(
    "matmul.matmul",
    "norm.softmax",
    inductor="_sfdp_pattern_1, _sfdp_pattern_2, _sfdp_pattern_11, _sfdp_pattern_28",
    onnxruntime="AttentionFusion, MatMulScaleFusion",
    changes=("constant scale", "attribute function", "attribute dim", "attribute place", "attribute dims"),
    rounds=True,
    weight=1.5,
)
def attention(m: Draft) -> None:
    """Attention, scaled before or after the product"""
    permuted = m.any(True, False)
    query, key, value = heads(m, permuted)
    function = m.pick("attribute function", m.either("binary.mul", "binary.div"), "binary.add")
    scale = m.pick("constant scale", m.any(0.5, 2.0, 0.25), 1.0, 4, 0.125)
    place = m.pick("attribute place", m.any("query", "scores"), "key")
    if place == "query":
        query = m(function, query, scale)
    if place == "key":
        key = m(function, key, scale)
    found = scores(m, query, key)
    if place == "scores":
        found = m(function, found, scale)
    weights = m("norm.softmax", found, dim=m.pick("attribute dim", -1, -2, 1))
    result = m("matmul.matmul", weights, value)
    if permuted:
        m("view.permute", result, dims=m.pick("attribute dims", (0, 2, 1, 3), (0, 1, 3, 2), (0, 2, 3, 1)))


@motif(
    "binary.add",
    "matmul.matmul",
    "norm.softmax",
    inductor="_sfdp_pattern_5, _sfdp_pattern_14, _sfdp_pattern_21, _sfdp_pattern_25",
    onnxruntime="AttentionFusion, BiasSoftmaxFusion",
    changes=("shape mask", "order", "constant scale", "attribute dtype", "attribute late"),
    rounds=True,
    weight=1.6,
)
def attention_with_added_mask(m: Draft) -> None:
    """Attention with a mask that is added to the scores, after a scale or without one"""
    query, key, value = heads(m, m.any(True, False))
    found = scores(m, query, key)
    shape = m.shape(found)
    late = m.pick("attribute late", False, True)
    scale = m.pick("constant scale", m.any(None, 2.0, 0.5), 1.0)
    if scale is not None and not late:
        found = m("binary.div", found, scale)
    usual = m.any(shape, (shape[0], 1, 1, shape[3]), (1, 1, *shape[2:]))
    mask = m.other(found, m.pick("shape mask", usual, shape[3:], (*shape[:3], 1), ()), -8, 0)
    found = m("binary.add", *m.order(found, mask))
    if scale is not None and late:
        found = m("binary.div", found, scale)
    dtype = m.dtype(found)
    wide = m.pick("attribute dtype", m.any(dtype, "float32"), "float64")
    weights = m("norm.softmax", found if wide == dtype else m.cast(found, wide), dim=-1)
    m("matmul.matmul", weights if wide == dtype else m.cast(weights, dtype), value)


@motif(
    "binary.div",
    "matmul.matmul",
    "norm.softmax",
    inductor="_sfdp_pattern_15, _sfdp_pattern_17, _sfdp_pattern_18, _sfdp_pattern_20",
    onnxruntime="AttentionFusion, NotWhereFusion",
    changes=("shape mask", "constant fill", "attribute inverted", "attribute form"),
    rounds=True,
    weight=1.6,
)
def attention_with_chosen_mask(m: Draft) -> None:
    """Attention whose scores are replaced where a mask says so"""
    query, key, value = heads(m, m.any(True, False))
    found = m("binary.div", scores(m, query, key), m.any(2.0, 4.0, 0.5))
    shape = m.shape(found)
    made = m.pick("shape mask", m.any((shape[0], 1, 1, shape[3]), shape[2:]), shape[3:], (*shape[:3], 1), shape)
    mask = m.input("bool", made, 0, 1)
    fill = m.pick("constant fill", FAR, 0, 1, -2.0)
    form = m.pick("attribute form", m.any("masked_fill", "where"), "other")
    if form == "other":
        mask = m("compare.eq", m.cast(mask, "int64"), 0)
    if m.pick("attribute inverted", False, True):
        mask = m("unary.logical_not", mask)
    if form == "where":
        found = m("ternary.where", found, fill, mask)
    else:
        found = m("ternary.masked_fill", found, mask, value=fill)
    m("matmul.matmul", m("norm.softmax", found, dim=-1), value)


@motif(
    "compare.eq",
    "create.ones_like",
    "matmul.matmul",
    "norm.softmax",
    "ternary.masked_fill",
    "tri.tril",
    inductor="_sfdp_pattern_18, _sfdp_pattern_19",
    onnxruntime="AttentionFusion",
    changes=("attribute diagonal", "constant fill", "attribute triangle", "attribute dtype"),
    rounds=True,
    weight=1.6,
)
def causal_attention(m: Draft) -> None:
    """Attention with a causal mask made of a triangle of ones"""
    query, key, value = heads(m, False)
    found = scores(m, query, key)
    from_ones = m("create.ones_like", found, dtype=None)
    triangle = m.pick("attribute triangle", "tri.tril", "tri.triu")
    kept = m(triangle, from_ones, diagonal=m.pick("attribute diagonal", 0, -1, 1))
    fill = m.pick("constant fill", FAR, 0, -1)
    if m.pick("attribute dtype", True, False):
        seen = m("compare.eq", kept, 0)
        found = m("ternary.masked_fill", found, seen, value=fill)
    else:
        found = m("binary.mul", found, kept)
    m("matmul.matmul", m("norm.softmax", found, dim=-1), value)


@motif(
    "matmul.bmm",
    "norm.softmax",
    "view.transpose",
    inductor="_sfdp_pattern_13, _sfdp_pattern_24",
    onnxruntime="MatmulTransposeFusion",
    changes=("attribute dim", "attribute dims", "constant scale", "order"),
    rounds=True,
)
def attention_of_batches(m: Draft) -> None:
    """Attention of batched matrices, without heads"""
    dtype, batch, width = m.any_dtype(FLOATS), m.static(1, 4), m.static(1, 6)
    queries, keys = m.size(), m.size()
    if m.change == ORDER:
        keys = queries
    query = m.input(dtype, (batch, queries, width), -1, 1)
    key, value = (m.input(dtype, (batch, keys, width), -1, 1) for _ in range(2))
    query, key = m.order(query, key)
    first, second = m.pick("attribute dims", (1, 2), (-1, -2))
    found = m("matmul.bmm", query, m("view.transpose", key, dim0=first, dim1=second))
    scale = m.pick("constant scale", None, 0.5, 2.0)
    found = found if scale is None else m("binary.mul", found, scale)
    weights = m("norm.softmax", found, dim=m.pick("attribute dim", -1, 1, 0))
    m("matmul.bmm", weights, value)


@motif(
    "view.expand",
    "view.reshape",
    "view.unsqueeze",
    inductor="_sfdp_pattern_1",
    onnxruntime="GroupQueryAttentionFusion, ExpandElimination",
    changes=("attribute times", "attribute order", "attribute is_causal"),
    rounds=True,
    weight=1.5,
)
def grouped_attention(m: Draft) -> None:
    """Attention whose keys and values are repeated for several queries"""
    dtype, groups, width = m.any_dtype(FLOATS), m.static(1, 2), m.static(1, 6)
    times = m.pick("attribute times", 2, 1, 3)
    queries, keys = m.size(), m.size()
    interleaved = m.pick("attribute order", True, False)

    def repeated(part: str) -> str:
        part = m("view.unsqueeze", part, dim=1 if interleaved else 0)
        size = (groups, times, keys, width) if interleaved else (times, groups, keys, width)
        return m("view.reshape", m("view.expand", part, size=size), shape=(groups * times, keys, width))

    query = m.input(dtype, (groups * times, queries, width), -1, 1)
    key, value = (repeated(m.input(dtype, (groups, keys, width), -1, 1)) for _ in range(2))
    if m.any(True, False):
        causal = m.pick("attribute is_causal", False, True)
        m("matmul.scaled_dot_product_attention", query, key, value, None, is_causal=causal)
    else:
        found = m("norm.softmax", scores(m, query, key), dim=-1)
        m("matmul.matmul", found, value)


@motif(
    "matmul.linear",
    "matmul.scaled_dot_product_attention",
    "view.reshape",
    "view.transpose",
    inductor="matmul_fuse_pattern, _sfdp_pattern_11",
    onnxruntime="AttentionFusion",
    changes=("attribute is_causal", "attribute scale", "attribute dims", "attribute merged"),
    rounds=True,
    weight=2.0,
)
def projected_attention(m: Draft) -> None:
    """Projections, heads, attention, and heads merged again"""
    count, width = m.static(1, 2), m.static(1, 4)
    batch, length = m.static(1, 2), m.size()
    x = m.input(m.any_dtype(FLOATS), (batch, length, count * width), -1, 1)
    first, second = m.pick("attribute dims", (1, 2), (-2, -3))
    merged = m.pick("attribute merged", m.any(True, False), False)
    parts = []
    if merged:
        weight = m.constant(m.dtype(x), (3 * count * width, count * width), -0.25, 0.25)
        parts = list(m.several("split.chunk", m("matmul.linear", x, weight, None), dim=-1, chunks=3))
    else:
        for _ in range(3):
            weight = m.constant(m.dtype(x), (count * width, count * width), -0.25, 0.25)
            parts.append(m("matmul.linear", x, weight, None))
    made = []
    for part in parts:
        split = m("view.reshape", part, shape=(batch, length, count, width))
        made.append(m("view.transpose", split, dim0=first, dim1=second))
    causal = m.pick("attribute is_causal", m.any(False, True), True)
    scale = m.pick("attribute scale", None, 0.5, 1.0)
    found = m("matmul.scaled_dot_product_attention", *made, None, is_causal=causal, scale=scale)
    back = m("view.transpose", found, dim0=1, dim1=2)
    m("view.reshape", back, shape=(batch, length, count * width))


@motif(
    "matmul.scaled_dot_product_attention",
    "view.permute",
    inductor="_sfdp_pattern_29, _sfdp_pattern_30",
    onnxruntime="AttentionFusion",
    changes=("attribute scale", "attribute is_causal", "attribute layout", "constant mask"),
    rounds=True,
)
def fused_attention(m: Draft) -> None:
    """The fused operation, of permuted operands and with a mask"""
    query, key, value = heads(m, m.pick("attribute layout", True, False))
    shape = (m.shape(query)[2], m.shape(key)[2])
    with_mask = m.any(True, False)
    scale = m.pick("attribute scale", None, 0.25, 1.0)
    if with_mask:
        # One that masks nothing out, and one that raises scores.
        mask = m.other(query, shape, *m.pick("constant mask", (-8, 0), (0, 0), (0, 8)))
        m("matmul.scaled_dot_product_attention", query, key, value, mask, scale=scale)
    else:
        causal = m.pick("attribute is_causal", m.any(False, True), True)
        m("matmul.scaled_dot_product_attention", query, key, value, None, scale=scale, is_causal=causal)
