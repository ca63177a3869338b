"""What both sides of a worker know of the faults: their names, and the operators of the catalogue that give them a
place to be."""

from __future__ import annotations

RECORD = "ASSAY_CONTROLS_RECORD"
"""The variable that names the file in which a worker notes what a fault did."""

_CONTRACTIONS = (
    *("conv.conv1d", "conv.conv2d", "conv.conv_transpose2d"),
    *("matmul.addmm", "matmul.bmm", "matmul.dot", "matmul.linear", "matmul.matmul", "matmul.mm", "matmul.mv"),
)

SUITABLE: dict[str, tuple[str, ...]] = {
    "dropped_element": ("reduce.sum", "reduce.mean", *_CONTRACTIONS),
    "off_by_one": (
        *("part.slice", "part.narrow", "part.select", "move.roll", "move.flip", "move.repeat", "index.gather"),
        *("index.index_select", "index.advanced", "index.take", "index.embedding", "pad.constant", "pad.reflect"),
        *("pad.replicate", "create.arange", "join.cat", "reduce.mean", "scan.cumsum"),
    ),
    "sign": (
        *("binary.add", "binary.sub", "binary.mul", "binary.rsub", "binary.div", "unary.neg", "ternary.addcmul"),
        *("matmul.addmm", "matmul.mm", "matmul.bmm"),
    ),
    "swapped_operands": (
        *("binary.sub", "binary.rsub", "binary.div", "binary.pow", "binary.atan2", "binary.copysign", "ternary.where"),
        *("compare.lt", "compare.le", "compare.gt", "compare.ge", "matmul.mm", "matmul.bmm", "binary.fmod"),
    ),
    "wrong_halves": (
        *("unary.round", "unary.floor", "unary.ceil", "unary.trunc", "binary.floor_divide", "binary.remainder"),
        *("cast.long", "cast.int", "binary.div"),
    ),
    "missing_upcast": ("reduce.sum", "reduce.mean", "scan.cumsum", *_CONTRACTIONS),
}
"""By fault."""

FAULTS = tuple(SUITABLE)
