"""Values that follow from sizes and numbers alone: ranges, triangles, full tensors, masks made of them."""

from __future__ import annotations

from assay.generate.motifs.catalogue import motif
from assay.generate.motifs.draft import Draft, number
from assay.ir.sizes import smallest
from assay.ir.types import FLOATS, NUMERIC, Dtype

RANKS = (1, 2, 3, 4)


def up_to(m: Draft, x: str, dim: int = -1, dtype: str = "") -> str:
    """The numbers below a size."""
    return m("create.arange", x, dim=dim, dtype=Dtype(dtype) if dtype else None)


@motif(
    "compare.lt",
    "create.arange",
    inductor="IndexPropagation, ValueRanges",
    onnxruntime="ConstantFolding",
    changes=("constant bound", "attribute comparison", "attribute dtype", "attribute dim"),
)
def range_mask(m: Draft) -> None:
    """A mask of the first elements, from a range and a bound"""
    x = m.start(FLOATS, RANKS, least=1)
    size = smallest(m.shape(x)[-1])
    dtype = m.pick("attribute dtype", "", "int32", "float32")
    places = up_to(m, x, m.pick("attribute dim", m.rank(x) - 1, 0), dtype)
    bound = m.pick("constant bound", m.any(max(size - 1, 0), size // 2), size, 0, -1, size + 1)
    comparison = m.pick("attribute comparison", "compare.lt", "compare.le", "compare.ge", "compare.ne")
    mask = m(comparison, places, bound)
    if m.any(True, False):
        m("ternary.masked_fill", x, mask, value=0)
    else:
        m("ternary.where", x, m.any(0, -1.0), mask)


@motif(
    "create.arange",
    inductor="IndexPropagation, fix_iota_device",
    onnxruntime="GatherToSliceFusion",
    changes=("attribute operator", "attribute reversed", "attribute dim", "attribute dtype"),
)
def range_index(m: Draft) -> None:
    """A range as an index: the whole dimension, forwards or backwards"""
    x = m.start(NUMERIC, RANKS, least=1)
    dim = m.pick("attribute dim", 0, m.rank(x) - 1)
    places = up_to(m, x, dim, m.pick("attribute dtype", "", "int32"))
    if m.pick("attribute reversed", m.any(False, True), True):
        places = m("binary.rsub", places, number(m.shape(x)[dim] - 1))
        places = m("unary.clamp", places, min=0, max=smallest(m.shape(x)[dim]) - 1)
    operator = m.pick("attribute operator", m.either("index.index_select", "index.advanced"), "index.advanced")
    m(operator, x, places, dim=dim)


@motif(
    "scan.cumsum",
    inductor="pointless_cumsum_replacement",
    onnxruntime="ConstantFolding",
    changes=("constant fill", "attribute dim", "attribute dtype"),
)
def cumulative_constant(m: Draft) -> None:
    """The cumulative sum of a constant, which is a range"""
    x = m.start(NUMERIC, RANKS, least=1)
    dtype = m.pick("attribute dtype", m.any("", "int64", "float32"), "bool", "uint8", "float16")
    kind = Dtype(dtype) if dtype else None
    fill = m.pick("constant fill", 1, 2, 0) if dtype != "bool" else 1
    if fill == 1 and m.any(True, False):
        made = m("create.ones_like", x, dtype=kind)
    else:
        made = m("create.full_like", x, fill_value=fill, dtype=kind)
    y = m("scan.cumsum", made, dim=m.pick("attribute dim", -1, 0))
    if m.any(True, False):
        y = m("binary.sub", y, 1)
    m(m.either("binary.mul", "binary.add"), y, x)


@motif(
    "compare.le",
    "create.arange",
    "ternary.where",
    "view.unsqueeze",
    inductor="IndexPropagation",
    onnxruntime="ConstantFolding",
    changes=("attribute comparison", "attribute dim", "constant shift"),
)
def range_triangle(m: Draft) -> None:
    """A triangle from a comparison of two ranges"""
    x = m.start(FLOATS, (2, 3), least=1)
    rows = m("view.unsqueeze", up_to(m, x, m.rank(x) - 2), dim=m.pick("attribute dim", 1, -1, 0))
    columns = up_to(m, x, m.rank(x) - 1)
    shift = m.pick("constant shift", 0, 1, -1)
    columns = m("binary.add", columns, shift) if shift else columns
    mask = m(m.pick("attribute comparison", "compare.le", "compare.lt", "compare.eq"), columns, rows)
    m("ternary.where", x, m.any(0, -8.0), mask)


@motif(
    "create.eye",
    "matmul.mm",
    inductor="constant_fold_uniform_value",
    onnxruntime="ConstantFolding",
    changes=("attribute dtype", "order", "attribute function"),
)
def identity_matrix(m: Draft) -> None:
    """A matrix times the identity, or its diagonal by it"""
    x = m.start(("float32", "float64", "int64", "int32"), (2,), least=1)
    dtype = m.pick("attribute dtype", m.dtype(x), "float16", "int64")
    eye = m("create.eye", x, dim=1, dtype=Dtype(dtype))
    eye = eye if dtype == m.dtype(x) else m.cast(eye, m.dtype(x))
    function = m.pick("attribute function", m.either("matmul.mm", "binary.mul"), "binary.add")
    if function == "matmul.mm":
        m(function, *m.order(x, eye))
    else:
        square = m("matmul.mm", m("view.t", x), x)
        m("reduce.sum", m(function, *m.order(square, eye)), dim=(m.any(0, 1),))


@motif(
    "binary.mul",
    "create.full_like",
    "scatter.scatter_value",
    inductor="scatter_upon_const_tensor",
    onnxruntime="ConstantFolding",
    changes=("constant fill", "constant value", "attribute dim", "shape index"),
)
def scatter_on_constant(m: Draft) -> None:
    """Numbers scattered into a constant tensor, one for each row"""
    x = m.start(FLOATS, (2, 3), least=1)
    shape = m.shape(x)
    made = m("create.full_like", x, fill_value=m.pick("constant fill", 0, 1, 0.5), dtype=None)
    dim = m.pick("attribute dim", len(shape) - 1, 0)
    count = m.pick("shape index", 1, 2)
    places = (*shape[:dim], count, *shape[dim + 1 :])
    index = m.input("int64", places, 0, smallest(shape[dim]) - 1)
    y = m("scatter.scatter_value", made, index, dim=dim, value=m.pick("constant value", 1, 0, -1, 0.5))
    m("binary.mul", y, x)


@motif(
    inductor="UniformValueConstantFolder",
    onnxruntime="ConstantFolding",
    changes=("attribute view", "constant last", "attribute dtype"),
)
def view_of_constant(m: Draft) -> None:
    """A constant tensor, reshaped, expanded or sliced, and used as a number"""
    x = m.start(FLOATS, (2, 3), least=1)
    dtype = m.pick("attribute dtype", "", "int64", "bool")
    made = m(m.either("create.zeros_like", "create.ones_like"), x, dtype=Dtype(dtype) if dtype else None)
    view = m.pick("attribute view", m.any("slice", "reshape", "transpose"), "select", "flip")
    if view == "slice":
        made = m("part.slice", made, dim=0, start=0, stop=1)
    elif view == "reshape":
        made = m("view.unsqueeze", m("view.reshape", made, shape=m.shape(x)), dim=0)
    elif view == "transpose":
        made = m("view.transpose", m("view.transpose", made, dim0=0, dim1=1), dim0=0, dim1=1)
    elif view == "select":
        made = m("part.select", made, dim=0, index=0)
    else:
        made = m("move.flip", made, dims=(0,))
    last = m.pick("constant last", 0, 1)
    made = m("binary.add", made, last) if last else made
    m(m.either("binary.add", "binary.mul", "binary.sub"), x, made)


@motif(
    "binary.add",
    "binary.floor_divide",
    "binary.mul",
    "create.arange",
    "index.advanced",
    "unary.clamp",
    inductor="IndexPropagation, FloorDiv",
    onnxruntime="ConstantFolding",
    changes=("constant factor", "attribute divided", "constant shift"),
    weight=1.3,
)
def range_arithmetic(m: Draft) -> None:
    """Arithmetic on a range, and a value at the places that result"""
    x = m.start(NUMERIC, (1, 2), least=1)
    places = up_to(m, x, 0)
    places = m("binary.mul", places, m.pick("constant factor", 2, 1, 3, -1))
    places = m("binary.add", places, m.pick("constant shift", 1, 0, -1))
    divided = m.pick("attribute divided", "binary.floor_divide", "binary.remainder")
    places = m(divided, places, 2)
    size = smallest(m.shape(x)[0])
    m("index.advanced", x, m("unary.clamp", places, min=0, max=size - 1), dim=0)


@motif(
    "index.one_hot",
    "reduce.argmax",
    onnxruntime="CastElimination",
    changes=("attribute num_classes", "attribute dtype", "attribute dim"),
)
def argmax_of_one_hot(m: Draft) -> None:
    """Indices, made one-hot and found again"""
    x = m.start(("int64",), (1, 2), 0, 4)
    y = m("index.one_hot", x, num_classes=m.pick("attribute num_classes", 5, 6, 9))
    dtype = m.pick("attribute dtype", "", "float32", "int32")
    y = m.cast(y, dtype) if dtype else y
    z = m("reduce.argmax", y, dim=m.pick("attribute dim", -1, 0))
    if m.shape(z) == m.shape(x):
        m(m.either("binary.sub", "compare.eq"), z, x)


@motif(
    "cast.to",
    "compare.eq",
    "create.arange",
    "matmul.mm",
    "view.unsqueeze",
    inductor="decompose_mm",
    onnxruntime="ConstantFolding",
    changes=("attribute dim", "attribute dtype", "order"),
)
def one_hot_product(m: Draft) -> None:
    """A table read by a product with one-hot rows"""
    rows, width = m.static(1, 6), m.static(1, 6)
    table = m.constant(m.any_dtype(FLOATS), (rows, width), -2, 2)
    index = m.input("int64", (m.size(),), 0, rows - 1)
    places = up_to(m, table, 0)
    column = m("view.unsqueeze", index, dim=m.pick("attribute dim", 1, -1))
    hot = m("compare.eq", *m.order(column, places))
    between = m.pick("attribute dtype", "", "float32", "int64", "float64")
    hot = m.cast(m.cast(hot, between) if between else hot, m.dtype(table))
    m("matmul.mm", hot, table)


@motif(
    "binary.add",
    "cast.to",
    inductor="constant_fold_uniform_value, ValueRanges",
    onnxruntime="ConstantFolding",
    changes=("constant number", "attribute function", "attribute dtype"),
    weight=1.5,
)
def large_integers(m: Draft) -> None:
    """Integers beyond 2**31 and 2**53, added and taken away again"""
    x = m.start(("int64", "int32", "bool", "uint8"), (1, 2, 3))
    big = m.pick("constant number", m.any(2**31 + 1, 2**33 - 1), 2**53 + 1, 2**31, -(2**31) - 1, 2**61)
    wide = m.cast(x, "int64")
    if m.any(True, False):
        y = m("binary.add", wide, big)
    else:
        made = m("create.full_like", x, fill_value=big, dtype=Dtype(m.pick("attribute dtype", "int64", "float64")))
        y = m("binary.add", wide, made)
    m(m.pick("attribute function", m.either("binary.sub", "compare.gt", "compare.ge"), "compare.eq"), y, abs(big) - 1)
