"""Parts that are joined again, joins that are taken apart: split, cat, stack, slices, gathers."""

from __future__ import annotations

from assay.generate.motifs.catalogue import motif
from assay.generate.motifs.draft import Draft, Fits, even
from assay.ir.sizes import Size
from assay.ir.types import ALL, FLOATS, NUMERIC, TensorType

POINTWISE = ("unary.relu", "smooth.tanh", "smooth.sigmoid", "unary.abs", "unary.neg")
GATES = ("activation.gelu", "activation.silu", "smooth.sigmoid", "unary.relu", "smooth.tanh")


def known(least: int, most: int = 6, dim: int = 0) -> Fits:
    """Whether a dimension has a size that is the same in every call."""

    def fits(type_: TensorType) -> bool:
        size = type_.shape[dim]
        return isinstance(size, int) and least <= size <= most

    return fits


def extent(m: Draft, name: str, dim: int = 0) -> int:
    """A size that is known to be a number."""
    size = m.shape(name)[dim]
    assert isinstance(size, int)
    return size


@motif(
    "join.cat",
    "split.split_with_sizes",
    inductor="splitwithsizes_cat_replace, simplify_split_cat, split_cat_to_slices",
    changes=("order", "attribute dim", "constant gap", "attribute sizes"),
)
def split_cat(m: Draft) -> None:
    """A tensor split and joined again"""
    x = m.start(ALL, (1, 2, 3), fits=known(3, 17))
    size = extent(m, x)
    cut = m.rng.randint(1, size - 2)
    sizes = m.pick("attribute sizes", (cut, 1, size - cut - 1), (cut, size - cut), (size, 0), (0, cut, size - cut))
    parts = m.several("split.split_with_sizes", x, dim=0, split_sizes=sizes)
    kept = m.pick("constant gap", parts, (parts[0], parts[-1]), parts[1:])
    m("join.cat", m.order(*kept), dim=m.pick("attribute dim", 0, -1, m.rank(x) - 1))


@motif(
    "join.cat",
    "split.split_with_sizes",
    inductor="cat_splitwithsizes_replace",
    changes=("attribute sizes", "attribute dim"),
)
def cat_split(m: Draft) -> None:
    """Two tensors joined and split at the same place"""
    x = m.start(ALL, (1, 2, 3), fits=known(2, 9))
    size = extent(m, x)
    other = m.static(1, 4)
    y = m.other(x, (other, *m.shape(x)[1:])) if m.dtype(x) != "bool" else x
    other = extent(m, y)
    both = m("join.cat", (x, y), dim=0)
    usual = (size, other)
    sizes = m.pick("attribute sizes", usual, (size - 1, other + 1), (1, size - 1, other), (size + other, 0))
    parts = m.several("split.split_with_sizes", both, dim=m.pick("attribute dim", 0, -m.rank(x)), split_sizes=sizes)
    m(m.either("unary.abs", "unary.logical_not", "move.clone"), parts[0])


@motif(
    "join.cat",
    "part.slice",
    inductor="cat_slice_cat, pointwise_cat",
    onnxruntime="EliminateSlice",
    changes=("attribute stop", "attribute start", "order"),
)
def cat_slices(m: Draft) -> None:
    """Slices that take apart what was joined"""
    x = m.start(NUMERIC, (1, 2, 3), fits=known(2, 9))
    size = extent(m, x)
    y = m.other(x, (m.static(1, 4), *m.shape(x)[1:]))
    both = m("join.cat", m.order(x, y), dim=0)
    first = m("part.slice", both, dim=0, start=0, stop=m.pick("attribute stop", size, size - 1, size + 1, -1))
    rest = m("part.slice", both, dim=0, start=m.pick("attribute start", size, 1, size - 1))
    m(m.either("unary.neg", "unary.abs"), first)
    m(m.either("unary.neg", "unary.abs"), rest)


@motif(
    "join.cat",
    "part.slice",
    inductor="cat_slice_cat",
    changes=("attribute stop", "order", "attribute step"),
)
def cat_slice_cat(m: Draft) -> None:
    """A joined tensor, joined with a slice of itself"""
    x = m.start(FLOATS, (2, 3), fits=known(2, 9, 1))
    size = extent(m, x, 1)
    shape = m.shape(x)
    y = m.other(x, (shape[0], m.static(1, 4), *shape[2:]))
    both = m("join.cat", (x, y), dim=1)
    stop = m.pick("attribute stop", m.rng.randint(1, size), size + 1, -1)
    head = m("part.slice", both, dim=1, start=0, stop=stop, step=m.pick("attribute step", 1, 2))
    m("join.cat", m.order(both, head), dim=1)


@motif(
    "join.cat",
    "part.narrow",
    inductor="pointwise_cat, simplify_split_cat",
    onnxruntime="EliminateSlice",
    changes=("constant gap", "order", "attribute dim"),
)
def narrow_cat(m: Draft) -> None:
    """Front and back of a tensor, joined again"""
    x = m.start(ALL, (1, 2, 3), fits=known(3, 17))
    size = extent(m, x)
    cut = m.rng.randint(1, size - 1)
    gap = m.pick("constant gap", 0, 1)
    front = m("part.narrow", x, dim=0, start=0, length=cut)
    back = m("part.narrow", x, dim=0, start=min(cut + gap, size), length=max(size - cut - gap, 0))
    m("join.cat", m.order(front, back), dim=m.pick("attribute dim", 0, -m.rank(x), -1))


@motif(
    "binary.mul",
    "split.chunk",
    inductor="normalize_split_default, pointwise_cat",
    onnxruntime="QuickGeluFusion",
    changes=("order", "attribute chunks", "attribute dim"),
)
def chunk_gate(m: Draft) -> None:
    """One half of a tensor, gated by an activation of the other"""
    x = m.start(
        FLOATS,
        (2, 3),
        fits=lambda t: even(t.shape[-1]) and t.shape[-1] >= 4,
        shape=lambda: (m.size(), 2 * m.static(2, 4)),
    )
    dim = m.pick("attribute dim", -1, 0)
    parts = m.several("split.chunk", x, dim=dim, chunks=m.pick("attribute chunks", 2, 3, 4))
    value, gate = m.order(parts[0], parts[1])
    m("binary.mul", value, m(m.either(*GATES), gate))


@motif(
    "join.stack",
    "split.unbind",
    inductor="merge_unbind_stack_aten, decompose_stack",
    changes=("attribute dim", "order"),
)
def stack_unbind(m: Draft) -> None:
    """Tensors stacked and taken apart again"""
    x = m.start(NUMERIC, (1, 2, 3))
    y = m.other(x, m.shape(x))
    dim = m.any(0, m.rank(x))
    both = m("join.stack", m.order(x, y), dim=dim)
    parts = m.several("split.unbind", both, dim=m.pick("attribute dim", dim, dim - m.rank(x) - 1, 0))
    m(m.either("binary.sub", "binary.maximum", "binary.add"), parts[0], parts[1])


@motif(
    "join.stack",
    "split.unbind",
    inductor="merge_unbind_stack, unbind_stack_to_slices",
    onnxruntime="UnsqueezeElimination",
    changes=("order", "attribute dim", "constant count"),
)
def unbind_stack(m: Draft) -> None:
    """A tensor taken apart and stacked again, with an operation on each part or none"""
    x = m.start(FLOATS, (2, 3), fits=known(2, 5))
    parts = m.several("split.unbind", x, dim=0)
    parts = m.pick("constant count", parts, parts[:-1], (parts[0], parts[0]))
    if m.any(True, False):
        function = m.either(*POINTWISE)
        parts = tuple(m(function, part) for part in parts)
    m("join.stack", m.order(*parts), dim=m.pick("attribute dim", 0, 1, -1))


@motif(
    "join.stack",
    "part.select",
    inductor="merge_select_cat_aten",
    onnxruntime="GatherToSliceFusion",
    changes=("attribute index", "attribute dim"),
)
def stack_select(m: Draft) -> None:
    """One of several stacked tensors"""
    x = m.start(ALL, (1, 2, 3))
    y = m(m.either("move.clone", "unary.logical_not", "unary.relu", "unary.abs"), x)
    if m.dtype(y) != m.dtype(x):
        y = m.cast(y, m.dtype(x))
    both = m("join.stack", (x, y, x), dim=0)
    m("part.select", both, dim=m.pick("attribute dim", 0, 1, -1), index=m.pick("attribute index", m.any(0, 1), 2, -1))


@motif(
    "join.cat",
    inductor="sink_cat_after_pointwise, pointwise_cat",
    changes=("attribute dim", "order"),
)
def cat_pointwise(m: Draft) -> None:
    """A pointwise function of joined tensors"""
    x = m.start(FLOATS, (1, 2, 3))
    y = m.other(x, m.shape(x))
    both = m("join.cat", m.order(x, y), dim=m.pick("attribute dim", m.rank(x) - 1, 0, -m.rank(x)))
    if m.any(True, False):
        both = m("view.reshape", both, shape=(-1,))
    m(m.either("unary.relu", "smooth.tanh"), both)


@motif(
    "join.cat",
    "split.split",
    inductor="BatchTanhPreGradFusion, merge_getitem_cat, mutate_cat_node",
    changes=("order", "attribute dim", "attribute function"),
)
def split_pointwise_cat(m: Draft) -> None:
    """The same function of each part, joined again"""
    x = m.start(FLOATS, (2, 3), fits=lambda t: even(t.shape[1]) and t.shape[1] >= 4)
    half = extent(m, x, 1) // 2
    parts = m.several("split.split", x, dim=1, split_size_or_sections=half)
    function = m.either(*POINTWISE)
    last = m.pick("attribute function", function, m.either(*POINTWISE))
    made = (m(function, parts[0]), m(last, parts[1]))
    m("join.cat", m.order(*made), dim=m.pick("attribute dim", 1, 0, -1))


@motif(
    "join.stack",
    "split.split",
    "view.squeeze",
    inductor="merge_split_squeeze, split_stack_to_cats",
    onnxruntime="UnsqueezeElimination, GatherSliceToSplitFusion",
    changes=("attribute dim", "attribute squeezed"),
)
def split_squeeze(m: Draft) -> None:
    """A tensor split into parts of size 1, which lose that dimension"""
    x = m.start(NUMERIC, (2, 3), fits=known(2, 4))
    parts = m.several("split.split", x, dim=0, split_size_or_sections=1)
    dim = m.pick("attribute squeezed", 0, None, -m.rank(x), 1)
    made = tuple(m("view.squeeze", part, dim=dim) for part in parts)
    m("join.stack", made, dim=m.pick("attribute dim", 0, 1, -1))


@motif(
    "join.cat",
    "split.split_with_sizes",
    inductor="merge_splits, remove_split_with_size_one",
    changes=("attribute sizes", "attribute dim"),
)
def nested_splits(m: Draft) -> None:
    """A part of a split, split again in the same dimension"""
    x = m.start(ALL, (1, 2, 3), fits=known(4, 17))
    size = extent(m, x)
    cut = m.rng.randint(2, size - 1)
    first = m.several("split.split_with_sizes", x, dim=0, split_sizes=(cut, size - cut))
    sizes = m.pick("attribute sizes", (1, cut - 1), (cut, 0), (0, cut))
    parts = m.several("split.split_with_sizes", first[0], dim=m.pick("attribute dim", 0, -m.rank(x)), split_sizes=sizes)
    m("join.cat", (first[1], parts[1]), dim=0)


@motif(
    "part.select",
    inductor="merge_select_cat_aten",
    onnxruntime="GatherSliceToSplitFusion",
    changes=("attribute index", "attribute dim", "order"),
)
def selects_of_all(m: Draft) -> None:
    """Every index of a dimension, selected one by one"""
    x = m.start(NUMERIC, (2, 3), fits=known(2, 3, 1))
    size = extent(m, x, 1)
    made = [m("part.select", x, dim=1, index=index) for index in range(size - 1)]
    last = m.pick("attribute index", size - 1, 0, -size)
    made.append(m("part.select", x, dim=m.pick("attribute dim", 1, -m.rank(x) + 1, 0), index=last))
    result = made[0]
    for part in made[1:]:
        result = m(m.either("binary.add", "binary.mul", "binary.sub"), *m.order(result, part))


@motif(
    "part.slice",
    inductor="slice_noop",
    onnxruntime="EliminateSlice",
    changes=("attribute start", "attribute stop", "attribute step"),
)
def slice_of_slice(m: Draft) -> None:
    """A slice of a slice, the second of which may take everything"""
    x = m.start(ALL, (1, 2, 3), fits=known(4, 17))
    step = m.any(1, 2)
    y = m("part.slice", x, dim=0, start=m.any(0, 1, None), stop=m.any(None, 4), step=step)
    start = m.pick("attribute start", 0, 1, -1)
    stop = m.pick("attribute stop", None, 1, -1)
    m("part.slice", y, dim=0, start=start, stop=stop, step=m.pick("attribute step", 1, 2, 3))


@motif(
    "join.cat",
    "part.slice",
    inductor="pointwise_cat",
    onnxruntime="SliceConcatToSpaceToDepthFusion",
    changes=("order", "attribute start", "attribute dim"),
)
def space_to_depth(m: Draft) -> None:
    """Every other row and column, joined as channels"""

    def fits(type_: TensorType) -> bool:
        return all(even(size) for size in type_.shape[2:])

    x = m.start(FLOATS, (4,), fits=fits, least=1)
    rows = [m("part.slice", x, dim=2, start=start, step=2) for start in (0, m.pick("attribute start", 1, 0))]
    parts = [m("part.slice", row, dim=3, start=start, step=2) for start in (0, 1) for row in rows]
    m("join.cat", m.order(*parts), dim=m.pick("attribute dim", 1, 0, -1))


@motif(
    "create.zeros_like",
    "join.cat",
    "part.narrow",
    inductor="pointwise_cat, constant_fold_uniform_value",
    onnxruntime="ConstantFolding, PadFusion",
    changes=("order", "attribute dim"),
)
def cat_of_zeros(m: Draft) -> None:
    """A tensor joined with zeros, which is a padding"""
    x = m.start(FLOATS, (1, 2, 3), fits=known(2, 9))
    zeros = m("create.zeros_like", m("part.narrow", x, dim=0, start=0, length=1))
    both = m("join.cat", m.order(x, zeros), dim=m.pick("attribute dim", 0, -m.rank(x)))
    m(m.either(*POINTWISE, "reduce.sum", "reduce.amax"), both)


def halves(size: Size) -> int:
    """Half a known size."""
    assert isinstance(size, int)
    return size // 2


@motif(
    "binary.add",
    "binary.mul",
    "join.cat",
    "part.slice",
    "unary.neg",
    inductor="pointwise_cat",
    onnxruntime="GroupQueryAttentionPreNormFusion, ConstantSharing",
    changes=("order", "attribute start", "shape cosine"),
    weight=1.5,
)
def rotary_halves(m: Draft) -> None:
    """The halves of the last dimension turned into each other, as rotary embeddings do"""
    x = m.start(FLOATS, (3, 4), fits=lambda t: even(t.shape[-1]), least=1)
    shape, last = m.shape(x), m.rank(x) - 1
    half = halves(shape[-1])
    front = m("part.slice", x, dim=last, stop=half)
    start, stop = m.pick("attribute start", (half, None), (0, half))
    back = m("part.slice", x, dim=last, start=start, stop=stop)
    turned = m("join.cat", m.order(m("unary.neg", back), front), dim=-1)
    table = m.pick("shape cosine", shape[-2:], shape[-1:], (1, *shape[1:]))
    cosine, sine = m.constant(m.dtype(x), table, -1, 1), m.constant(m.dtype(x), table, -1, 1)
    m("binary.add", m("binary.mul", x, cosine), m("binary.mul", turned, sine))
