"""Joining several tensors: concatenation promotes their dtypes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from assay.ir.sizes import Size
from assay.ir.types import RANKS, TensorType
from assay.ops.attributes import Classes, dim
from assay.ops.errors import ErrorRule, Rules, moves
from assay.ops.facts import Facts, hull, require
from assay.ops.onnx_forms import Arg, Form, Graph
from assay.ops.operands import common_dtype, several
from assay.ops.protocol import Attribute, Binding, Operator, operator
from assay.ops.shapes import normal_dim, replaced


def join(
    name: str,
    ranks: tuple[int, ...],
    attributes: list[Attribute],
    fits: Callable[[TensorType, TensorType], bool],
    infer: Callable[[Binding], TensorType],
    error: ErrorRule | Rules | None = None,
    **rest: Any,
) -> Operator:
    """One tensor of a list of them, moved."""
    return operator(
        f"join.{name}",
        operands=[several("tensors", "dtype", (1, 5), fits, ranks=ranks)],
        attributes=attributes,
        infer=infer,
        facts=joined,
        torch=f"torch.{name}",
        method=None,
        out=True,
        saves="none",
        error=moves() if error is None else error,
        **rest,
    )


def joined(b: Binding, f: Any) -> Facts:
    """Any of them."""
    return hull(*f.tensors)


def one_size_differs(first: TensorType, other: TensorType) -> bool:
    """Concatenation takes tensors that differ in the size of one dimension; which, is seen by infer."""
    return first.rank == other.rank and sum(a != c for a, c in zip(first.shape, other.shape, strict=True)) <= 1


def concatenated(b: Binding, position: int) -> TensorType:
    """The sizes add up in one dimension and agree in the others."""
    size: Size = 0
    for each in b.tensors:
        size = size + each.shape[position]
        require(replaced(each.shape, position, 0) == replaced(b.first.shape, position, 0), "other sizes differ")
    return TensorType(common_dtype(b.tensors), replaced(b.first.shape, position, size))


def equal_shapes(first: TensorType, other: TensorType) -> bool:
    """Stacking takes tensors of one shape."""
    return first.shape == other.shape


def stacked(b: Binding) -> TensorType:
    """A new dimension of as many as there are."""
    position = b.dim % (b.first.rank + 1)
    shape = b.first.shape
    return TensorType(common_dtype(b.tensors), (*shape[:position], len(b.tensors), *shape[position:]))


def new_places(b: Binding) -> Classes:
    """Places between, before and after the dimensions."""
    rank = b.first.rank
    return {
        "default": (0,),
        "boundary": (rank,) if rank else (),
        "negative": tuple(range(-rank - 1, 0)),
        "other": tuple(range(1, rank)),
    }


def concat(axis: Callable[[Binding], int]) -> Form:
    """Concat in the common dtype."""

    def form(g: Graph, b: Binding, tensors: tuple[Arg, ...]) -> str:
        return g.node("Concat", *(g.cast(each, g.out[0].dtype) for each in tensors), axis=axis(b))

    return form


def stack(g: Graph, b: Binding, tensors: tuple[Arg, ...]) -> str:
    """Concat along a new dimension of each."""
    names = [g.node("Unsqueeze", g.cast(each, g.out[0].dtype), g.constant([b.dim])) for each in tensors]
    return g.node("Concat", *names, axis=b.dim)


join(
    "cat",
    RANKS[1:],
    [dim(of="first", default=0)],
    one_size_differs,
    lambda b: concatenated(b, normal_dim(b.dim, b.first.rank)),
    onnx=concat(lambda b: b.dim),
    jax="jnp.concatenate",
    tensorflow="tf.concat",
)
join(
    "stack",
    RANKS,
    [Attribute("dim", new_places, 0)],
    equal_shapes,
    stacked,
    onnx=stack,
    jax="jnp.stack",
    tensorflow="tf.stack",
)
join(
    "hstack",
    RANKS[1:],
    [],
    one_size_differs,
    lambda b: concatenated(b, min(b.first.rank - 1, 1)),
    onnx=concat(lambda b: min(b.tensors[0].rank - 1, 1)),
    jax="jnp.hstack",
    error={"cat": moves()},
)
join(
    "vstack",
    RANKS[2:],
    [],
    one_size_differs,
    lambda b: concatenated(b, 0),
    onnx=concat(lambda b: 0),
    left_out={"rank 1": "rows on each other are what `stack` does"},
    jax="jnp.vstack",
    error={"cat": moves()},
)
