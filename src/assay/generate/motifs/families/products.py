"""Matrix products beside a bias, a scale, a transposition, an activation, or other products of the same operand."""

from __future__ import annotations

from assay.generate.motifs.catalogue import motif
from assay.generate.motifs.draft import Draft
from assay.ir.types import FLOATS

ACTIVATIONS = (
    "unary.relu",
    "activation.gelu",
    "smooth.sigmoid",
    "smooth.tanh",
    "activation.silu",
    "activation.leaky_relu",
)


def matrix(m: Draft, rank: int = 2, reach: float = 2) -> str:
    """A matrix, or a batch of them, that has elements."""
    return m.start(FLOATS, (rank,), -reach, reach, least=1)


def linear(m: Draft, x: str, bias: bool) -> str:
    """A linear layer with constant weights."""
    weight = m.constant(m.dtype(x), (m.static(1, 6), m.shape(x)[-1]), -2, 2)
    return m("matmul.linear", x, weight, m.made(-2, 2, constant=True) if bias else None)


@motif(
    "binary.add",
    "matmul.mm",
    inductor="addmm, is_valid_addmm_fusion, unfuse_bias_add_to_pointwise",
    onnxruntime="MatMulAddFusion",
    changes=("shape bias", "order", "attribute alpha", "attribute function"),
)
def product_and_bias(m: Draft) -> None:
    """A matrix product and a bias"""
    x = matrix(m)
    columns = m.size()
    y = m("matmul.mm", x, m.other(x, (m.shape(x)[1], columns), -2, 2))
    shape = m.pick("shape bias", m.any((columns,), (1, columns)), (m.shape(x)[0], 1), m.shape(y), (), (1, 1, columns))
    function = m.pick("attribute function", "binary.add", "binary.sub")
    m(function, *m.order(y, m.other(x, shape, -2, 2)), alpha=m.pick("attribute alpha", 1, 2, 0))


@motif(
    "binary.add",
    "matmul.mm",
    inductor="mm_plus_mm, addmm",
    onnxruntime="GemmSumFusion",
    changes=("order", "attribute function", "shape second"),
)
def sum_of_products(m: Draft) -> None:
    """The sum of two matrix products"""
    x = matrix(m)
    columns = m.size()
    y = m("matmul.mm", x, m.other(x, (m.shape(x)[1], columns), -2, 2))
    rows = m.pick("shape second", m.shape(x)[0], 1)
    inner = m.size()
    z = m("matmul.mm", m.other(x, (rows, inner), -2, 2), m.other(x, (inner, columns), -2, 2))
    m(m.pick("attribute function", "binary.add", "binary.mul", "binary.sub"), *m.order(y, z))


@motif(
    "join.cat",
    inductor="matmul_fuse_pattern, addmm_fuse_pattern_second, GroupLinearFusion, grouped_gemm_pass",
    changes=("shape weight", "attribute bias", "order"),
)
def products_of_one(m: Draft) -> None:
    """Several matrix products of the same operand, with other weights"""
    x = matrix(m)
    inner, columns = m.shape(x)[1], m.size()
    second = m.pick("shape weight", columns, m.size())
    weights = [
        m.constant(m.dtype(x), (inner, size), -2, 2) for size in m.any((columns, second), (columns, columns, second))
    ]
    with_bias = m.any(True, False)
    made = []
    for weight in weights:
        if with_bias:
            shape = (m.shape(weight)[1],)
            made.append(m("matmul.addmm", m.constant(m.dtype(x), shape, -2, 2), x, weight))
        else:
            made.append(m("matmul.mm", x, weight))
        with_bias = m.pick("attribute bias", with_bias, not with_bias)
    m("join.cat", m.order(*made), dim=1)


@motif(
    "matmul.matmul",
    "view.transpose",
    inductor="permute_matmul_fusion",
    onnxruntime="MatmulTransposeFusion, GemmTransposeFusion",
    changes=("attribute dims", "attribute between", "order"),
)
def transposed_operand(m: Draft) -> None:
    """A matrix product with a transposed operand"""
    x = matrix(m, m.any(2, 3, 4))
    shape = m.shape(x)
    y = m.other(x, m.any((*shape[:-2], m.size(), shape[-1]), shape), -2, 2)
    first, second = m.pick("attribute dims", m.any((-1, -2), (-2, -1)), (0, -1), (0, 1))
    turned = m("view.transpose", y, dim0=first, dim1=second)
    between = m.pick("attribute between", "", "unary.neg", "move.contiguous", "unary.relu")
    if between:
        turned = m(between, turned)
    m("matmul.matmul", *m.order(x, turned))


@motif(
    "matmul.linear",
    inductor="_register_unary_fusion, linear_permute_fusion",
    onnxruntime="GemmActivationFusion, MatMulActivationFusion, BiasGeluFusion",
    changes=("attribute bias", "attribute rank", "attribute approximate"),
)
def linear_activation(m: Draft) -> None:
    """A linear layer and an activation"""
    x = matrix(m, m.pick("attribute rank", m.any(2, 3), 1, 4))
    bias = m.pick("attribute bias", True, False)
    y = linear(m, x, bias)
    activation = m.either(*ACTIVATIONS)
    if activation == "activation.gelu":
        m(activation, y, approximate=m.pick("attribute approximate", "none", "tanh"))
    else:
        m(activation, y)


@motif(
    "matmul.linear",
    inductor="_check_linear_and_broadcast_op",
    onnxruntime="MatMulAddFusion, MatMulScaleFusion, GemmSumFusion",
    changes=("shape constant", "order", "attribute function", "constant factor"),
)
def linear_constant(m: Draft) -> None:
    """A constant added to a linear layer or multiplied with it"""
    x = matrix(m, m.any(2, 3))
    y = linear(m, x, m.any(True, False))
    columns = m.shape(y)[-1]
    function = m.pick("attribute function", m.either("binary.mul", "binary.add"), "binary.sub", "binary.div")
    if m.any(True, False):
        m(function, y, m.pick("constant factor", m.any(0.5, 2.0), 1, 4, 0.25))
    else:
        shape = m.pick("shape constant", m.any((columns,), (1, columns)), (), (m.shape(y)[-2], 1), (1, 1, columns))
        low = 1 if function == "binary.div" else -2
        m(function, *m.order(y, m.constant(m.dtype(x), shape, low, 2)))


@motif(
    "binary.mul",
    "matmul.matmul",
    inductor="_sfdp_pattern_2",
    onnxruntime="MatMulScaleFusion",
    changes=("constant scale", "attribute place", "attribute function"),
)
def scaled_product(m: Draft) -> None:
    """A matrix product whose operand or result is scaled by a number"""
    x = matrix(m, m.any(2, 3))
    shape = m.shape(x)
    y = m.other(x, (*shape[:-2], shape[-1], m.size()), -2, 2)
    scale = m.pick("constant scale", m.any(0.5, 0.25, 2.0), 1.0, -1.0, 0.0)
    function = m.pick("attribute function", "binary.mul", "binary.div") if scale else "binary.mul"
    sign = {"sign": -1 if scale < 0 else 1} if function == "binary.div" else {}
    place = m.pick("attribute place", m.any("first", "result"), "second")
    if place == "first":
        m("matmul.matmul", m(function, x, scale, **sign), y)
    elif place == "second":
        m("matmul.matmul", x, m(function, y, scale, **sign))
    else:
        m(function, m("matmul.matmul", x, y), scale, **sign)


@motif(
    "matmul.bmm",
    "view.squeeze",
    inductor="bmm_to_mm, decompose_bmm",
    changes=("shape batch", "attribute squeezed"),
)
def batch_of_one(m: Draft) -> None:
    """A batched product of one matrix, or of few"""
    dtype, (rows, inner, columns) = m.any_dtype(FLOATS), (m.size(), m.size(), m.size())
    batch = m.pick("shape batch", 1, 2)
    x = m.input(dtype, (batch, rows, inner), -2, 2)
    y = m("matmul.bmm", x, m.other(x, (batch, inner, columns), -2, 2))
    if m.pick("attribute squeezed", True, False):
        m("view.squeeze", y, dim=0)
    else:
        m(m.either("unary.relu", "unary.neg"), y)


@motif(
    inductor="decompose_mm, decompose_addmm",
    changes=("shape rows", "shape columns", "shape inner"),
)
def thin_product(m: Draft) -> None:
    """A matrix product of a single row, column or inner size, and what is fused with it"""
    dtype = m.any_dtype(FLOATS)
    rows, inner, columns = m.any((1, m.size(), m.size()), (m.size(), m.size(), 1), (m.size(), 1, m.size()))
    rows, columns = m.pick("shape rows", rows, 2, 1), m.pick("shape columns", columns, 1, 2)
    inner = m.pick("shape inner", inner, 1, 2)
    x = m.input(dtype, (rows, inner), -2, 2)
    y = m.other(x, (inner, columns), -2, 2)
    z = m("matmul.mm", x, y) if m.any(True, False) else m("matmul.addmm", m.other(x, (columns,), -2, 2), x, y)
    m(m.either("unary.relu", "unary.neg", "unary.abs"), z)


@motif(
    "matmul.mm",
    inductor="b2b_gemm",
    onnxruntime="MatMulActivationFusion",
    changes=("attribute between", "shape inner"),
    weight=1.5,
)
def products_in_a_row(m: Draft) -> None:
    """Two matrix products with a pointwise operation between them"""
    x = matrix(m, reach=1)
    inner = m.pick("shape inner", m.size(), 1)
    y = m("matmul.mm", x, m.other(x, (m.shape(x)[1], inner), -1, 1))
    y = m(m.pick("attribute between", m.either(*ACTIVATIONS), "unary.neg", "view.t", "unary.abs"), y)
    m("matmul.mm", y, m.other(x, (m.shape(y)[1], m.size()), -1, 1))


@motif(
    "matmul.mm",
    "view.reshape",
    inductor="_is_foldable_pattern, _recover_linear",
    onnxruntime="ReshapeFusion, MatMulAddFusion",
    changes=("attribute shape", "attribute bias"),
)
def flattened_product(m: Draft) -> None:
    """A batch of rows as one matrix, multiplied, and as a batch again"""
    x = matrix(m, 3)
    shape = m.shape(x)
    columns = m.size()
    rows = m("view.reshape", x, shape=(shape[0] * shape[1], shape[2]))
    y = m("matmul.mm", rows, m.constant(m.dtype(x), (shape[2], columns), -2, 2))
    if m.pick("attribute bias", False, True):
        y = m("binary.add", y, m.constant(m.dtype(x), (columns,), -2, 2))
    back = (shape[0], shape[1], columns)
    z = m("view.reshape", y, shape=m.pick("attribute shape", back, (shape[1], shape[0], columns), (-1,)))
    m(m.either("unary.relu", "unary.abs", "unary.neg"), z)


@motif(
    "create.ones_like",
    "matmul.mm",
    "tri.tril",
    inductor="constant_fold_uniform_value",
    onnxruntime="ConstantFolding",
    changes=("attribute diagonal", "attribute triangle"),
)
def cumulative_product(m: Draft) -> None:
    """Cumulative sums as a product with a triangle of ones"""
    x = matrix(m)
    square = m("matmul.mm", x, m("view.t", x)) if m.any(True, False) else m.input(m.dtype(x), (m.shape(x)[0],) * 2)
    ones = m("create.ones_like", square)
    triangle = m(
        m.pick("attribute triangle", "tri.tril", "tri.triu"), ones, diagonal=m.pick("attribute diagonal", 0, -1, 1)
    )
    m("matmul.mm", triangle, x)


@motif(
    "binary.add",
    "matmul.einsum",
    inductor="replace_einsum_to_pointwise",
    onnxruntime="MatmulTransposeFusion",
    changes=("attribute equation", "attribute function"),
)
def einsum_and_sum(m: Draft) -> None:
    """An einsum whose result is added to"""
    equation = m.pick(
        "attribute equation", m.any("bij,bjk->bik", "ij,jk->ik"), "bij,bkj->bik", "ij,kj->ki", "ij,ij->ji"
    )
    left, right = equation.split("->")[0].split(",")
    sizes = {letter: m.size() for letter in "bijk"}
    x = m.input(m.any_dtype(FLOATS), tuple(sizes[letter] for letter in left), -2, 2)
    y = m("matmul.einsum", x, m.other(x, tuple(sizes[letter] for letter in right), -2, 2), equation=equation)
    m(m.pick("attribute function", "binary.add", "binary.mul"), y, m.other(x, m.shape(y)[-1:], -2, 2))


@motif(
    "matmul.matmul",
    "norm.batch_norm",
    inductor="efficient_conv_bn_eval_graph_transform_decomposed",
    onnxruntime="MatmulBNFusion",
    changes=("attribute affine", "constant eps"),
    rounds=True,
)
def linear_batch_norm(m: Draft) -> None:
    """Batch normalisation with fixed statistics, behind a linear layer"""
    x = matrix(m)
    weight = m.constant(m.dtype(x), (m.shape(x)[1], m.static(1, 4)), -1, 1)
    y = m("matmul.matmul", x, weight)
    parameter = m.pick("attribute affine", m.made(-2, 2, constant=True), None)
    mean, variance = m.made(-1, 1, constant=True), m.made(0.25, 4, constant=True)
    z = m("norm.batch_norm", y, mean, variance, parameter, parameter, eps=m.pick("constant eps", 1e-5, 1e-3, 0.125))
    m(m.either(*ACTIVATIONS), z)
