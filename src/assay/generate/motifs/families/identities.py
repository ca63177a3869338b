"""Arithmetic that leaves a value as it was, cancels, or folds into one constant."""

from __future__ import annotations

from assay.generate.motifs.catalogue import motif
from assay.generate.motifs.draft import Draft
from assay.ir.types import ALL, FLOATS, NUMERIC, Dtype

RANKS = (0, 1, 2, 3, 4)
SIGNED = tuple(dtype for dtype in NUMERIC if dtype != "uint8")
POINTWISE = ("unary.relu", "unary.abs", "unary.square", "smooth.sigmoid", "smooth.tanh")


@motif(
    inductor="remove_no_ops",
    onnxruntime="NoopElimination",
    changes=("constant neutral", "attribute function"),
)
def neutral_number(m: Draft) -> None:
    """A neutral number added to a value or multiplied with it, between operations"""
    x = m.start(SIGNED, RANKS)
    y = m(m.either("unary.relu", "unary.abs", "unary.square"), x)
    function = m.either("binary.add", "binary.sub", "binary.mul", "binary.div", "binary.floor_divide")
    usual = 0 if function in ("binary.add", "binary.sub") else 1
    function = m.pick("attribute function", function, "binary.rsub")
    others = (0.0, 1, 2) if usual == 0 else (1.0, 2)
    z = m(function, y, m.pick("constant neutral", usual, *others))
    m(m.either("unary.neg", "unary.abs"), z)


@motif(
    inductor="remove_no_ops, constant_fold_uniform_value",
    onnxruntime="ConstantFolding, NoopElimination",
    changes=("constant neutral", "attribute dtype", "order", "shape made"),
)
def neutral_tensor(m: Draft) -> None:
    """A tensor of zeros or ones, added to a value or multiplied with it"""
    x = m.start(NUMERIC, RANKS)
    function = m.either("binary.add", "binary.sub", "binary.mul", "binary.div")
    usual = 0 if function in ("binary.add", "binary.sub") else 1
    like = x
    if m.pick("shape made", True, False) is False:
        like = m("view.unsqueeze", x, dim=0)
    value = m.pick("constant neutral", usual, 1 - usual if function != "binary.div" else 2, 2)
    dtype = m.pick("attribute dtype", "", "float32", "int64", "float64")
    if value in (0, 1) and m.any(True, False):
        made = m(f"create.{'ones' if value else 'zeros'}_like", like, dtype=Dtype(dtype) if dtype else None)
    else:
        made = m("create.full_like", like, fill_value=value, dtype=Dtype(dtype) if dtype else None)
    operands = m.order(x, made) if function != "binary.div" else (x, made)
    m(function, *operands)


@motif(
    inductor="true_noop",
    onnxruntime="CommonSubexpressionElimination",
    changes=("attribute function", "attribute between"),
)
def with_itself(m: Draft) -> None:
    """A value less itself, or beside itself in another operation"""
    x = m.start(SIGNED, RANKS)
    function = m.either("binary.sub", "binary.maximum", "binary.minimum", "binary.mul", "binary.add", "compare.eq")
    between = m.pick("attribute between", m.any("", "move.clone"), "unary.neg", "unary.abs")
    y = m(between, x) if between else x
    function = m.pick("attribute function", function, "binary.add", "binary.sub")
    if function == "compare.eq" and not (m.facts(x).exact or m.builder.policy.decisions):
        function = "binary.sub"
    m(m.either("unary.abs", "unary.logical_not", "move.clone"), m(function, x, y))


@motif(
    "binary.mul",
    inductor="_add_peephole_patterns, constant_fold_uniform_value",
    onnxruntime="ConstantFolding",
    changes=("constant zero", "attribute last", "order"),
)
def times_zero(m: Draft) -> None:
    """A value times zero, used as zeros"""
    x = m.start(SIGNED, RANKS)
    if m.any(True, False):
        zeros = m("binary.mul", x, m.pick("constant zero", m.any(0, 0.0), 1, 2))
    else:
        like = m(m.pick("constant zero", "create.zeros_like", "create.ones_like"), x)
        zeros = m("binary.mul", *m.order(x, like))
    m(m.pick("attribute last", m.either("binary.add", "binary.sub"), "binary.maximum"), x, zeros)


@motif(
    "unary.neg",
    onnxruntime="TransposeOptimizer",
    changes=("attribute second", "attribute between"),
)
def double_negation(m: Draft) -> None:
    """A negation of a negation"""
    x = m.start(SIGNED, RANKS)
    y = m("unary.neg", x)
    between = m.pick("attribute between", "", "view.t" if m.rank(x) < 3 else "move.clone", "unary.abs")
    y = m(between, y) if between else y
    m(m.pick("attribute second", "unary.neg", "unary.abs", "unary.positive"), y)


@motif(
    "unary.logical_not",
    inductor="ValueRanges",
    onnxruntime="NotWhereFusion",
    changes=("attribute comparison", "attribute second", "constant bound"),
)
def negated_comparison(m: Draft) -> None:
    """The negation of a comparison, or of a negation"""
    x = m.start(NUMERIC, RANKS, jumps=True)
    comparison = m.either("compare.eq", "compare.ne", "compare.lt", "compare.ge")
    mask = m(
        m.pick("attribute comparison", comparison, "compare.gt", "compare.le"), x, m.pick("constant bound", 0, 1, 2.0)
    )
    mask = m("unary.logical_not", mask)
    second = m.pick("attribute second", m.any("unary.logical_not", ""), "unary.bitwise_not")
    mask = m(second, mask) if second else mask
    m("ternary.where", x, 0, mask) if m.any(True, False) else m(m.either("reduce.any", "reduce.all"), mask)


@motif(
    "ternary.where",
    "unary.logical_not",
    inductor="ValueRanges",
    onnxruntime="NotWhereFusion",
    changes=("attribute inverted", "order", "shape condition"),
)
def where_of_negation(m: Draft) -> None:
    """A choice by a negated condition"""
    x = m.start(NUMERIC, (1, 2, 3))
    shape = m.pick("shape condition", m.shape(x), m.shape(x)[-1:], (1, *m.shape(x)))
    condition = m.input("bool", shape, 0, 1)
    if m.pick("attribute inverted", True, False):
        condition = m("unary.logical_not", condition)
    first, second = m.order(
        x, m.other(x, m.shape(x)) if m.any(True, False) else m(m.either("unary.abs", "unary.square"), x)
    )
    m("ternary.where", first, second, condition)


@motif(
    "ternary.where",
    inductor="constant_fold_uniform_value",
    onnxruntime="ConstantFolding",
    changes=("attribute second", "attribute condition"),
)
def where_of_same(m: Draft) -> None:
    """A choice between a value and itself, or by a condition that is constant"""
    x = m.start(NUMERIC, (1, 2, 3), low=1)
    how = m.pick("attribute condition", m.any("given", "ones"), "zeros")
    if how != "given":
        condition = m(f"create.{how}_like", x, dtype=Dtype("bool"))
        second = m(m.pick("attribute second", "unary.square", "move.clone"), x)
    else:
        condition = m.input("bool", m.shape(x), 0, 1)
        second = x if m.pick("attribute second", True, False) else m("unary.square", x)
    y = m("ternary.where", x, second, condition)
    m(m.either("unary.neg", "unary.abs"), y)


@motif(
    "binary.mul",
    onnxruntime="DivMulFusion",
    changes=("order", "attribute numerator", "attribute function"),
    rounds=True,
)
def reciprocal_product(m: Draft) -> None:
    """A value times the reciprocal of another"""
    x = m.start(FLOATS, RANKS)
    y = m.other(x, m.shape(x)[-1:], 0.5, 4)
    numerator = m.pick("attribute numerator", m.any("", "one"), "two")
    if numerator:
        like = m("create.full_like", y, fill_value=1 if numerator == "one" else 2)
        reciprocal = m("binary.div", like, y)
    else:
        reciprocal = m("smooth.reciprocal", y)
    m(m.pick("attribute function", "binary.mul", "binary.sub"), *m.order(reciprocal, x))


@motif(
    "smooth.sqrt",
    inductor="pow_recursive",
    onnxruntime="SimplifiedLayerNormFusion",
    changes=("attribute second",),
    rounds=True,
)
def root_and_power(m: Draft) -> None:
    """A root, then its square or its reciprocal"""
    x = m.start(FLOATS, RANKS, 0.25, 4)
    y = m("smooth.sqrt", x)
    second = m.pick("attribute second", m.either("unary.square", "smooth.reciprocal"), "unary.pow")
    if second == "unary.pow":
        m(second, y, exponent=m.any(2, 3))
    else:
        m(second, y)


@motif(
    inductor="ValueRanges",
    changes=("attribute second", "constant shift"),
    rounds=True,
    weight=1.5,
)
def inverse_pair(m: Draft) -> None:
    """A function and its inverse"""
    x = m.start(FLOATS, RANKS, -2, 2)
    pairs = {"smooth.exp": "smooth.log", "smooth.expm1": "smooth.log1p", "smooth.exp2": "smooth.log2"}
    first = m.either(*(first for first, second in pairs.items() if second in m.builder.allowed))
    second = pairs[first]
    y = m(first, x)
    shift = m.pick("constant shift", 0, 1)
    y = m("binary.add", y, shift) if shift else m("binary.add", y, 0.5) if first == "smooth.expm1" else y
    m(m.pick("attribute second", second, "smooth.log1p", "smooth.tanh"), y)


@motif(
    "unary.pow",
    inductor="pow_noop, pow_recursive",
    onnxruntime="NoopElimination",
    changes=("attribute exponent",),
)
def small_power(m: Draft) -> None:
    """A power of 0, 1 or 2, which is no power"""
    x = m.start(FLOATS, RANKS)
    y = m("unary.pow", x, exponent=m.pick("attribute exponent", m.any(1, 2, 0), 3, 2.0, 4))
    m(m.either("binary.mul", "binary.add", "binary.sub"), y, x)


@motif(
    inductor="constant_fold_uniform_value",
    onnxruntime="ConstantFolding",
    changes=("constant second", "attribute second", "order"),
)
def chain_of_numbers(m: Draft) -> None:
    """A value times a number times another, plus a number plus another"""
    x = m.start(SIGNED, RANKS)
    first, usual = m.any(("binary.mul", "binary.mul"), ("binary.add", "binary.add"), ("binary.mul", "binary.add"))
    a = m.any(2, 3) if m.dtype(x) not in FLOATS else m.any(2, 0.5, 1.5)
    b = m.pick("constant second", -1 if usual == "binary.mul" else -a, 0, 1, 2)
    y = m(m.pick("attribute second", usual, "binary.sub", "binary.rsub"), m(first, x, a), b)
    m(m.either("binary.add", "binary.sub"), *m.order(y, x))


@motif(
    "binary.add",
    inductor="constant_fold",
    onnxruntime="ConstantFolding, ConstantSharing",
    changes=("shape second", "order", "attribute second"),
)
def chain_of_constants(m: Draft) -> None:
    """Two constants combined with a value one after the other"""
    x = m.start(FLOATS, (1, 2, 3))
    shape = m.shape(x)[-1:]
    y = m("binary.add", x, m.constant(m.dtype(x), shape, -2, 2))
    made = m.pick("shape second", shape, (), (1,), m.shape(x))
    second = m.pick("attribute second", "binary.add", "binary.mul", "binary.sub")
    m(second, *m.order(y, m.constant(m.dtype(x), made, -2, 2)))


@motif(
    "binary.add",
    "binary.mul",
    "ternary.addcmul",
    inductor="addcmul",
    onnxruntime="ConvMulFusion, ConvAddFusion",
    changes=("order", "shape scale", "attribute second"),
)
def multiply_add(m: Draft) -> None:
    """A product and a sum, beside the fused form of both"""
    x = m.start(FLOATS, (1, 2, 3))
    scale = m.other(x, m.pick("shape scale", m.shape(x), m.shape(x)[-1:], ()), -2, 2)
    shift = m.other(x, m.shape(x)[-1:], -2, 2)
    parts = m("binary.add", *m.order(m("binary.mul", x, scale), shift))
    fused = m("ternary.addcmul", shift, x, scale)
    m(m.pick("attribute second", m.either("binary.sub", "binary.maximum"), "binary.add"), parts, fused)


@motif(
    inductor="fx_graph_cse",
    onnxruntime="CommonSubexpressionElimination",
    changes=("attribute second", "attribute dtype"),
)
def equal_subgraphs(m: Draft) -> None:
    """The same two operations twice"""
    x = m.start(FLOATS, RANKS)
    first, second = m.either(*POINTWISE), m.either("unary.neg", "unary.abs", "unary.relu")
    y = m(second, m(first, x))
    like = x
    dtype = m.pick("attribute dtype", "", "float64")
    if dtype:
        like = m.cast(x, dtype)
    z = m(m.pick("attribute second", second, "unary.neg", "unary.positive"), m(first, like))
    m(m.either("binary.sub", "binary.add", "binary.maximum"), y, z)


@motif(
    "compare.ne",
    "ternary.where",
    inductor="constant_fold_uniform_value",
    onnxruntime="ConstantFolding",
    changes=("attribute function", "constant first", "order"),
)
def truth_algebra(m: Draft) -> None:
    """Conjunctions and disjunctions with constant, equal or contrary truth values"""
    x = m.start(ALL, (1, 2, 3), jumps=True)
    mask = m("compare.ne", x, 0)
    how = m.pick("constant first", m.any("true", "contrary"), "false", "same")
    other = mask
    if how == "contrary":
        other = m("unary.logical_not", mask)
    elif how in ("true", "false"):
        other = m("create.ones_like" if how == "true" else "create.zeros_like", mask)
    function = m.either("compare.logical_and", "compare.logical_or", "compare.logical_xor")
    function = m.pick("attribute function", function, "compare.eq", "binary.bitwise_and")
    m("ternary.where", x, 0, m(function, *m.order(mask, other)))
