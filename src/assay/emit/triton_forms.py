"""How operators are written in Triton: one table, `FORMS`, from the name of a specification to its form.

A *form* takes the `Kernel`, the binding and an `Arg` per operand and returns the expression of each result, which has
the dtype of that result. One that cannot be written in a kernel of its kind raises Unsatisfied.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from assay.emit.triton_kernels import FLAT, LEAST_DOT, WHOLE, Kernel, number, padded, product, sizes, type_name
from assay.ir.types import INTEGER_RANGE, is_float
from assay.ops.facts import require
from assay.ops.onnx_forms import NARROW, Arg, Args, common
from assay.ops.protocol import Binding
from assay.ops.shapes import normal_dim, normal_dims

Form: TypeAlias = Callable[..., "str | tuple[str, ...]"]
FORMS: dict[str, Form] = {}

HELPERS = {
    "multiplied": ["def multiplied(a, b):", "    return a * b"],
    "larger": [
        "def larger(a, i, b, j):",
        "    right = b >= a",
        "    return tl.where(right, b, a), tl.where(right, j, i)",
    ],
    "smaller": [
        "def smaller(a, i, b, j):",
        "    right = b <= a",
        "    return tl.where(right, b, a), tl.where(right, j, i)",
    ],
}
"""Functions that kernels call, each compiled as one of Triton's own."""


def form(*names: str) -> Callable[[Form], Form]:
    """Enter a form under the names of its operators."""

    def entered(function: Form) -> Form:
        FORMS.update(dict.fromkeys(names, function))
        return function

    return entered


def wide(dtype: str) -> str:
    """The dtype in which functions of the reals are computed."""
    return "float32" if dtype in NARROW else dtype


# elementwise


def plain(template: str, *, bools: str | None = None) -> Form:
    """An expression of the operands in the dtype of the result."""

    def written(k: Kernel, b: Binding, *args: Arg) -> str:
        dtype = k.out[0].dtype
        text = bools if dtype == "bool" and bools else template
        return text.format(*(k.read(arg, dtype) for arg in args))

    return written


def real(template: str) -> Form:
    """An expression of floats, rounded once to the dtype of the result."""

    def written(k: Kernel, b: Binding, *args: Arg) -> str:
        dtype = k.out[0].dtype
        require(is_float(dtype), "a result that is no float")
        return k.cast(template.format(*(k.read(arg, wide(dtype)) for arg in args)), wide(dtype), dtype)

    return written


def compared(symbol: str) -> Form:
    """A comparison in the common dtype."""

    def written(k: Kernel, b: Binding, x: Arg, y: Arg) -> str:
        dtype = common(x, y)
        if dtype == "bool":
            dtype = "int8"
        return f"{k.read(x, dtype)} {symbol} {k.read(y, dtype)}"

    return written


def of_floats(template: str) -> Form:
    """What leaves integers as they are."""

    def written(k: Kernel, b: Binding, x: Arg) -> str:
        return str((real if is_float(x.dtype) else plain)(template if is_float(x.dtype) else "{0}")(k, b, x))

    return written


FORMS |= {
    "unary.neg": plain("-{0}"),
    "unary.square": plain("{0} * {0}"),
    "unary.positive": plain("{0}"),
    "unary.abs": plain("tl.abs({0})"),
    "unary.bitwise_not": plain("~{0}"),
    "unary.floor": of_floats("tl.floor({0})"),
    "unary.ceil": of_floats("tl.ceil({0})"),
    "unary.trunc": of_floats("tl.where({0} < 0, tl.ceil({0}), tl.floor({0}))"),
    "unary.frac": real("{0} - tl.where({0} < 0, tl.ceil({0}), tl.floor({0}))"),
    "unary.isnan": lambda k, b, x: f"{k.read(x)} != {k.read(x)}",
    "unary.logical_not": lambda k, b, x: f"{k.read(x)} == 0",
    "binary.add": lambda k, b, x, y: linear(k, b, x, y, "+"),
    "binary.sub": lambda k, b, x, y: linear(k, b, x, y, "-"),
    "binary.rsub": lambda k, b, x, y: linear(k, b, y, x, "-"),
    "binary.mul": plain("{0} * {1}", bools="{0} & {1}"),
    "binary.minimum": plain("tl.minimum({0}, {1})", bools="{0} & {1}"),
    "binary.maximum": plain("tl.maximum({0}, {1}, propagate_nan=tl.PropagateNan.ALL)", bools="{0} | {1}"),
    "binary.fmin": plain("tl.minimum({0}, {1})", bools="{0} & {1}"),
    "binary.fmax": plain("tl.where({0} > {1}, {0}, {1})", bools="{0} | {1}"),
    "binary.bitwise_and": plain("{0} & {1}"),
    "binary.bitwise_or": plain("{0} | {1}"),
    "binary.bitwise_xor": plain("{0} ^ {1}"),
    "binary.bitwise_left_shift": plain("{0} << {1}"),
    "binary.bitwise_right_shift": plain("{0} >> {1}"),
    "binary.heaviside": lambda k, b, x, y: heaviside(k, x, y),
    "compare.eq": compared("=="),
    "compare.ne": compared("!="),
    "compare.lt": compared("<"),
    "compare.le": compared("<="),
    "compare.gt": compared(">"),
    "compare.ge": compared(">="),
    "compare.logical_and": lambda k, b, x, y: f"{k.read(x, 'bool')} & {k.read(y, 'bool')}",
    "compare.logical_or": lambda k, b, x, y: f"{k.read(x, 'bool')} | {k.read(y, 'bool')}",
    "compare.logical_xor": lambda k, b, x, y: f"{k.read(x, 'bool')} ^ {k.read(y, 'bool')}",
    "smooth.exp": real("tl.exp({0})"),
    "smooth.exp2": real("tl.exp2({0})"),
    "smooth.log": real("tl.log({0})"),
    "smooth.log2": real("tl.log2({0})"),
    "smooth.sin": real("tl.sin({0})"),
    "smooth.cos": real("tl.cos({0})"),
    "smooth.sqrt": real("tl.sqrt({0})"),
    "smooth.rsqrt": real("tl.rsqrt({0})"),
    "smooth.erf": real("tl.erf({0})"),
    "smooth.sigmoid": real("1 / (1 + tl.exp(-{0}))"),
    "smooth.reciprocal": real("1 / {0}"),
    "activation.silu": real("{0} / (1 + tl.exp(-{0}))"),
    "activation.softsign": real("{0} / (1 + tl.abs({0}))"),
    "activation.relu6": real("tl.minimum(tl.maximum({0}, 0.0), 6.0)"),
    "activation.hardsigmoid": real("tl.minimum(tl.maximum({0} + 3.0, 0.0), 6.0) / 6.0"),
    "activation.hardswish": real("{0} * tl.minimum(tl.maximum({0} + 3.0, 0.0), 6.0) / 6.0"),
    "move.clone": plain("{0}"),
    "move.contiguous": plain("{0}"),
}
for _dtype in ("bfloat16", "bool", "double", "float", "half", "int", "long", "to"):
    FORMS[f"cast.{_dtype}"] = plain("{0}")


def linear(k: Kernel, b: Binding, x: Arg, y: Arg, symbol: str) -> str:
    """A sum or difference; the subtrahend may have a factor."""
    dtype = k.out[0].dtype
    if dtype == "bool":
        require(symbol == "+" and b.alpha == 1, "bools")
        return f"{k.read(x, dtype)} | {k.read(y, dtype)}"
    if b.alpha == 1:
        return f"{k.read(x, dtype)} {symbol} {k.read(y, dtype)}"
    inner = wide(dtype)
    text = f"({k.read(x, inner)} {symbol} {k.read(y, inner)} * {k.const(b.alpha, inner)})"
    return k.cast(text, inner, dtype)


def heaviside(k: Kernel, x: Arg, y: Arg) -> str:
    """0, 1, or the other operand at zero."""
    dtype = k.out[0].dtype
    text = k.read(x, dtype)
    require(dtype != "bool", "bools")
    return f"tl.where({text} == 0, {k.read(y, dtype)}, ({text} > 0).to({type_name(dtype)}))"


@form("cast.type_as")
def type_as(k: Kernel, b: Binding, x: Arg, other: Arg) -> str:
    """A cast; the other operand only gives the dtype."""
    return k.read(x, k.out[0].dtype)


@form("unary.relu")
def relu(k: Kernel, b: Binding, x: Arg) -> str:
    """The larger of it and zero."""
    return f"tl.maximum({k.read(x)}, {k.const(0, x.dtype)})"


@form("unary.sign")
def sign(k: Kernel, b: Binding, x: Arg) -> str:
    """One of three numbers."""
    text = k.read(x)
    if x.dtype == "bool":
        return text
    one, zero = k.const(1, x.dtype), k.const(0, x.dtype)
    negative = zero if x.dtype == "uint8" else k.const(-1, x.dtype)
    return f"tl.where({text} > 0, {one}, tl.where({text} < 0, {negative}, {zero}))"


@form("unary.isfinite")
def isfinite(k: Kernel, b: Binding, x: Arg) -> str:
    """Whether it is less than infinity."""
    if not is_float(x.dtype):
        return f"{k.read(x)} == {k.read(x)}"
    return f'tl.abs({k.read(x)}) < float("inf")'


@form("unary.pow")
def power(k: Kernel, b: Binding, x: Arg) -> str:
    """Squares."""
    require(b.exponent == 2, "other exponents")
    return str(plain("{0} * {0}")(k, b, x))


@form("unary.clamp", "activation.hardtanh")
def clamp(k: Kernel, b: Binding, x: Arg) -> str:
    """Between numbers."""
    dtype = k.out[0].dtype
    require(dtype != "bool", "bools")
    low, high = (b.min, b.max) if hasattr(b, "min") else (b.min_val, b.max_val)
    text = k.read(x, dtype)
    for bound, name in ((low, "maximum"), (high, "minimum")):
        text = text if bound is None else f"tl.{name}({text}, {k.const(bound, dtype)})"
    return text


@form("ternary.clamp")
def clamp_by(k: Kernel, b: Binding, x: Arg, low: Arg | None, high: Arg | None) -> str:
    """Between tensors."""
    dtype = k.out[0].dtype
    text = k.read(x, dtype)
    for bound, name in ((low, "maximum"), (high, "minimum")):
        text = text if bound is None else f"tl.{name}({text}, {k.read(bound, dtype)})"
    return text


@form("activation.leaky_relu")
def leaky(k: Kernel, b: Binding, x: Arg) -> str:
    """A fraction of what is negative."""
    text, dtype = k.read(x, wide(x.dtype)), wide(x.dtype)
    return k.cast(f"tl.where({text} > 0, {text}, {text} * {k.const(b.negative_slope, dtype)})", dtype, x.dtype)


@form("activation.threshold")
def threshold(k: Kernel, b: Binding, x: Arg) -> str:
    """A number for what is not above another."""
    text = k.read(x)
    return f"tl.where({text} > {k.const(b.threshold, x.dtype)}, {text}, {k.const(b.value, x.dtype)})"


@form("activation.hardshrink")
def hardshrink(k: Kernel, b: Binding, x: Arg) -> str:
    """Zero for what is small."""
    text, bound = k.read(x), k.const(b.lambd, x.dtype)
    return f"tl.where(tl.abs({text}) > {bound}, {text}, {k.const(0, x.dtype)})"


@form("binary.div")
def div(k: Kernel, b: Binding, x: Arg, y: Arg) -> str:
    """The quotient of floats, or of integers, rounded down or toward zero."""
    dtype = k.out[0].dtype
    if b.rounding_mode is None:
        return str(real("{0} / {1}")(k, b, x, y))
    require(not is_float(dtype), "a rounded quotient of floats")
    return floor_divide(k, b, x, y) if b.rounding_mode == "floor" else str(plain("{0} // {1}")(k, b, x, y))


@form("binary.floor_divide")
def floor_divide(k: Kernel, b: Binding, x: Arg, y: Arg) -> str:
    """Triton divides integers toward zero."""
    dtype = k.out[0].dtype
    require(not is_float(dtype) and dtype != "bool", "floats")
    x_, y_ = k.let(k.read(x, dtype)), k.let(k.read(y, dtype))
    if dtype == "uint8":
        return f"{x_} // {y_}"
    return f"({x_} // {y_} - (({x_} % {y_} != 0) & (({x_} < 0) != ({y_} < 0))).to({type_name(dtype)}))"


@form("binary.fmod")
def fmod(k: Kernel, b: Binding, x: Arg, y: Arg) -> str:
    """The rest has the sign of the dividend."""
    require(not is_float(k.out[0].dtype), "floats")
    return str(plain("{0} % {1}")(k, b, x, y))


@form("binary.remainder")
def remainder(k: Kernel, b: Binding, x: Arg, y: Arg) -> str:
    """The rest has the sign of the divisor."""
    dtype = k.out[0].dtype
    require(not is_float(dtype) and dtype != "bool", "floats")
    x_, y_ = k.let(k.read(x, dtype)), k.let(k.read(y, dtype))
    if dtype == "uint8":
        return f"{x_} % {y_}"
    return f"({x_} % {y_} + tl.where(({x_} % {y_} != 0) & (({x_} < 0) != ({y_} < 0)), {y_}, {k.const(0, dtype)}))"


@form("ternary.where")
def where(k: Kernel, b: Binding, x: Arg, y: Arg, condition: Arg) -> str:
    """A choice."""
    dtype = k.out[0].dtype
    return f"tl.where({k.read(condition, 'bool')}, {k.read(x, dtype)}, {k.read(y, dtype)})"


@form("ternary.masked_fill")
def masked_fill(k: Kernel, b: Binding, x: Arg, mask: Arg) -> str:
    """A number where a mask is set."""
    return f"tl.where({k.read(mask)}, {k.const(b.value, x.dtype)}, {k.read(x)})"


@form("ternary.addcmul")
def addcmul(k: Kernel, b: Binding, x: Arg, y: Arg, z: Arg) -> str:
    """A sum with a product."""
    dtype = k.out[0].dtype
    require(is_float(dtype), "integers")
    inner = wide(dtype)
    text = f"({k.read(x, inner)} + {k.const(b.value, inner)} * {k.read(y, inner)} * {k.read(z, inner)})"
    return k.cast(text, inner, dtype)


@form("create.zeros_like", "create.ones_like", "create.full_like")
def full(k: Kernel, b: Binding, x: Arg) -> str:
    """One number."""
    (out,) = k.out
    value = b.fill_value if hasattr(b, "fill_value") else int("ones" in _name(k))
    shape = sizes(out)
    if k.mode == FLAT:
        return f"tl.full((BLOCK,), {number(value, out.dtype)}, {type_name(out.dtype)})"
    require(bool(shape), "no dimensions")
    lanes = ", ".join(k.lanes(shape))
    return f"tl.full(({lanes},), {number(value, out.dtype)}, {type_name(out.dtype)})"


def _name(k: Kernel) -> str:
    return k.operator


# shapes


@form("view.reshape", "view.flatten", "view.unflatten", "view.squeeze", "view.unsqueeze", "alias.ravel")
def reshaped(k: Kernel, b: Binding, x: Arg) -> str:
    """The same elements in the same order."""
    (out,) = k.out
    before, after = sizes(x.type), sizes(out)
    if k.mode == FLAT:
        return k.read(x, alone=True)
    require(all(padded(size) == size for size in (*before, *after)) and bool(before and after), "padded tiles")
    require(k.mode == WHOLE or before[0] == after[0], "other rows")
    text = k.read(x, alone=True)
    return f"tl.reshape({text}, ({', '.join(k.lanes(after))},))"


def _moved(order: Callable[[Binding, int], Sequence[int]]) -> Form:
    """A permutation of dimensions."""

    def written(k: Kernel, b: Binding, x: Arg) -> str:
        rank = len(sizes(x.type))
        dims = [each % rank for each in order(b, rank)] if rank else []
        if k.mode == FLAT:
            at = k.coordinates()
            return k.load_at(x, [at[dims.index(position)] for position in range(rank)])
        require(rank > 0 and (k.mode == WHOLE or dims[0] == 0), "other rows")
        text = k.read(x, alone=True)
        if rank == 2 and dims == [1, 0]:
            return f"tl.trans({text})"
        return f"tl.permute({text}, ({', '.join(map(str, dims))},))" if dims != list(range(rank)) else text

    return written


def _swapped(rank: int, first: int, second: int) -> list[int]:
    order = list(range(rank))
    order[first], order[second] = order[second], order[first]
    return order


FORMS |= {
    "view.permute": _moved(lambda b, rank: b.dims),
    "view.t": _moved(lambda b, rank: list(range(rank))[::-1]),
    "view.mT": _moved(lambda b, rank: _swapped(rank, -2, -1)),
    "view.transpose": _moved(lambda b, rank: _swapped(rank, b.dim0, b.dim1) if rank else []),
}


@form("view.expand")
def expand(k: Kernel, b: Binding, x: Arg) -> str:
    """Broadcast."""
    shape = sizes(k.out[0])
    if k.mode == FLAT:
        return f"tl.broadcast_to({k.read(x)}, (BLOCK,))"
    require(bool(shape), "no dimensions")
    return f"tl.broadcast_to({k.read(x)}, ({', '.join(k.lanes(shape))},))"


@form("move.flip")
def flip(k: Kernel, b: Binding, x: Arg) -> str:
    """Backwards along dimensions; of a tile only where it is not padded."""
    shape = sizes(x.type)
    dims = normal_dims(b.dims, len(shape)) if b.dims else ()
    if k.mode == FLAT:
        at = k.coordinates()
        return k.load_at(
            x, [f"({s - 1} - {a})" if d in dims else a for d, (s, a) in enumerate(zip(shape, at, strict=True))]
        )
    require(len(dims) == 1 and padded(shape[dims[0]]) == shape[dims[0]] > 1, "padded")
    require(k.mode == WHOLE or dims[0] > 0, "other rows")
    return f"tl.flip({k.read(x, alone=True)}, {dims[0]})"


@form("part.narrow")
def narrow(k: Kernel, b: Binding, x: Arg) -> str:
    """Some rows."""
    return _sliced(k, x, b.dim, b.start, 1)


@form("part.slice")
def sliced(k: Kernel, b: Binding, x: Arg) -> str:
    """Every so many rows."""
    shape = sizes(x.type)
    dim = normal_dim(b.dim, len(shape))
    start, _, step = slice(b.start, b.stop, b.step).indices(shape[dim])
    return _sliced(k, x, dim, start, step)


@form("part.select")
def select(k: Kernel, b: Binding, x: Arg) -> str:
    """One row."""
    shape = sizes(x.type)
    dim = normal_dim(b.dim, len(shape))
    require(k.mode == FLAT, "a part of a tile")
    at = k.coordinates()
    at.insert(dim, str(b.index % shape[dim]))
    return k.load_at(x, at)


def _sliced(k: Kernel, x: Arg, dim: int, start: int, step: int) -> str:
    shape = sizes(x.type)
    dim = normal_dim(dim, len(shape))
    require(k.mode == FLAT, "a part of a tile")
    at = k.coordinates()
    at[dim] = f"({at[dim]} * {step} + {start % max(shape[dim], 1)})"
    return k.load_at(x, at)


@form("join.cat", "join.stack")
def joined(k: Kernel, b: Binding, tensors: Sequence[Arg]) -> str:
    """Several after each other."""
    (out,) = k.out
    require(k.mode == FLAT, "a tile of several")
    dim = normal_dim(b.dim, len(sizes(out)))
    stack = len(sizes(tensors[0].type)) < len(sizes(out))
    at = k.coordinates()
    found, before = "", 0
    for tensor in tensors:
        size = 1 if stack else sizes(tensor.type)[dim]
        place = [a for d, a in enumerate(at) if d != dim] if stack else list(at)
        if not stack:
            place[dim] = f"({at[dim]} - {before})"
        within = f"({at[dim]} >= {before}) & ({at[dim]} < {before + size})"
        text = k.cast(k.load_at(tensor, place, within), tensor.dtype, out.dtype)
        found = f"tl.where({within}, {text}, {found})" if found else text
        before += size
    return found


@form("tri.tril", "tri.triu")
def triangle(k: Kernel, b: Binding, x: Arg) -> str:
    """A triangle of each matrix."""
    row, column = k.coordinates()[-2:]
    test = f"{column} - {row} {'<=' if 'tril' in _name(k) else '>='} {b.diagonal}"
    return f"tl.where({test}, {k.read(x)}, {k.const(0, x.dtype)})"


@form("index.gather")
def gather(k: Kernel, b: Binding, x: Arg, index: Arg) -> str:
    """Elements at the positions that a tensor says."""
    rank = len(sizes(x.type))
    require(k.mode == FLAT and rank > 0, "a part of a tile")
    at = k.coordinates()
    at[normal_dim(b.dim, rank)] = k.let(k.read(index, "int64"))
    return k.load_at(x, at)


@form("index.index_select")
def index_select(k: Kernel, b: Binding, x: Arg, index: Arg) -> str:
    """Rows at the positions that a tensor says."""
    rank = len(sizes(x.type))
    require(k.mode == FLAT and rank > 0 and len(sizes(index.type)) == 1, "a part of a tile")
    at = k.coordinates()
    dim = normal_dim(b.dim, rank)
    at[dim] = k.cast(k.load_at(index, [at[dim]]), index.dtype, "int64")
    return k.load_at(x, at)


@form("index.embedding")
def embedding(k: Kernel, b: Binding, x: Arg, index: Arg) -> str:
    """Rows at the positions that a tensor says."""
    require(k.mode == FLAT, "a part of a tile")
    at = k.coordinates()
    return k.load_at(x, [k.cast(k.load_at(index, at[:-1]), index.dtype, "int64"), at[-1]])


# along dimensions


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


def _extreme(dtype: str, high: bool) -> str:
    if is_float(dtype):
        return 'float("inf")' if high else '-float("inf")'
    return str(INTEGER_RANGE[dtype][int(high)])


def _held(dtype: str) -> str:
    """The dtype in which a sum is formed."""
    return wide(dtype) if is_float(dtype) else "int64"


@form("reduce.sum", "reduce.mean", "reduce.count_nonzero")
def total(k: Kernel, b: Binding, x: Arg) -> str:
    """A sum, or that over the number of terms."""
    axes, (out,) = _axes(k, b, x), k.out
    dtype = _held(out.dtype)
    counted = "count" in _name(k)
    text = k.read(x, "bool" if counted else dtype, alone=True)
    text = k.cast(text, "bool" if counted else dtype, dtype)
    found = _over(k.filled(text, x, axes, k.const(0, dtype)), axes, "sum", _keep(b))
    if "mean" in _name(k):
        require(is_float(out.dtype), "a mean of integers")
        found = f"({found} / {number(product([k.size(x, axis) for axis in axes]), dtype)})"
    return k.cast(found, dtype, out.dtype)


@form("reduce.prod")
def multiplied(k: Kernel, b: Binding, x: Arg) -> str:
    """A product: a reduction by a function of the kernel's own."""
    axes, (out,) = _axes(k, b, x), k.out
    dtype = _held(out.dtype)
    text = k.filled(k.read(x, dtype, alone=True), x, axes, k.const(1, dtype))
    return k.cast(_over(text, axes, "reduce", _keep(b), ", multiplied"), dtype, out.dtype)


@form("reduce.amax", "reduce.amin")
def extreme(k: Kernel, b: Binding, x: Arg) -> str:
    """The largest or smallest."""
    axes, (out,) = _axes(k, b, x), k.out
    high = "amin" in _name(k)
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
    whole = "all" in _name(k)
    text = k.cast(k.read(x, "bool", alone=True), "bool", "int32")
    text = k.filled(text, x, axes, k.const(int(whole), "int32"))
    return f"({_over(text, axes, 'min' if whole else 'max', _keep(b))} != 0)"


@form("reduce.max", "reduce.min", "reduce.argmax", "reduce.argmin")
def located(k: Kernel, b: Binding, x: Arg) -> str | tuple[str, ...]:
    """The extreme and where it is."""
    axes = _axes(k, b, x)
    require(len(axes) == 1 and x.dtype != "bool", "several dimensions")
    high = "min" in _name(k)
    word = "min" if high else "max"
    text = k.filled(k.read(x, alone=True), x, axes, k.const(*_typed(x.dtype, high)))
    if "arg" in _name(k):
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
    if "logsumexp" in _name(k):
        found = k.let(f"{most} + tl.log({summed})")
        # Of one element each, the sum is the element.
        found = found if _keep(b) else _over(found, axes, "max", "")
    else:
        found = f"({text} - {most} - tl.log({summed}))" if "log" in _name(k) else f"({shifted} / {summed})"
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
    return k.cast(f"tl.sqrt({found})" if "std" in _name(k) else found, dtype, out.dtype)


@form("scan.cumsum", "scan.cumprod")
def scanned(k: Kernel, b: Binding, x: Arg) -> str:
    """The sums or products so far."""
    axes, (out,) = _axes(k, b, x), k.out
    dtype = _held(out.dtype)
    found = f"tl.{_name(k).partition('.')[2]}({k.read(x, dtype, alone=True)}, {axes[0]})"
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
    combine = "larger" if "max" in _name(k) else "smaller"
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


def _product(k: Kernel, x: str, y: str, dtype: str, shapes: Sequence[tuple[int, ...]], add: str = "") -> str:
    """A product of two matrices, or of rows of them, in the dtype of its sums."""
    held = _dotted(dtype)
    if held is not None and k.written.least == LEAST_DOT:
        more = ', input_precision="ieee"' if dtype == "float32" else ""
        more += ", out_dtype=tl.float64" if dtype == "float64" else ", out_dtype=tl.int32" if dtype == "int8" else ""
        return f"tl.dot({x}, {y}{more})"
    left, right = ("[:, :, :, None]", "[:, None, :, :]") if len(shapes[0]) == 3 else ("[:, :, None]", "[None, :, :]")
    inner = _held(dtype)
    return f"tl.sum(({x}).to({type_name(inner)}){left} * ({y}).to({type_name(inner)}){right}, {len(shapes[0]) - 1})"


@form("matmul.mm", "matmul.bmm", "matmul.matmul", "matmul.linear", "matmul.addmm")
def matmul(k: Kernel, b: Binding, *args: Args) -> str:
    """Products of matrices: by `tl.dot`, or by a sum of products over a third dimension."""
    (out,) = k.out
    name = _name(k)
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
    held = _dotted(out.dtype) if k.written.least == LEAST_DOT else _held(out.dtype)
    assert held is not None
    found = _product(k, left, right, out.dtype, (first, second))
    if bias is not None:
        found = f"({found} + {k.read(bias, held)})"
    return k.cast(found, held, out.dtype)


@form("matmul.dot", "matmul.mv", "matmul.outer")
def vectors(k: Kernel, b: Binding, x: Arg, y: Arg) -> str:
    """Products of which one is a vector."""
    (out,) = k.out
    first, second = sizes(x.type), sizes(y.type)
    require(k.mode == WHOLE and out.dtype != "bool" and bool(product((*first, *second))), "rows")
    dtype = _held(out.dtype)
    left, right = k.read(x, dtype, alone=True), k.read(y, dtype, alone=True)
    if "outer" in _name(k):
        return k.cast(f"({left}[:, None] * {right}[None, :])", dtype, out.dtype)
    left = k.filled(left, x, (len(first) - 1,), k.const(0, dtype))
    right = right if len(first) == 1 else f"{right}[None, :]"
    return k.cast(f"tl.sum({left} * {right}, {len(first) - 1})", dtype, out.dtype)
