"""Views: other shapes, orders and parts of the same memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from itertools import permutations
from typing import Any

from assay.ir.sizes import Shape, Size, is_symbolic, product, quotient, smallest
from assay.ir.types import ALL, RANKS
from assay.ops.attributes import Classes, dim
from assay.ops.facts import Facts, require
from assay.ops.onnx_forms import Arg, Form, Graph
from assay.ops.operands import free
from assay.ops.protocol import Attribute, Binding, Operator, operator
from assay.ops.shapes import normal_dim, normal_dims, replaced

RANKED = RANKS[1:]


def view(
    name: str, attributes: Sequence[Attribute], infer: Any, ranks: tuple[int, ...] = RANKED, **rest: Any
) -> Operator:
    """A view of one tensor of any dtype."""
    rest.setdefault("torch", f"torch.{name}")
    if "maybe_view" not in rest:
        rest["view"] = "x"
    return operator(
        f"view.{name}",
        operands=[free("x", ALL, ranks)],
        attributes=attributes,
        infer=lambda b: b.x.with_shape(infer(b)),
        facts=lambda b, f: Facts(f.x.low, f.x.high, f.x.scale),
        saves="none",
        **rest,
    )


def reshape(g: Graph, x: str, sizes: Sequence[Size]) -> str:
    """A value in another shape; one size may be -1 where there are elements."""
    empty = any(smallest(size) == 0 for size in sizes)
    return g.node("Reshape", x, g.shape(sizes), allowzero=1 if empty else None)


def transpose(g: Graph, x: str, order: Sequence[int]) -> str:
    """A value with its dimensions in another order."""
    return g.node("Transpose", x, perm=tuple(order) or None)


def ordered(rule: Callable[[Binding], Shape]) -> Form:
    """A Transpose; the shape rule, applied to the numbers of the dimensions, gives their order."""

    def form(g: Graph, b: Binding, x: Arg) -> str:
        numbered = copy(b)
        vars(numbered)["x"] = b.x.with_shape(tuple(range(b.x.rank)))
        return transpose(g, g.name(x), [int(d) for d in rule(numbered)])  # type: ignore[arg-type]

    return form


def shapes_of_equal_size(b: Binding) -> Classes:
    """Split, merged and flat shapes; one size may be left to torch as -1."""
    shape: Shape = b.x.shape
    require(smallest(product(shape)) > 0, "-1 is ambiguous for no elements")
    flat = product(shape)
    found: list[Shape] = [(flat,), (1, *shape), (*shape, 1)]
    for d in range(len(shape) - 1):
        found.append((*shape[:d], shape[d] * shape[d + 1], *shape[d + 2 :]))
    for d, size in enumerate(shape):
        if isinstance(size, int):
            found += [(*shape[:d], k, size // k, *shape[d + 1 :]) for k in (2, 3, 4) if size % k == 0 and size > k]
    legal = [each for each in dict.fromkeys(found) if len(each) <= 6 and each != shape]
    negative = [replaced(each, d, -1) for each in legal for d in range(len(each)) if len(each) > 1 and each[d] != 1]
    return {"boundary": (shape, (-1,)) if shape else ((-1,),), "negative": tuple(negative), "other": tuple(legal)}


def completed(shape: Shape, wanted: Shape) -> Shape:
    """The shape with -1 replaced by what is left; the number of elements stays."""
    known = product(size for size in wanted if size != -1)
    count = product(shape)
    if -1 not in wanted:
        require(known == count, "another number of elements")
        return wanted
    require(smallest(known) > 0, "-1 is ambiguous for no elements")
    rest = quotient(count, known)
    require(rest * known == count, "sizes do not divide")
    return tuple(rest if size == -1 else size for size in wanted)


def as_asked(g: Graph, b: Binding, x: Arg) -> str:
    """Reshape; -1 is left to ONNX as well."""
    return reshape(g, g.name(x), b.shape)


view(
    "reshape",
    [Attribute("shape", shapes_of_equal_size)],
    lambda b: completed(b.x.shape, b.shape),
    (0, *RANKED),
    maybe_view="x",
    order=("x", "shape"),
    onnx=as_asked,
    jax="jnp.reshape",
    tensorflow="tf.reshape",
)


def flattened(b: Binding) -> Shape:
    """Dimensions from start to end become one."""
    if b.x.rank == 0:
        return (1,)
    start, end = normal_dim(b.start_dim, b.x.rank), normal_dim(b.end_dim, b.x.rank)
    require(start <= end, "start after end")
    return (*b.x.shape[:start], product(b.x.shape[start : end + 1]), *b.x.shape[end + 1 :])


def ends(b: Binding) -> Classes:
    """Last dimensions not before the first."""
    rank = max(b.x.rank, 1)
    start = b.start_dim % rank
    return {
        "default": (-1,),
        "boundary": (start,),
        "other": tuple(range(start + 1, rank)),
        "negative": tuple(range(start - rank, -1)),
    }


def as_matrix(g: Graph, b: Binding, x: Arg) -> str:
    """Flatten makes two dimensions of all; what else torch flattens is a Reshape."""
    start, end = normal_dim(b.start_dim, b.x.rank), normal_dim(b.end_dim, b.x.rank)
    if g.out[0].rank == 2 and (start == 0 or end == b.x.rank - 1):
        return g.node("Flatten", g.name(x), axis=end + 1 if start == 0 else start)
    return reshape(g, g.name(x), g.out[0].shape)


view(
    "flatten",
    [dim("start_dim", default=0), Attribute("end_dim", ends, -1)],
    flattened,
    (0, *RANKED),
    maybe_view="x",
    onnx=as_matrix,
    jax="jnp.ravel",
)


def unflattenings(b: Binding) -> Classes:
    """Factors of the size."""
    size = b.x.shape[normal_dim(b.dim, b.x.rank)]
    if not isinstance(size, int) or size == 0:
        return {"boundary": ((1, -1),) if size != 0 else ((1, size),)}
    return {
        "boundary": ((1, size), (size, 1)),
        "negative": ((-1, 1), (1, -1)),
        "other": tuple((k, size // k) for k in (2, 3, 4) if size % k == 0 and size > k),
    }


def unflattened(b: Binding) -> Shape:
    """Two dimensions for one."""
    position = normal_dim(b.dim, b.x.rank)
    return (*b.x.shape[:position], *completed((b.x.shape[position],), b.sizes), *b.x.shape[position + 1 :])


def as_factors(g: Graph, b: Binding, x: Arg) -> str:
    """Reshape; -1 is left to ONNX where there are elements."""
    position = normal_dim(b.dim, b.x.rank)
    sizes = (*b.x.shape[:position], *b.sizes, *b.x.shape[position + 1 :])
    return reshape(g, g.name(x), g.out[0].shape if smallest(b.x.elements) == 0 else sizes)


view("unflatten", [dim(), Attribute("sizes", unflattenings)], unflattened, onnx=as_factors)


def new_places(b: Binding) -> Classes:
    """Places between, before and after the dimensions."""
    rank = b.x.rank
    return {"boundary": (0, rank), "negative": tuple(range(-rank - 1, 0)), "other": tuple(range(1, rank))}


def unsqueezed(b: Binding) -> Shape:
    """One more dimension of size 1."""
    position = b.dim % (b.x.rank + 1)
    return (*b.x.shape[:position], 1, *b.x.shape[position:])


view(
    "unsqueeze",
    [Attribute("dim", new_places, positional=True)],
    unsqueezed,
    (0, *RANKED),
    inplace=None,
    onnx=lambda g, b, x: g.node("Unsqueeze", g.name(x), g.constant([b.dim])),
    jax="jnp.expand_dims",
    tensorflow="tf.expand_dims",
)


def squeezed(b: Binding) -> Shape:
    """Dimensions of size 1 go, where named; a size that is 1 in some instantiations only has no place here."""
    dims = normal_dims(b.dim, b.x.rank)
    for position in dims:
        size = b.x.shape[position]
        require(not is_symbolic(size) or smallest(size) > 1 or smallest(size) == 0, "a size is 1 now and then")
        require(not is_symbolic(size) or 1 not in size.values, "a size is 1 now and then")
    return tuple(size for d, size in enumerate(b.x.shape) if d not in dims or size != 1)


def squeezable(b: Binding) -> Classes:
    """No dimension, one, or two, of size 1 or not."""
    rank = b.x.rank
    ones = tuple(d for d in range(rank) if b.x.shape[d] == 1)
    return {
        "default": (None,),
        "boundary": ones,
        "negative": tuple(d - rank for d in ones),
        "other": tuple(range(rank)) + tuple((a, c) for a in ones for c in ones if a < c),
    }


def without_ones(g: Graph, b: Binding, x: Arg) -> str:
    """Squeeze of the dimensions that are 1; ONNX refuses others."""
    if b.dim is None:
        return g.node("Squeeze", g.name(x))
    dims = (b.dim,) if isinstance(b.dim, int) else b.dim
    ones = [d for d in dims if b.x.shape[d] == 1]
    return g.node("Squeeze", g.name(x), g.constant(ones)) if ones else g.node("Identity", g.name(x))


view(
    "squeeze",
    [Attribute("dim", squeezable, None)],
    squeezed,
    RANKS,
    inplace="squeeze_",
    onnx=without_ones,
    jax="jnp.squeeze",
    tensorflow="tf.squeeze",
)


def orders(b: Binding) -> Classes:
    """Permutations: the identity and the reversal are the boundary."""
    rank = b.x.rank
    identity = tuple(range(rank))
    found = [p for p in permutations(identity) if p not in (identity, identity[::-1])][:30]
    return {
        "boundary": tuple(dict.fromkeys((identity, identity[::-1]))),
        "negative": tuple(tuple(d - rank for d in p) for p in found[:6]),
        "other": tuple(found),
    }


def permuted(b: Binding) -> Shape:
    """All dimensions in another order."""
    return tuple(b.x.shape[d] for d in b.dims)


view(
    "permute",
    [Attribute("dims", orders)],
    permuted,
    RANKS,
    order=("x", "dims"),
    onnx=ordered(permuted),
    jax="jnp.transpose",
    tensorflow="tf.transpose",
)


def swapped(b: Binding) -> Shape:
    """Two dimensions change places."""
    first, second = normal_dim(b.dim0, b.x.rank), normal_dim(b.dim1, b.x.rank)
    shape = list(b.x.shape)
    if shape:
        shape[first], shape[second] = shape[second], shape[first]
    return tuple(shape)


view(
    "transpose",
    [dim("dim0"), dim("dim1")],
    swapped,
    (0, *RANKED),
    order=("x", "dim0", "dim1"),
    inplace="transpose_",
    onnx=ordered(swapped),
    jax="jnp.swapaxes",
    tensorflow="tf.transpose",
)


def moved(b: Binding) -> Shape:
    """One dimension goes to another place."""
    source, target = normal_dim(b.source, b.x.rank), normal_dim(b.destination, b.x.rank)
    shape = list(b.x.shape)
    shape.insert(target, shape.pop(source))
    return tuple(shape)


def turned(b: Binding) -> Shape:
    """The last two dimensions change places."""
    return (*b.x.shape[:-2], *b.x.shape[-2:][::-1])


view(
    "movedim",
    [dim("source"), dim("destination")],
    moved,
    order=("x", "source", "destination"),
    onnx=ordered(moved),
    jax="jnp.moveaxis",
)
view("t", [], turned, (0, 1, 2), inplace="t_", onnx=ordered(turned), jax="jnp.transpose")
view(
    "mT",
    [],
    turned,
    RANKS[2:],
    left_out={"rank 0": "deprecated; eager warns"},
    torch="torch.Tensor.mT",
    method=None,
    render=lambda operands, attributes: f"{operands[0]}.mT",
    onnx=ordered(turned),
    jax="jnp.matrix_transpose",
)


def expansions(b: Binding) -> Classes:
    """Sizes of 1 grow, others stay or are left as -1, and dimensions come in front."""
    shape: Shape = b.x.shape
    grown = tuple(3 if size == 1 else size for size in shape)
    return {
        "boundary": (shape,),
        "negative": (tuple(3 if size == 1 else -1 for size in shape), (2, *(-1 for _ in shape))) if shape else (),
        "other": tuple(each for each in dict.fromkeys((grown, (2, *shape), (1, *grown))) if each != shape),
    }


def expanded(b: Binding) -> Shape:
    """Sizes as asked for; -1 is the size that was there."""
    lead = len(b.size) - b.x.rank
    require(all(size == -1 or here in (1, size) for here, size in zip(b.x.shape, b.size[lead:], strict=True)), "no 1")
    kept = tuple(here if size == -1 else size for here, size in zip(b.x.shape, b.size[lead:], strict=True))
    return (*b.size[:lead], *kept)


def broadcast(g: Graph, b: Binding, x: Arg) -> str:
    """Expand, which keeps a size where it is asked for 1."""
    lead = len(b.size) - b.x.rank
    asked = zip(b.x.shape, b.size[lead:], strict=True)
    kept = (1 if size == -1 or (is_symbolic(size) and size == here) else size for here, size in asked)
    return g.node("Expand", g.name(x), g.shape((*b.size[:lead], *kept)))


view(
    "expand",
    [Attribute("size", expansions, positional=True)],
    expanded,
    RANKS,
    torch="torch.Tensor.expand",
    onnx=broadcast,
    jax="jnp.broadcast_to",
    tensorflow="tf.broadcast_to",
)
