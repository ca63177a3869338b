"""New tensors in the likeness of another, or from its sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from assay.ir.sizes import largest
from assay.ir.types import ALL, RANKS, Dtype, TensorType, is_float
from assay.ops.attributes import Classes, hidden, values
from assay.ops.errors import PINNED, ErrorRule, moves
from assay.ops.facts import Facts, constant
from assay.ops.onnx_forms import NARROW, Arg, Form, Graph, TypeName
from assay.ops.operands import free
from assay.ops.protocol import Attribute, Binding, operator
from assay.ops.text import written

DTYPE = Attribute(
    "dtype",
    lambda b: {
        "default": (None,),
        "boundary": (Dtype(b.x.dtype),),
        "other": tuple(Dtype(dtype) for dtype in ALL if dtype != b.x.dtype),
    },
    None,
)


def dtype_of(b: Binding, otherwise: str) -> str:
    """The attribute's dtype, or what torch takes instead."""
    return otherwise if b.dtype is None else str(b.dtype.name)


def create(
    name: str,
    attributes: Sequence[Attribute],
    infer: Callable[[Binding], TensorType],
    facts: Callable[[Binding], Facts],
    ranks: tuple[int, ...] = RANKS,
    error: ErrorRule = PINNED,
    **rest: Any,
) -> None:
    """A tensor whose elements follow from attributes and sizes alone."""
    rest.setdefault("torch", f"torch.{name}")
    operator(
        f"create.{name}",
        operands=[free("x", ALL, ranks)],
        attributes=attributes,
        infer=infer,
        facts=lambda b, f: facts(b),
        method=None,
        differentiable=False,
        saves="none",
        error=error,
        **rest,
    )


def numbers(b: Binding) -> Classes:
    """Numbers that the dtype holds."""
    target = dtype_of(b, b.x.dtype)
    return {
        "boundary": (0,),
        "negative": () if target in ("bool", "uint8") else (-1,),
        "other": (0.5, 7) if is_float(target) else (1,) if target == "bool" else (1, 7),
    }


def made_in(dtype: str) -> str:
    """16-bit floats are made in float32: which kernels there are follows from dtypes of operands, and here x has none
    that matters."""
    return "float32" if dtype in NARROW else dtype


def filled(value: Callable[[Binding], float]) -> Form:
    """A number, expanded; zeros of float32 are what ConstantOfShape makes."""

    def form(g: Graph, b: Binding, x: Arg) -> str:
        dtype, shape = g.out[0].dtype, g.node("Shape", g.name(x), dtype="int64")
        if value(b) == 0 and dtype == "float32":
            return g.node("ConstantOfShape", shape, dtype=dtype)
        return g.cast(g.node("Expand", g.constant(value(b), made_in(dtype)), shape), dtype)

    return form


for word, number in (("zeros", 0), ("ones", 1)):
    create(
        f"{word}_like",
        [DTYPE],
        lambda b: b.x.with_dtype(dtype_of(b, b.x.dtype)),
        (lambda b: constant(0)) if number == 0 else (lambda b: constant(1)),
        onnx=filled(lambda b: 0) if number == 0 else filled(lambda b: 1),
        jax=f"jnp.{word}_like",
        tensorflow=f"tf.{word}_like",
    )
create(
    "full_like",
    [DTYPE, Attribute("fill_value", numbers, positional=True)],
    lambda b: b.x.with_dtype(dtype_of(b, b.x.dtype)),
    lambda b: constant(b.fill_value),
    onnx=filled(lambda b: b.fill_value),
    jax="jnp.full_like",
    tensorflow="tf.fill",
    error=moves(),
)


def sized(call: str) -> Callable[[Sequence[str], Any], str]:
    """A call with a size of the operand, so that the text stays true when sizes change."""

    def render(operands: Sequence[str], attributes: Any) -> str:
        size = f"{operands[0]}.shape[{attributes['dim']}]"
        tail = "" if attributes["dtype"] is None else f", dtype={written(attributes['dtype'])}"
        return f"torch.{call}({size}{tail})"

    return render


DIM = hidden("dim", lambda b: {"boundary": (0, b.x.rank - 1), "negative": (-1,)})
WIDE = values(
    "dtype", None, other=(Dtype("float32"), Dtype("int32"), Dtype("float64"), Dtype("int64"), Dtype("float16"))
)


def length(g: Graph, b: Binding, x: Arg) -> str:
    """The size that is asked for, as a row of one element."""
    d = b.dim % b.x.rank
    return g.node("Shape", g.name(x), start=d, end=d + 1, dtype="int64")


def counting_up(g: Graph, b: Binding, x: Arg) -> str:
    """Range, up to a size."""
    dtype, made = g.out[0].dtype, made_in(g.out[0].dtype)
    limit = g.cast(g.node("Squeeze", length(g, b, x)), made)
    return g.cast(g.node("Range", g.constant(0, made), limit, g.constant(1, made)), dtype)


def identity(g: Graph, b: Binding, x: Arg) -> str:
    """EyeLike of a square."""
    dtype, made, size = g.out[0].dtype, made_in(g.out[0].dtype), length(g, b, x)
    square = g.node("ConstantOfShape", g.node("Concat", size, size, axis=0), dtype="float32")
    # The parameter `dtype` of Graph.node is another.
    return g.cast(g.several("EyeLike", square, outputs=1, dtypes=[made], dtype=TypeName(made))[0], dtype)


create(
    "arange",
    [DIM, WIDE],
    lambda b: TensorType(dtype_of(b, "int64"), (b.x.shape[b.dim],)),
    lambda b: Facts(0, max(largest(b.x.shape[b.dim]) - 1, 0), 0),
    RANKS[1:],
    render=sized("arange"),
    onnx=counting_up,
    jax="jnp.arange",
    tensorflow="tf.range",
)
create(
    "eye",
    [DIM, WIDE],
    lambda b: TensorType(dtype_of(b, "float32"), (b.x.shape[b.dim],) * 2),
    lambda b: Facts(0, 1, 0),
    RANKS[1:],
    render=sized("eye"),
    onnx=identity,
    jax="jnp.eye",
    tensorflow="tf.eye",
)
