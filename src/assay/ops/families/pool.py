"""Pooling: windows over the last dimensions, fixed or adaptive."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from assay.ir.sizes import Shape, Size, largest, product, smallest
from assay.ir.types import FLOATS, INTEGER_RANGE, NUMERIC, TensorType
from assay.ops.attributes import Classes, flag, values
from assay.ops.errors import ADDED, SELECTS, Rules, sums
from assay.ops.facts import Facts, hull, require, upto
from assay.ops.families.conv import batched, since_bfloat16, windows
from assay.ops.families.reduce import reduce_node, scalar
from assay.ops.onnx_forms import Arg, Form, Graph, wide
from assay.ops.operands import free
from assay.ops.protocol import Attribute, Binding, operator
from assay.ops.shapes import window


def _adaptive_rules(kind: str, spatial: int) -> Rules:
    """In one dimension it is that of two; in three, eager keeps the sums in the dtype of the result."""
    plane = max(spatial, 2)
    if kind == "max":
        return {f"adaptive_max_pool{plane}d": SELECTS, f"adaptive_max_pool{plane}d_backward": ADDED}
    name = f"_adaptive_avg_pool{plane}d"
    return {name: sums(narrow=plane == 3), f"{name}_backward": sums(narrow=True)}


def each(value: Any, spatial: int) -> tuple[int, ...]:
    """A number for each spatial dimension."""
    return (value,) * spatial if isinstance(value, int) else tuple(value)


def kernel(spatial: int) -> Attribute:
    """The window, no larger than the input."""
    mixed = () if spatial == 1 else ((3, *(2,) * (spatial - 1)),)
    narrow = () if spatial == 1 else ((1, *(3,) * (spatial - 1)),)

    def fits(b: Binding, value: Any) -> bool:
        return all(smallest(b.x.shape[d - spatial]) >= each(value, spatial)[d] for d in range(spatial))

    def classes(b: Binding) -> Classes:
        return {
            "boundary": tuple(k for k in (1, *narrow) if fits(b, k)),
            "other": tuple(k for k in (2, 3, *mixed) if fits(b, k)),
        }

    return Attribute("kernel_size", classes, positional=True)


def padding(spatial: int) -> Attribute:
    """At most half the window."""

    def classes(b: Binding) -> Classes:
        most = min(each(b.kernel_size, spatial)) // 2
        return {"default": (0,), "boundary": (most,) if most else ()}

    return Attribute("padding", classes, 0)


def strides(spatial: int) -> Attribute:
    """None means the window's size."""
    several = () if spatial == 1 else ((2, *(1,) * (spatial - 1)), (1, *(2,) * (spatial - 1)))
    return values("stride", None, boundary=(1, 4), other=(2, 3, *several))


def spreads(b: Binding, spatial: int) -> Classes:
    """Dilations with which the window still fits."""
    kernels, pads = each(b.kernel_size, spatial), each(b.padding, spatial)
    sizes = [smallest(size) for size in b.x.shape[-spatial:]]
    fitting = [v for v in (2, 3) if all(sizes[d] + 2 * pads[d] > v * (kernels[d] - 1) for d in range(spatial))]
    return {"default": (1,), "other": tuple(fitting)}


UNBATCHED = {"rank 4": "torch refuses an unbatched channels-last tensor of three spatial dimensions"}


def unbatched(spatial: int) -> tuple[int, ...]:
    """Ranks with and without a batch; in three dimensions torch refuses an unbatched channels-last tensor."""
    return (5,) if spatial == 3 else (spatial + 1, spatial + 2)


def pooled(b: Binding, spatial: int) -> TensorType:
    """The sliding window's shape."""
    kernels = each(b.kernel_size, spatial)
    steps = kernels if b.stride is None else each(b.stride, spatial)
    dilations = each(getattr(b, "dilation", 1), spatial)
    pads = each(b.padding, spatial)
    require(all(smallest(size) > 0 for size in b.x.shape[-spatial - 1 :]), "nothing to pool")
    # A dilated window beside small sizes may see nothing but padding, and the maximum of nothing is infinite.
    reach = [max(dilations[d], 1) if pads[d] else 1 for d in range(spatial)]
    require(all(b.x.shape[-spatial + d] >= reach[d] for d in range(spatial)), "a window sees only padding")
    sizes = [
        window(b.x.shape[-spatial + d], kernels[d], steps[d], pads[d], dilations[d], b.ceil_mode)
        for d in range(spatial)
    ]
    require(all(smallest(size) > 0 for size in sizes), "an output of no elements")
    result: TensorType = b.x.with_shape((*b.x.shape[:-spatial], *sizes))
    return result


def averaged(b: Binding, f: Any, spatial: int) -> Facts:
    """A sum over the window by a divisor; exact where every divisor is the same power of two."""
    terms = product(each(b.kernel_size, spatial))
    divisor = getattr(b, "divisor_override", None)
    padded = b.ceil_mode or b.padding != 0
    summed = upto(f.x, terms)
    number = divisor or terms
    assert isinstance(number, int)
    fixed = number & (number - 1) == 0 and (divisor is not None or not padded)
    low, high = (summed.low / number, summed.high / number) if divisor else (f.x.low, f.x.high)
    if padded and not divisor:
        low, high = min(low, 0.0), max(high, 0.0)
    scale = f.x.scale + number.bit_length() - 1 if fixed and f.x.scale is not None else None
    return Facts(low, high, scale, summed.magnitude / number if fixed else summed.magnitude)


def averaged_type(b: Binding, spatial: int) -> TensorType:
    """The sliding window's shape; in three dimensions torch does not count the padding towards the window."""
    if spatial == 3:
        kernels = each(b.kernel_size, spatial)
        require(all(b.x.shape[d - 3] >= kernels[d] for d in range(3)), "the window is larger than the input")
    return pooled(b, spatial)


# ONNX


def sliding(b: Binding, spatial: int) -> dict[str, tuple[int, ...]]:
    """Kernel, stride, padding and dilation, a number for each dimension."""
    kernels = each(b.kernel_size, spatial)
    return {
        "kernel": kernels,
        "stride": kernels if b.stride is None else each(b.stride, spatial),
        "padding": each(b.padding, spatial),
        "dilation": each(getattr(b, "dilation", 1), spatial),
    }


def rounds_up(g: Graph, b: Binding, spatial: int) -> bool | None:
    """The attribute ceil_mode. Before opset 22 it counts windows that begin in the padding behind, which torch leaves
    out: then there are as many as without it, but None where another dimension needs it."""
    if not b.ceil_mode or g.opset >= 22:
        return bool(b.ceil_mode)
    places, given = g.out[0].shape[-spatial:], sliding(b, spatial)
    of_dims = list(zip(b.x.shape[-spatial:], *given.values(), strict=True))
    if places == tuple(window(*each) for each in of_dims):
        return False
    counted = tuple((size + (2 * p - d * (k - 1) - 1 + s - 1)) // s + 1 for size, k, s, p, d in of_dims)
    return True if places == counted else None


def pool_node(
    g: Graph, b: Binding, spatial: int, op: str, name: str, outputs: int = 1, **attributes: Any
) -> tuple[str, ...]:
    """MaxPool or AveragePool."""
    fields, ceil_mode = sliding(b, spatial), rounds_up(g, b, spatial)
    require(ceil_mode is not None, "a window in the padding before opset 22")
    given = {
        "kernel_shape": fields["kernel"],
        "strides": fields["stride"],
        "pads": fields["padding"] * 2 if any(fields["padding"]) else None,
        "dilations": fields["dilation"] if set(fields["dilation"]) != {1} else None,
        "ceil_mode": ceil_mode or None,
    }
    return g.several(op, name, outputs=outputs, dtypes=("", "int64"), **given, **attributes)


def pool_windows(g: Graph, b: Binding, spatial: int, name: str, fill: float = 0) -> str:
    """All windows, one dimension for each of the kernel's before those of the places."""
    return windows(g, name, b.x.shape[-spatial:], **sliding(b, spatial), ceil_mode=b.ceil_mode, fill=fill)


def max_pool_form(spatial: int, indices: bool) -> Form:
    """MaxPool, or windows of the wider integers, which it lacks."""

    @since_bfloat16(22)
    def form(g: Graph, b: Binding, x: Arg) -> str | tuple[str, ...]:
        lacks = x.dtype in ("int16", "int32", "int64") or rounds_up(g, b, spatial) is None
        pool = extremes if lacks else maxima
        found = batched(g, x, spatial, lambda name: pool(g, b, spatial, name, indices))
        return found if indices else found[0]

    return form


def maxima(g: Graph, b: Binding, spatial: int, name: str, indices: bool) -> tuple[str, ...]:
    """The node's indices count elements of the tensor, torch's those of a plane."""
    found = pool_node(g, b, spatial, "MaxPool", name, outputs=2 if indices else 1)
    if not indices:
        return found
    return found[0], g.node("Mod", found[1], g.size(product(b.x.shape[-spatial:])))


def extremes(g: Graph, b: Binding, spatial: int, name: str, indices: bool) -> tuple[str, ...]:
    """The greatest of each window, and the first place in the plane that has it."""
    over, dtype = tuple(range(2, 2 + spatial)), g.dtypes[name]
    held = "int32" if dtype == "int16" else dtype
    found = pool_windows(g, b, spatial, g.cast(name, held), fill=INTEGER_RANGE.get(held, (-math.inf,))[0])
    most = reduce_node(g, "ReduceMax", found, over, indices)
    if not indices:
        return (g.cast(most, dtype),)
    plane: Shape = b.x.shape[-spatial:]
    numbers = g.node("Range", g.constant(0), scalar(g, product(plane), "int64"), g.constant(1))
    outside = INTEGER_RANGE["int64"][1]
    places = pool_windows(g, b, spatial, g.node("Reshape", numbers, g.shape((1, 1, *plane))), fill=outside)
    equal = g.node("Equal", found, most, dtype="bool")
    chosen = g.node("Where", equal, places, g.constant(outside), dtype="int64")
    values = g.node("Squeeze", g.cast(most, dtype), g.constant(over))
    return values, reduce_node(g, "ReduceMin", chosen, over, False)


def avg_pool_form(spatial: int) -> Form:
    """AveragePool, or sums by another divisor."""

    @since_bfloat16(22)
    def node(g: Graph, b: Binding, x: Arg) -> str:
        include = True if b.count_include_pad else None
        return batched(
            g, x, spatial, lambda name: pool_node(g, b, spatial, "AveragePool", name, count_include_pad=include)
        )[0]

    @wide
    def sums_of(g: Graph, b: Binding, x: Arg) -> str:
        return batched(g, x, spatial, lambda name: [divided(g, b, spatial, name)])[0]

    def form(g: Graph, b: Binding, x: Arg) -> str | tuple[str, ...]:
        return (sums_of if getattr(b, "divisor_override", None) else node)(g, b, x)

    return form


def divided(g: Graph, b: Binding, spatial: int, name: str) -> str:
    """Sums of windows by one divisor."""
    summed = reduce_node(g, "ReduceSum", pool_windows(g, b, spatial, name), tuple(range(2, 2 + spatial)), False)
    return g.node("Div", summed, g.like(b.divisor_override, summed))


def max_pool(spatial: int, indices: bool) -> None:
    """torch's max_poolN d; with indices it also says where in the plane each maximum is."""

    def infer(b: Binding) -> Any:
        # In channels-last torch counts places of the plane in an integer as wide as an element.
        narrow = b.x.dtype in ("int8", "uint8")
        require(not narrow or largest(product(b.x.shape[-spatial:])) <= 127, "a place does not fit a byte")
        result = pooled(b, spatial)
        return (result, result.with_dtype("int64")) if indices else result

    def facts(b: Binding, f: Any) -> Any:
        where = Facts(0, largest(product(b.x.shape[-spatial:])) - 1, 0)
        return (f.x, where) if indices else f.x

    constant_return = [values("return_indices", other=(True,))] if indices else []
    operator(
        f"pool.max_pool{spatial}d" + ("_with_indices" if indices else ""),
        operands=[free("x", FLOATS if spatial == 1 else NUMERIC, unbatched(spatial), jumps=indices)],
        left_out=UNBATCHED,
        attributes=[
            kernel(spatial),
            strides(spatial),
            padding(spatial),
            Attribute("dilation", lambda b: spreads(b, spatial), 1),
            flag("ceil_mode"),
            *constant_return,
        ],
        infer=infer,
        facts=facts,
        torch=f"torch.nn.functional.max_pool{spatial}d",
        results=2 if indices else 1,
        unpromised=(1,) if indices else (),
        saves="both" if indices else "inputs",
        # In one dimension it is that of two.
        error={
            f"max_pool{max(spatial, 2)}d_with_indices": SELECTS,
            f"max_pool{max(spatial, 2)}d_with_indices_backward": ADDED,
        },
        onnx=max_pool_form(spatial, indices),
        jax="jax.lax.reduce_window",
        tensorflow="tf.nn.max_pool",
    )


def avg_pool(spatial: int) -> None:
    """torch's avg_poolN d."""
    override = [values("divisor_override", None, boundary=(1,), other=(3, 4))] if spatial > 1 else []
    operator(
        f"pool.avg_pool{spatial}d",
        operands=[free("x", FLOATS if spatial < 3 else ("float32", "float64"), unbatched(spatial))],
        left_out=UNBATCHED | {"int64": "the quotient of integers is cut off, and shape inference gives none"},
        attributes=[
            kernel(spatial),
            strides(spatial),
            padding(spatial),
            flag("ceil_mode"),
            flag("count_include_pad", True),
            *override,
        ],
        infer=lambda b: averaged_type(b, spatial),
        facts=lambda b, f: averaged(b, f, spatial),
        torch=f"torch.nn.functional.avg_pool{spatial}d",
        saves="inputs",
        error={
            f"avg_pool{max(spatial, 2)}d": sums(2.0),
            f"avg_pool{max(spatial, 2)}d_backward": sums(narrow=True),
        },
        onnx=avg_pool_form(spatial),
        jax="jax.lax.reduce_window",
        tensorflow="tf.nn.avg_pool",
    )


def targets(spatial: int) -> Attribute:
    """Output sizes; None in a tuple keeps the input's."""
    mixed = {1: (), 2: ((1, 3), (None, 2), (4, 2)), 3: ((1, 3, 2), (None, 2, None), (4, 2, 1))}[spatial]
    return values("output_size", boundary=(1, *mixed[:1]), other=(2, 3, 5, *mixed[1:]), positional=True)


def adapted(b: Binding, spatial: int) -> TensorType:
    """The sizes that were asked for."""
    wanted = (b.output_size,) * spatial if isinstance(b.output_size, int) else b.output_size
    sizes: Shape = tuple(b.x.shape[-spatial + d] if wanted[d] is None else wanted[d] for d in range(spatial))
    require(all(smallest(size) > 0 for size in b.x.shape[-spatial - 1 :]), "nothing to pool")
    result: TensorType = b.x.with_shape((*b.x.shape[:-spatial], *sizes))
    return result


def bin_mean(b: Binding, f: Any, spatial: int) -> Facts:
    """Means of bins that may differ in size; those of one element are exact."""
    return Facts(f.x.low, f.x.high, None, upto(f.x, product(b.x.shape[-spatial:])).magnitude)


def adaptive_form(kind: str, spatial: int) -> Form:
    """A global pooling to one element, windows of one size where that divides, bins otherwise."""
    op = {"avg": "Average", "max": "Max"}[kind]

    def node(g: Graph, b: Binding, x: Arg, name: str) -> Sequence[str]:
        sizes, wanted = b.x.shape[-spatial:], g.out[0].shape[-spatial:]
        if all(size == 1 for size in wanted):
            return [g.node(f"Global{op}Pool", name)]
        kernel = tuple(size // number for size, number in zip(sizes, wanted, strict=True))
        return [g.node(f"{op}Pool", name, kernel_shape=kernel, strides=kernel)]

    @since_bfloat16(22)
    def even(g: Graph, b: Binding, x: Arg) -> str:
        return batched(g, x, spatial, lambda name: node(g, b, x, name))[0]

    def uneven(g: Graph, b: Binding, x: Arg) -> str:
        return (mean_bins if kind == "avg" else max_bins)(
            g, g.name(x), x.rank, b.x.shape[-spatial:], g.out[0].shape[-spatial:]
        )

    bins_of = wide(uneven) if kind == "avg" else uneven

    def form(g: Graph, b: Binding, x: Arg) -> str | tuple[str, ...]:
        sizes, wanted = b.x.shape[-spatial:], g.out[0].shape[-spatial:]
        fixed = all(isinstance(size, int) for size in (*sizes, *wanted))
        fits = all(size == 1 for size in wanted) or (
            fixed and all(size % number == 0 for size, number in zip(sizes, wanted, strict=True))
        )
        return (even if fits else bins_of)(g, b, x)

    return form


def bins(size: int, number: int) -> list[range]:
    """Equal shares of a dimension, which overlap where they are no whole numbers."""
    return [range(k * size // number, -(-(k + 1) * size // number)) for k in range(number)]


def mean_bins(g: Graph, name: str, rank: int, sizes: Shape, wanted: Shape) -> str:
    """The means of bins, dimension by dimension, as products with matrices of their shares."""
    for axis, size, number in zip(range(rank - len(sizes), rank), sizes, wanted, strict=True):
        if number == 1:
            name = reduce_node(g, "ReduceMean", name, (axis,), True)
        elif number != size:
            name = product_along(g, name, rank, axis, shares(g, size, largest(number), g.dtypes[name]))
    return name


def shares(g: Graph, size: Size, number: int, dtype: str) -> str:
    """[size, number]: how much each element counts in each bin."""
    if not isinstance(size, int):
        low, high, inside = members(g, size, number)
        return g.node("Div", g.cast(inside, dtype), g.cast(g.node("Sub", high, low), dtype))
    found = bins(size, number)
    weights = (1 / len(each) if place in each else 0.0 for place in range(size) for each in found)
    return g.constant(tuple(weights), dtype, (size, number))


def members(g: Graph, size: Size, number: int) -> tuple[str, str, str]:
    """Where bins of a symbolic size begin and end, and whether elements lie in them: [size, number]."""
    ends = g.node("Mul", g.size(size), g.constant(tuple(range(1, number + 1))))
    low = g.node("Div", g.node("Sub", ends, g.size(size)), g.constant(number))
    high = g.node("Div", g.node("Add", ends, g.constant(number - 1)), g.constant(number))
    places = g.node("Range", g.constant(0), scalar(g, size, "int64"), g.constant(1), dtype="int64")
    places = g.node("Unsqueeze", places, g.constant([1]))
    after = g.node("GreaterOrEqual", places, low, dtype="bool")
    return low, high, g.node("And", after, g.node("Less", places, high, dtype="bool"))


def product_along(g: Graph, name: str, rank: int, axis: int, matrix: str) -> str:
    """The product of one dimension with a matrix."""
    if axis == rank - 1:
        return g.node("MatMul", name, matrix)
    order = (*range(axis), *range(axis + 1, rank), axis)
    back = (*range(axis), rank - 1, *range(axis, rank - 1))
    return g.node("Transpose", g.node("MatMul", g.node("Transpose", name, perm=order), matrix), perm=back)


def max_bins(g: Graph, name: str, rank: int, sizes: Shape, wanted: Shape) -> str:
    """The greatest elements of bins, dimension by dimension."""
    for axis, size, number in zip(range(rank - len(sizes), rank), sizes, wanted, strict=True):
        if number == 1:
            name = reduce_node(g, "ReduceMax", name, (axis,), True)
        elif number != size:
            name = reduce_node(g, "ReduceMax", binned(g, name, rank, axis, size, largest(number)), (axis,), False)
    return name


def binned(g: Graph, name: str, rank: int, axis: int, size: Size, number: int) -> str:
    """The elements of bins in front of the bins; shorter ones repeat their last element, or where the size is symbolic
    all elements are there, those outside infinite."""
    if isinstance(size, int):
        found = bins(size, number)
        longest = max(map(len, found))
        places = tuple(each[min(k, len(each) - 1)] for k in range(longest) for each in found)
        return g.node("Gather", name, g.constant(places, shape=(longest, number)), axis=axis)
    inside = members(g, size, number)[2]
    if axis < rank - 1:
        inside = g.node("Unsqueeze", inside, g.constant(tuple(range(2, rank - axis + 1))))
    apart = g.node("Unsqueeze", name, g.constant([axis + 1]))
    return g.node("Where", inside, apart, g.like(-math.inf, name), dtype=g.dtypes[name])


def adaptive(spatial: int) -> None:
    """torch's adaptive poolings."""
    for kind, facts in (("avg", lambda b, f: bin_mean(b, f, spatial)), ("max", lambda b, f: hull(f.x))):
        operator(
            f"pool.adaptive_{kind}_pool{spatial}d",
            operands=[free("x", FLOATS, unbatched(spatial))],
            left_out=UNBATCHED | dict.fromkeys(("rank 3", "rank 5", "rank 6"), "documented for no such rank"),
            attributes=[targets(spatial)],
            infer=lambda b: adapted(b, spatial),
            facts=facts,
            saves="inputs",
            error=_adaptive_rules(kind, spatial),
            torch=f"torch.nn.functional.adaptive_{kind}_pool{spatial}d",
            onnx=adaptive_form(kind, spatial),
        )


for number in (1, 2, 3):
    max_pool(number, False)
    avg_pool(number)
    adaptive(number)
max_pool(2, True)
