"""The forms of what works on every element, and of constants."""

from __future__ import annotations

from assay.emit.triton_kernels import FLAT, Kernel, number, sizes, type_name
from assay.emit.triton_table import FORMS, Form, form, wide
from assay.ir.types import is_float
from assay.ops.facts import require
from assay.ops.onnx_forms import Arg, common
from assay.ops.protocol import Binding


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
        return str(real(template)(k, b, x)) if is_float(x.dtype) else k.read(x)

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
    return str(floor_divide(k, b, x, y) if b.rounding_mode == "floor" else plain("{0} // {1}")(k, b, x, y))


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
    value = b.fill_value if hasattr(b, "fill_value") else int("ones" in k.operator)
    shape = sizes(out)
    if k.mode == FLAT:
        return f"tl.full((BLOCK,), {number(value, out.dtype)}, {type_name(out.dtype)})"
    require(bool(shape), "no dimensions")
    lanes = ", ".join(k.lanes(shape))
    return f"tl.full(({lanes},), {number(value, out.dtype)}, {type_name(out.dtype)})"
