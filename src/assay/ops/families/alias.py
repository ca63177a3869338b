"""Other names and other readings of the same memory: NumPy's names of views, as_strided, the bits as another dtype."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from assay.ir.sizes import Shape, Size, is_symbolic, product, smallest
from assay.ir.types import ALL, BOOL, INTEGER_RANGE, INTEGERS, RANKS, Dtype, TensorType
from assay.ops.attributes import Classes, dim
from assay.ops.errors import ErrorRule, Rules, moves
from assay.ops.facts import Facts, require
from assay.ops.families.inset import strided_sizes
from assay.ops.families.part import lengths, narrowed, starts
from assay.ops.families.view import (
    RANKED,
    completed,
    moved,
    ordered,
    reshape,
    shapes_of_equal_size,
    squeezed,
    swapped,
    unflattenings,
)
from assay.ops.onnx_forms import Arg, Graph
from assay.ops.operands import free
from assay.ops.protocol import Attribute, Binding, Draw, Operand, Operator, operator
from assay.ops.shapes import normal_dim, replaced


def alias(
    name: str,
    attributes: Sequence[Attribute],
    infer: Callable[[Binding], Shape],
    ranks: tuple[int, ...] = RANKED,
    like: Operand | None = None,
    error: ErrorRule | Rules | None = None,
    **rest: Any,
) -> Operator:
    """A view of one tensor of any dtype; ``like`` is another that gives the shape."""
    rest.setdefault("torch", f"torch.{name}")
    if "maybe_view" not in rest and rest.pop("views", True):
        rest["view"] = "x"
    return operator(
        f"alias.{name}",
        operands=[free("x", ALL, ranks), *([] if like is None else [like])],
        attributes=attributes,
        infer=lambda b: b.x.with_shape(infer(b)),
        facts=lambda b, f: Facts(f.x.low, f.x.high, f.x.scale),
        saves="none",
        error=error,
        **rest,
    )


def reshaped(g: Graph, b: Binding, x: Arg, *others: Arg) -> str:
    """Reshape to the shape of the result."""
    return reshape(g, g.name(x), g.out[0].shape)


for name in ("swapaxes", "swapdims"):
    first, second = ("axis0", "axis1") if name == "swapaxes" else ("dim0", "dim1")

    def exchanged(b: Binding, first: str = first, second: str = second) -> Shape:
        """Two dimensions change places."""
        plain = Binding()
        for key, value in (("x", b.x), ("dim0", getattr(b, first)), ("dim1", getattr(b, second))):
            setattr(plain, key, value)
        return swapped(plain)

    alias(
        name,
        [dim(first), dim(second)],
        exchanged,
        (0, *RANKED),
        order=("x", first, second),
        inplace=f"{name}_",
        onnx=ordered(exchanged),
        jax="jnp.swapaxes",
        tensorflow="tf.transpose",
    )


def several_places(b: Binding) -> Classes:
    """Two dimensions, in order or not, or one."""
    rank = b.x.rank
    pairs = tuple((a, c) for a in range(rank) for c in range(rank) if a != c)[:12]
    return {
        "boundary": (0, rank - 1),
        "negative": (*range(-rank, 0), *((a - rank, c) for a, c in pairs)),
        "other": pairs,
    }


def destinations(b: Binding) -> Classes:
    """As many as there are sources."""
    if isinstance(b.source, int):
        return {"boundary": (0, b.x.rank - 1), "negative": tuple(range(-b.x.rank, 0))}
    return several_pairs(b)


def several_pairs(b: Binding) -> Classes:
    """Two dimensions that differ."""
    rank = b.x.rank
    pairs = tuple((a, c) for a in range(rank) for c in range(rank) if a != c)[:12]
    return {"negative": tuple((a, c - rank) for a, c in pairs), "other": pairs}


def moved_axes(b: Binding) -> Shape:
    """Some dimensions go to other places; the rest stays in order."""
    if isinstance(b.source, int):
        return moved(b)
    rank = b.x.rank
    sources = [normal_dim(each, rank) for each in b.source]
    targets = [normal_dim(each, rank) for each in b.destination]
    require(len(set(sources)) == len(sources) and len(set(targets)) == len(targets), "a dimension is named twice")
    rest = iter(d for d in range(rank) if d not in sources)
    places = dict(zip(targets, sources, strict=True))
    return tuple(b.x.shape[places[d] if d in places else next(rest)] for d in range(rank))


alias(
    "moveaxis",
    [Attribute("source", several_places), Attribute("destination", destinations)],
    moved_axes,
    order=("x", "source", "destination"),
    onnx=ordered(moved_axes),
    jax="jnp.moveaxis",
    tensorflow="tf.transpose",
)
alias(
    "ravel",
    [],
    lambda b: (product(b.x.shape),),
    (0, *RANKED),
    maybe_view="x",
    onnx=reshaped,
    jax="jnp.ravel",
    tensorflow="tf.reshape",
)


def at_least(count: int) -> Callable[[Binding], Shape]:
    """Dimensions of size 1 where some are missing."""

    def shape(b: Binding) -> Shape:
        given: Shape = b.x.shape
        if len(given) >= count:
            return given
        if count == 3 and len(given) == 2:
            return (*given, 1)
        return (1, *given, 1) if count == 3 and given else (*(1,) * (count - len(given)), *given)

    return shape


for number in (1, 2, 3):
    alias(
        f"atleast_{number}d",
        [],
        at_least(number),
        (0, *RANKED),
        method=None,
        onnx=reshaped,
        jax=f"jnp.atleast_{number}d",
        tensorflow="tf.reshape",
    )


def grown(b: Binding, draw: Draw) -> TensorType:
    """A shape that x broadcasts to."""
    shape = tuple(draw.size() if size == 1 else size for size in b.x.shape)
    front = draw.shape(draw.random.choice((0, 0, 1))) if b.x.rank < 5 else ()
    return TensorType(draw.random.choice(ALL), (*front, *shape))


def reaches(b: Binding, candidate: TensorType) -> bool:
    """Whether x broadcasts to the other's shape."""
    lead = candidate.rank - b.x.rank
    return lead >= 0 and all(a in (1, c) for a, c in zip(b.x.shape, candidate.shape[lead:], strict=True))


def expanded(g: Graph, b: Binding, x: Arg, *others: Arg) -> str:
    """Expand."""
    return g.node("Expand", g.name(x), g.shape(g.out[0].shape))


alias(
    "expand_as",
    [],
    lambda b: b.other.shape,
    RANKS,
    Operand("other", ALL, accepts=reaches, make=grown, no_gradient=False),
    torch="torch.Tensor.expand_as",
    method=None,
    onnx=expanded,
    jax="jnp.broadcast_to",
    tensorflow="tf.broadcast_to",
)


def targets(b: Binding) -> Classes:
    """Sizes of 1 grow, and dimensions come in front; -1 keeps a size."""
    shape: Shape = b.x.shape
    wider = tuple(4 if size == 1 else size for size in shape)
    found = (wider, (3, *shape), (1, *wider), (2, 3, *shape))
    return {
        "boundary": (shape,),
        "negative": ((2, *(-1 for _ in shape)),) if shape else (),
        "other": tuple(each for each in dict.fromkeys(found) if each != shape and len(each) <= 8),
    }


def broadcast_shape(b: Binding) -> Shape:
    """What was asked for; -1 is the size that was there."""
    lead = len(b.size) - b.x.rank
    kept = tuple(here if size == -1 else size for here, size in zip(b.x.shape, b.size[lead:], strict=True))
    return (*b.size[:lead], *kept)


alias(
    "broadcast_to",
    [Attribute("size", targets)],
    broadcast_shape,
    RANKS,
    order=("x", "size"),
    onnx=expanded,
    jax="jnp.broadcast_to",
    tensorflow="tf.broadcast_to",
)


def regrouped(b: Binding, draw: Draw) -> TensorType:
    """A shape of as many elements."""
    classes = shapes_of_equal_size(b)
    found = [*classes["boundary"], *classes["other"]]
    return TensorType(draw.random.choice(ALL), completed(b.x.shape, draw.random.choice(found)))


def as_many(b: Binding, candidate: TensorType) -> bool:
    """Whether the other has as many elements in every instantiation."""
    return bool(candidate.elements == b.x.elements)


alias(
    "reshape_as",
    [],
    lambda b: b.other.shape,
    (0, *RANKED),
    Operand("other", ALL, accepts=as_many, make=regrouped),
    torch="torch.Tensor.reshape_as",
    method=None,
    maybe_view="x",
    onnx=reshaped,
    jax="jnp.reshape",
    tensorflow="tf.reshape",
)


def pairs_of_ones(b: Binding) -> Classes:
    """Several dimensions, of size 1 or not, from either end."""
    rank = b.x.rank
    pairs = tuple((a, c) for a in range(rank) for c in range(rank) if a < c)[:10]
    return {
        "boundary": ((), tuple(range(rank))),
        "negative": tuple((a - rank, c) for a, c in pairs),
        "other": pairs,
    }


def without(b: Binding) -> Shape:
    """Those of size 1 go."""
    return squeezed(b) if b.dim else tuple(b.x.shape)


alias(
    "squeeze_dims",
    [Attribute("dim", pairs_of_ones, positional=True)],
    without,
    RANKS,
    torch="torch.squeeze",
    inplace="squeeze_",
    method="squeeze",
    onnx=reshaped,
    jax="jnp.squeeze",
    tensorflow="tf.squeeze",
)


def three_factors(b: Binding) -> Classes:
    """A size as a product of three; one may be left out."""
    size = b.x.shape[normal_dim(b.dim, b.x.rank)]
    two = unflattenings(b)
    if is_symbolic(size) or size == 0:
        return {"boundary": ((1, 1, size if size == 0 else -1),)}
    return {
        "boundary": ((1, size, 1), (size,)),
        "negative": ((1, -1, 1), (-1,)),
        "other": tuple((1, *each) for each in two.get("other", ())),
    }


def parted(b: Binding) -> Shape:
    """Several dimensions for one."""
    position = normal_dim(b.dim, b.x.rank)
    return (*b.x.shape[:position], *completed((b.x.shape[position],), b.sizes), *b.x.shape[position + 1 :])


alias(
    "unflatten_several",
    [dim(), Attribute("sizes", three_factors)],
    parted,
    RANKS[1:],
    torch="torch.unflatten",
    method="unflatten",
    onnx=reshaped,
    jax="jnp.reshape",
    tensorflow="tf.reshape",
)
alias(
    "narrow_copy",
    [dim(), Attribute("start", starts), Attribute("length", lengths)],
    lambda b: replaced(b.x.shape, normal_dim(b.dim, b.x.rank), b.length),
    torch="torch.narrow_copy",
    order=("x", "dim", "start", "length"),
    views=False,
    # From the end, backward of eager torch 2.13 takes what goes to the end for nothing.
    trains=lambda b: b.start >= 0 or b.start + b.length < 0,
    out=True,
    onnx=narrowed,
    jax="jax.lax.dynamic_slice_in_dim",
    tensorflow="tf.slice",
    error={"narrow_copy": moves()},
)


def unsqueezed_twice(operands: Sequence[str], attributes: Any) -> str:
    """x.unsqueeze(a).unsqueeze(b)."""
    return f"{operands[0]}.unsqueeze({attributes['first']}).unsqueeze({attributes['second']})"


def new_places(more: int) -> Callable[[Binding], Classes]:
    """Places between, before and after the dimensions."""

    def classes(b: Binding) -> Classes:
        rank = b.x.rank + more
        return {"boundary": (0, rank), "negative": tuple(range(-rank - 1, 0)), "other": tuple(range(1, rank))}

    return classes


def with_two_more(b: Binding) -> Shape:
    """Two more dimensions of size 1."""
    shape: list[Size] = list(b.x.shape)
    for place in (b.first, b.second):
        shape.insert(place % (len(shape) + 1), 1)
    return tuple(shape)


alias(
    "unsqueeze_twice",
    [Attribute("first", new_places(0)), Attribute("second", new_places(1))],
    with_two_more,
    RANKS,
    torch="torch.unsqueeze",
    method=None,
    render=unsqueezed_twice,
    onnx=reshaped,
    jax="jnp.expand_dims",
    tensorflow="tf.expand_dims",
)


def strided(operands: Sequence[str], attributes: Any) -> str:
    """Strides are those of the memory, so that it has to be known: of a contiguous tensor, from its first element."""
    size, stride, offset = attributes["geometry"]
    if offset:
        return f"{operands[0]}.clone(memory_format=torch.contiguous_format).as_strided({size}, {stride}, {offset})"
    return f"{operands[0]}.contiguous().as_strided({size}, {stride})"


def overlapping(b: Binding) -> Classes:
    """Windows that share elements and rows that are one, beside those that overlap nowhere."""
    known = strided_sizes(b)
    count = smallest(b.x.elements)
    windows = tuple(((count - k + 1, k), (1, 1), 0) for k in (2, 3) if count >= k)
    return {**known, "negative": (*windows, ((3, count), (0, 1), 0))}


alias(
    "as_strided",
    [Attribute("geometry", overlapping)],
    lambda b: b.geometry[0],
    (0, *RANKED),
    method=None,
    maybe_view="x",
    render=strided,
    jax="jax.numpy.lib.stride_tricks.as_strided",
    error={"clone": moves()},
)

WIDTH = {"bool": 1, "uint8": 1, "int8": 1, "int16": 2, "int32": 4, "int64": 8}


def equal_widths(b: Binding) -> Classes:
    """Integers as wide. Floats are left out: nothing is promised of the bits of a rounded one, and its float64 twin has
    others."""
    width = WIDTH[b.x.dtype]
    others = tuple(Dtype(each) for each in INTEGERS if WIDTH[each] == width and each != b.x.dtype)
    return {"boundary": (Dtype(b.x.dtype),), "other": others}


def narrower(b: Binding) -> Classes:
    """Integers of fewer bytes."""
    return {"other": tuple(Dtype(each) for each in INTEGERS if WIDTH[each] < WIDTH[b.x.dtype])}


def read(b: Binding) -> TensorType:
    """The last dimension grows by how many narrower elements fit in one."""
    factor = WIDTH[b.x.dtype] // WIDTH[b.dtype.name]
    shape: Shape = b.x.shape if factor == 1 else (*b.x.shape[:-1], b.x.shape[-1] * factor)
    return TensorType(b.dtype.name, shape)


def patterns(b: Binding, f: Any) -> Facts:
    """Any number of the dtype; the same numbers where nothing changes."""
    if b.dtype.name == b.x.dtype or b.x.dtype == "bool":
        return Facts(f.x.low, f.x.high, f.x.scale)
    low, high = INTEGER_RANGE[b.dtype.name]
    return Facts(low, high if high < 2**62 else 2.0**62, 0)


operator(
    "alias.view_dtype",
    operands=[free("x", BOOL + INTEGERS, (0, *RANKED))],
    attributes=[Attribute("dtype", equal_widths, positional=True)],
    infer=read,
    facts=patterns,
    torch="torch.Tensor.view",
    method=None,
    view="x",
    differentiable=False,
    saves="none",
    jax="jax.lax.bitcast_convert_type",
    tensorflow="tf.bitcast",
)


def narrowed_copy(operands: Sequence[str], attributes: Any) -> str:
    """Narrower elements need a last dimension of stride 1, which contiguous() does not give to a single element."""
    fresh = f"{operands[0]}.clone(memory_format=torch.contiguous_format)"
    return f"{fresh}.view(torch.{attributes['dtype'].name})"


operator(
    "alias.view_narrower",
    operands=[free("x", ("int16", "int32", "int64"), RANKED)],
    attributes=[Attribute("dtype", narrower)],
    infer=read,
    facts=patterns,
    torch="torch.Tensor.view",
    method=None,
    differentiable=False,
    render=narrowed_copy,
    saves="none",
    jax="jax.lax.bitcast_convert_type",
    tensorflow="tf.bitcast",
    error={},
)
