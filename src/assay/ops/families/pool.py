"""Pooling: windows over the last dimensions, fixed or adaptive."""

from __future__ import annotations

from typing import Any

from assay.ir.sizes import Shape, largest, product, smallest
from assay.ir.types import FLOATS, NUMERIC, TensorType
from assay.ops.attributes import Classes, flag, values
from assay.ops.errors import ADDED, SELECTS, sums
from assay.ops.facts import Facts, hull, require, upto
from assay.ops.operands import free
from assay.ops.protocol import Attribute, Binding, operator
from assay.ops.shapes import window

ADAPTIVE = {
    "avg": {"_adaptive_avg_pool2d": sums(), "_adaptive_avg_pool2d_backward": sums(narrow=True)},
    "max": {"adaptive_max_pool2d": SELECTS, "adaptive_max_pool2d_backward": ADDED},
}


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
        onnx="MaxPool",
        jax="jax.lax.reduce_window",
        tensorflow="tf.nn.max_pool",
    )


def avg_pool(spatial: int) -> None:
    """torch's avg_poolN d."""
    override = [values("divisor_override", None, boundary=(1,), other=(3, 4))] if spatial > 1 else []
    operator(
        f"pool.avg_pool{spatial}d",
        operands=[free("x", FLOATS if spatial < 3 else ("float32", "float64"), unbatched(spatial))],
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
        onnx="AveragePool",
        jax="jax.lax.reduce_window",
        tensorflow="tf.nn.avg_pool",
    )


def targets(spatial: int) -> Attribute:
    """Output sizes; None in a tuple keeps the input's."""
    mixed = () if spatial == 1 else ((1, 3), (None, 2), (4, 2))
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


def adaptive(spatial: int) -> None:
    """torch's adaptive poolings."""
    for kind, facts in (("avg", lambda b, f: bin_mean(b, f, spatial)), ("max", lambda b, f: hull(f.x))):
        operator(
            f"pool.adaptive_{kind}_pool{spatial}d",
            operands=[free("x", FLOATS, unbatched(spatial))],
            attributes=[targets(spatial)],
            infer=lambda b: adapted(b, spatial),
            facts=facts,
            saves="inputs",
            error=ADAPTIVE[kind],
            torch=f"torch.nn.functional.adaptive_{kind}_pool{spatial}d",
            onnx="GlobalAveragePool" if kind == "avg" else "GlobalMaxPool",
        )


for number in (1, 2, 3):
    max_pool(number, False)
    avg_pool(number)
max_pool(2, True)
for number in (1, 2):
    adaptive(number)
