"""New tensors in the likeness of another, or from its sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from assay.ir.sizes import largest
from assay.ir.types import ALL, Dtype, TensorType, is_float
from assay.ops.attributes import Classes, hidden, values
from assay.ops.errors import PINNED, ErrorRule, moves
from assay.ops.facts import Facts, constant
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
    ranks: tuple[int, ...] = (0, 1, 2, 3, 4, 5),
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


for word, number in (("zeros", 0), ("ones", 1)):
    create(
        f"{word}_like",
        [DTYPE],
        lambda b: b.x.with_dtype(dtype_of(b, b.x.dtype)),
        (lambda b: constant(0)) if number == 0 else (lambda b: constant(1)),
        onnx="ConstantOfShape",
        jax=f"jnp.{word}_like",
        tensorflow=f"tf.{word}_like",
    )
create(
    "full_like",
    [DTYPE, Attribute("fill_value", numbers, positional=True)],
    lambda b: b.x.with_dtype(dtype_of(b, b.x.dtype)),
    lambda b: constant(b.fill_value),
    onnx="ConstantOfShape",
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

create(
    "arange",
    [DIM, WIDE],
    lambda b: TensorType(dtype_of(b, "int64"), (b.x.shape[b.dim],)),
    lambda b: Facts(0, max(largest(b.x.shape[b.dim]) - 1, 0), 0),
    (1, 2, 3, 4),
    render=sized("arange"),
    onnx="Range",
    jax="jnp.arange",
    tensorflow="tf.range",
)
create(
    "eye",
    [DIM, WIDE],
    lambda b: TensorType(dtype_of(b, "float32"), (b.x.shape[b.dim],) * 2),
    lambda b: Facts(0, 1, 0),
    (1, 2, 3, 4),
    render=sized("eye"),
    onnx="EyeLike",
    jax="jnp.eye",
    tensorflow="tf.eye",
)
