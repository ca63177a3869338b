"""The forms of what goes along dimensions: reductions, scans, sorting, products of matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assay.emit.triton_kernels import FLAT, LEAST_DOT, WHOLE, Kernel, number, padded, product, sizes, type_name
from assay.emit.triton_table import form, held, wide
from assay.ir.types import INTEGER_RANGE, is_float
from assay.ops.facts import require
from assay.ops.onnx_forms import Arg, Args
from assay.ops.protocol import Binding
from assay.ops.shapes import normal_dims


def _axes(k: Kernel, b: Binding, x: Arg) -> tuple[int, ...]:
    """The dimensions that are reduced, the last first."""
    rank = len(sizes(x.type))
    require(k.mode != FLAT and rank > 0, "along a dimension")
    axes = sorted(normal_dims(b.dim, rank), reverse=True)
    require(k.mode == WHOLE or 0 not in axes, "along the rows")
    return tuple(axes)


def _keep(b: Binding) -> str:
    return ", keep_dims=True" if getattr(b, "keepdim", False) else ""


def _over(text: str, axes: Sequence[int], function: str, keep: str, more: str = "") -> str:
    for axis in axes:
        text = f"tl.{function}({text}, {axis}{more}{keep})"
    return text


@form("reduce.sum", "reduce.mean", "reduce.count_nonzero")
def total(k: Kernel, b: Binding, x: Arg) -> str:
    """A sum, or that over the number of terms."""
    axes, (out,) = _axes(k, b, x), k.out
    dtype = held(out.dtype)
    counted = "count" in k.operator
    text = k.read(x, "bool" if counted else dtype, alone=True)
    text = k.cast(text, "bool" if counted else dtype, dtype)
    found = _over(k.filled(text, x, axes, k.const(0, dtype)), axes, "sum", _keep(b))
    if "mean" in k.operator:
        require(is_float(out.dtype), "a mean of integers")
        found = f"({found} / {number(product([k.size(x, axis) for axis in axes]), dtype)})"
    return k.cast(found, dtype, out.dtype)


@form("reduce.prod")
def multiplied(k: Kernel, b: Binding, x: Arg) -> str:
    """A product: a reduction by a function of the kernel's own."""
    axes, (out,) = _axes(k, b, x), k.out
    dtype = held(out.dtype)
    text = k.filled(k.read(x, dtype, alone=True), x, axes, k.const(1, dtype))
    return k.cast(_over(text, axes, "reduce", _keep(b), ", multiplied"), dtype, out.dtype)


@form("reduce.amax", "reduce.amin")
def extreme(k: Kernel, b: Binding, x: Arg) -> str:
    """The largest or smallest."""
    axes, (out,) = _axes(k, b, x), k.out
    high = "amin" in k.operator
    dtype = "int8" if x.dtype == "bool" else x.dtype
    text = k.filled(k.read(x, dtype, alone=True), x, axes, k.const(*_typed(dtype, high)))
    found = _over(text, axes, "min" if high else "max", _keep(b))
    return f"({found} != 0)" if out.dtype == "bool" else f"({found}).to({type_name(out.dtype)})"


def _typed(dtype: str, high: bool) -> tuple[Any, str]:
    value = float("inf") if high else -float("inf")
    return (value if is_float(dtype) else INTEGER_RANGE[dtype][int(high)]), dtype


@form("reduce.all", "reduce.any")
def every(k: Kernel, b: Binding, x: Arg) -> str:
    """Whether all are, or one is."""
    axes = _axes(k, b, x)
    whole = "all" in k.operator
    text = k.cast(k.read(x, "bool", alone=True), "bool", "int32")
    text = k.filled(text, x, axes, k.const(int(whole), "int32"))
    return f"({_over(text, axes, 'min' if whole else 'max', _keep(b))} != 0)"


@form("reduce.max", "reduce.min", "reduce.argmax", "reduce.argmin")
def located(k: Kernel, b: Binding, x: Arg) -> str | tuple[str, ...]:
    """The extreme and where it is."""
    axes = _axes(k, b, x)
    require(len(axes) == 1 and x.dtype != "bool", "several dimensions")
    high = "min" in k.operator
    word = "min" if high else "max"
    text = k.filled(k.read(x, alone=True), x, axes, k.const(*_typed(x.dtype, high)))
    if "arg" in k.operator:
        return f"tl.arg{word}({text}, {axes[0]}{_keep(b)}).to(tl.int64)"
    first, second = k.let(text), f"t{k.number()}"
    values = f"t{k.number()}"
    k.line(f"{values}, {second} = tl.{word}({first}, {axes[0]}, return_indices=True{_keep(b)})")
    return f"{values}.to({type_name(x.dtype)})", f"{second}.to(tl.int64)"


@form("reduce.logsumexp", "norm.softmax", "norm.log_softmax")
def exponentials(k: Kernel, b: Binding, x: Arg) -> str:
    """Sums of exponentials, relative to the largest."""
    axes, (out,) = _axes(k, b, x), k.out
    require(is_float(out.dtype), "integers")
    dtype = wide(out.dtype)
    text = k.let(k.filled(k.read(x, dtype, alone=True), x, axes, k.const(*_typed(dtype, False))))
    keep = ", keep_dims=True"
    most = k.let(_over(text, axes, "max", keep))
    shifted = k.let(f"tl.exp({text} - {most})")
    summed = k.let(_over(shifted, axes, "sum", keep))
    if "logsumexp" in k.operator:
        found = k.let(f"{most} + tl.log({summed})")
        # Of one element each, the sum is the element.
        found = found if _keep(b) else _over(found, axes, "max", "")
    else:
        found = f"({text} - {most} - tl.log({summed}))" if "log" in k.operator else f"({shifted} / {summed})"
    return k.cast(found, dtype, out.dtype)


@form("reduce.var", "reduce.std")
def spread(k: Kernel, b: Binding, x: Arg) -> str:
    """Variance or deviation, in two passes."""
    axes, (out,) = _axes(k, b, x), k.out
    dtype = wide(out.dtype)
    count = product([k.size(x, axis) for axis in axes])
    require(count > b.correction, "too few elements")
    text = k.let(k.read(x, dtype, alone=True))
    zero = k.const(0, dtype)
    mean = k.let(f"{_over(k.filled(text, x, axes, zero), axes, 'sum', ', keep_dims=True')} / {float(count)}")
    squares = k.let(f"({text} - {mean}) * ({text} - {mean})")
    found = f"({_over(k.filled(squares, x, axes, zero), axes, 'sum', _keep(b))} / {float(count - b.correction)})"
    return k.cast(f"tl.sqrt({found})" if "std" in k.operator else found, dtype, out.dtype)


@form("scan.cumsum", "scan.cumprod")
def scanned(k: Kernel, b: Binding, x: Arg) -> str:
    """The sums or products so far."""
    axes, (out,) = _axes(k, b, x), k.out
    dtype = held(out.dtype)
    found = f"tl.{k.operator.partition('.')[2]}({k.read(x, dtype, alone=True)}, {axes[0]})"
    return k.cast(found, dtype, out.dtype)


@form("scan.cummax", "scan.cummin")
def running(k: Kernel, b: Binding, x: Arg) -> tuple[str, str]:
    """The extreme so far and where it is: a scan of two tiles by a function of the kernel's own."""
    axes = _axes(k, b, x)
    require(x.dtype != "bool", "bools")
    shape = sizes(x.type)
    text = k.let(k.read(x, alone=True))
    lanes = ", ".join(k.lanes(shape))
    where_ = k.let(f"tl.broadcast_to({k.axis(axes[0], len(shape), shape[axes[0]])}, ({lanes},))")
    combine = "larger" if "max" in k.operator else "smaller"
    values, places = f"t{k.number()}", f"t{k.number()}"
    k.line(f"{values}, {places} = tl.associative_scan(({text}, {where_}), {axes[0]}, {combine})")
    return values, f"{places}.to(tl.int64)"


@form("sort.msort")
def msort(k: Kernel, b: Binding, x: Arg) -> str:
    """A row in order."""
    shape = sizes(x.type)
    require(k.mode == WHOLE and len(shape) == 1 and shape[0] > 1 and x.dtype != "bool", "several rows")
    return f"tl.sort({k.filled(k.read(x, alone=True), x, (0,), k.const(*_typed(x.dtype, True)))}, 0)"


# products


def _dotted(dtype: str) -> str | None:
    """The dtype in which `tl.dot` sums products of a dtype."""
    return {
        "float16": "float32",
        "bfloat16": "float32",
        "float32": "float32",
        "float64": "float64",
        "int8": "int32",
    }.get(dtype)


def _product(k: Kernel, x: str, y: str, dtype: str, shapes: Sequence[tuple[int, ...]]) -> str:
    """A product of two matrices, or of rows of them, in the dtype of its sums."""
    if _dotted(dtype) is not None and k.written.least == LEAST_DOT:
        more = ', input_precision="ieee"' if dtype == "float32" else ""
        more += ", out_dtype=tl.float64" if dtype == "float64" else ", out_dtype=tl.int32" if dtype == "int8" else ""
        return f"tl.dot({x}, {y}{more})"
    left, right = ("[:, :, :, None]", "[:, None, :, :]") if len(shapes[0]) == 3 else ("[:, :, None]", "[None, :, :]")
    inner = held(dtype)
    return f"tl.sum(({x}).to({type_name(inner)}){left} * ({y}).to({type_name(inner)}){right}, {len(shapes[0]) - 1})"


@form("matmul.mm", "matmul.bmm", "matmul.matmul", "matmul.linear", "matmul.addmm")
def matmul(k: Kernel, b: Binding, *args: Args) -> str:
    """Products of matrices: by `tl.dot`, or by a sum of products over a third dimension."""
    (out,) = k.out
    name = k.operator
    bias: Arg | None = None
    x, y, *rest = args
    if name == "matmul.addmm":
        bias, x, y = args[0], args[1], args[2]  # type: ignore[assignment]
        require(b.beta == 1 and b.alpha == 1, "factors")
    elif rest:
        bias = rest[0]  # type: ignore[assignment]
    assert isinstance(x, Arg)
    assert isinstance(y, Arg)
    transposed = name == "matmul.linear"
    first, second = sizes(x.type), sizes(y.type)
    require(k.mode != FLAT and len(first) == len(second) in (2, 3) and bool(product((*first, *second))), "no matrices")
    require(len(first) == 2 or not transposed, "a batch")
    require(len(first) == 2 or first[0] == second[0], "a broadcast batch")
    require(x.dtype == y.dtype == out.dtype != "bool", "several dtypes")
    large = min(*first[-2:], *second[-2:]) > 1 and _dotted(out.dtype) is not None
    if large and len(first) == 2 and k.dots and not k.written.loaded:
        k.need_least(LEAST_DOT)
    if k.written.least != LEAST_DOT:
        lanes = product([padded(size) for size in first]) * padded(second[0 if transposed else -1])
        require(lanes <= 4096, "a large product")
    left = k.read(x, alone=True)
    right = k.read(y, alone=True) if len(second) == 3 else k.read_whole(y)
    left = k.filled(left, x, (len(first) - 1,), k.const(0, x.dtype))
    if k.mode == WHOLE or len(first) == 3:
        # What a kernel of rows loads is zero beyond its sizes.
        right = k.filled(right, y, (len(second) - (1 if transposed else 2),), k.const(0, y.dtype))
    if transposed:
        right = f"tl.trans({right})"
    sums = (_dotted(out.dtype) or "") if k.written.least == LEAST_DOT else held(out.dtype)
    found = _product(k, left, right, out.dtype, (first, second))
    if bias is not None:
        found = f"({found} + {k.read(bias, sums)})"
    return k.cast(found, sums, out.dtype)


@form("matmul.dot", "matmul.mv", "matmul.outer")
def vectors(k: Kernel, b: Binding, x: Arg, y: Arg) -> str:
    """Products of which one is a vector."""
    (out,) = k.out
    first, second = sizes(x.type), sizes(y.type)
    require(k.mode == WHOLE and out.dtype != "bool" and bool(product((*first, *second))), "rows")
    dtype = held(out.dtype)
    left, right = k.read(x, dtype, alone=True), k.read(y, dtype, alone=True)
    if "outer" in k.operator:
        return k.cast(f"({left}[:, None] * {right}[None, :])", dtype, out.dtype)
    left = k.filled(left, x, (len(first) - 1,), k.const(0, dtype))
    right = right if len(first) == 1 else f"{right}[None, :]"
    return k.cast(f"tl.sum({left} * {right}, {len(first) - 1})", dtype, out.dtype)
