"""Conversions: chains that collapse, islands of another precision, truth values as numbers."""

from __future__ import annotations

from assay.generate.motifs.catalogue import motif
from assay.generate.motifs.draft import Draft
from assay.ir.types import FLOATS, NUMERIC

RANKS = (0, 1, 2, 3, 4)
NARROW, WIDE = ("float16", "bfloat16"), ("float32", "float64")


@motif(
    "cast.to",
    inductor="pointless_convert",
    onnxruntime="CastElimination, CastChainElimination",
    changes=("attribute between", "attribute last"),
)
def cast_chain(m: Draft) -> None:
    """A value cast to another floating-point type and back"""
    x = m.start(FLOATS, RANKS)
    own = m.dtype(x)
    others = [dtype for dtype in FLOATS if dtype != own]
    between = m.pick("attribute between", m.any(*others), "int32", "int64", "int8", "bool")
    m.cast(m.cast(x, between), m.pick("attribute last", own, *others))


@motif(
    "binary.add",
    "cast.to",
    inductor="convert_element_type_noop, unnecessary_dtype_convert",
    onnxruntime="CastElimination",
    changes=("attribute dtype",),
)
def cast_to_own(m: Draft) -> None:
    """A cast to the type that a value has, between operations"""
    x = m.start(NUMERIC, RANKS)
    y = m(m.either("unary.abs", "unary.square", "unary.relu"), x)
    z = m.cast(y, m.pick("attribute dtype", m.dtype(y), "float64", "float32", "int64"))
    m("binary.add", z, x)


@motif(
    "binary.mul",
    "cast.to",
    inductor="pointless_convert, int_noop",
    onnxruntime="CastElimination, CastChainElimination",
    changes=("attribute between", "attribute last"),
)
def truth_of_integers(m: Draft) -> None:
    """Integers cast to truth values and back: no identity, though it looks like one"""
    x = m.start(("int64", "int32", "uint8", "int8"), RANKS)
    between = m.pick("attribute between", "bool", "uint8", "int8", "float32")
    y = m.cast(m.cast(x, between), m.pick("attribute last", m.dtype(x), "float32", "int32"))
    m("binary.mul", y, x)


@motif(
    "binary.mul",
    "cast.to",
    inductor="pointless_convert",
    onnxruntime="CastElimination, RemoveDuplicateCastTransformer",
    changes=("attribute dtype", "constant bound", "order"),
)
def mask_as_number(m: Draft) -> None:
    """A comparison, cast to a number and multiplied with what was compared"""
    x = m.start(NUMERIC, RANKS, jumps=True)
    mask = m(m.either("compare.gt", "compare.ge", "compare.ne", "compare.lt"), x, m.pick("constant bound", 0, 1, 2))
    y = m.cast(mask, m.pick("attribute dtype", m.dtype(x), "float32", "int64", "uint8"))
    m("binary.mul", *m.order(x, y))


@motif(
    "cast.to",
    inductor="pointless_convert",
    onnxruntime="InsertCastTransformer, RemoveDuplicateCastTransformer",
    changes=("attribute between", "attribute second"),
)
def precision_island(m: Draft) -> None:
    """Two operations in a wider type, cast down and up again between them"""
    x = m.start(NARROW, (1, 2, 3, 4))
    own = m.dtype(x)
    wide = m.any("float32", "float32", "float64")
    y = m(m.either("unary.square", "smooth.tanh", "unary.relu", "smooth.sigmoid"), m.cast(x, wide))
    y = m.cast(y, m.pick("attribute between", own, "bfloat16", "float16", "float64"))
    z = m(m.either("unary.neg", "unary.abs", "smooth.erf"), m.cast(y, m.pick("attribute second", wide, *WIDE)))
    m.cast(z, own)


@motif(
    "cast.to",
    inductor="pointless_convert",
    onnxruntime="InsertCastTransformer, RemoveDuplicateCastTransformer",
    changes=("attribute wide", "attribute last", "attribute keepdim"),
)
def wide_reduction(m: Draft) -> None:
    """A reduction of 16-bit numbers in a wider type"""
    x = m.start(NARROW, (1, 2, 3), least=1)
    y = m.cast(x, m.pick("attribute wide", "float32", "float64"))
    dim = m.any(0, -1)
    keepdim = m.pick("attribute keepdim", False, True)
    y = m(m.either("reduce.sum", "reduce.mean", "reduce.amax"), y, dim=(dim,), keepdim=keepdim)
    m.cast(y, m.pick("attribute last", m.dtype(x), "float16", "bfloat16"))


@motif(
    "cast.to",
    "matmul.mm",
    inductor="mark_mixed_dtype, decompose_mm",
    onnxruntime="InsertCastTransformer, FuseInitializersTransformer",
    changes=("attribute dtype", "attribute last"),
)
def narrow_product(m: Draft) -> None:
    """A matrix product whose operands are cast to 16 bits, and its result back"""
    x = m.start(("float32", "float64"), (2,), least=1, low=-2, high=2)
    y = m.other(x, (m.shape(x)[1], m.size()), low=-2, high=2)
    narrow = m.pick("attribute dtype", m.any(*NARROW), "float64", "float32")
    z = m("matmul.mm", m.cast(x, narrow), m.cast(y, narrow))
    m.cast(z, m.pick("attribute last", m.dtype(x), "float64", "float16"))
