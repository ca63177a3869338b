"""Convolutions of one to three spatial dimensions and transposed ones, batched or not, with groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from assay.ir.sizes import Expr, Shape, Size, Sym, product, smaller, smallest
from assay.ir.types import FLOATS, INTEGER_RANGE, TensorType, is_float
from assay.ops.attributes import Classes, hidden
from assay.ops.errors import sums
from assay.ops.facts import Facts, constant, require, upto
from assay.ops.families.pad import pad_node
from assay.ops.onnx_forms import Arg, Args, Form, Graph, wide
from assay.ops.operands import exactly, free
from assay.ops.protocol import Attribute, Binding, operator
from assay.ops.shapes import window

INTEGRAL = ("int64",)
SHORT = dict.fromkeys(("uint8", "int8", "int16", "int32"), "eager takes them where a window is one element, no others")
# Where a window's place is summed over, forward of transposed ones and backward, eager adds up in 16 bits.
CONVOLUTION = {"convolution": sums(narrow="transposed"), "convolution_backward": sums(narrow=True)}


def since_bfloat16(opset: int) -> Callable[[Form], Form]:
    """Of a form whose node has bfloat16 since an opset: it is computed in float32 before."""

    def decorate(form: Form) -> Form:
        widened = wide(form)

        def chosen(g: Graph, b: Binding, *args: Args) -> str | tuple[str, ...]:
            old = g.opset < opset and g.out[0].dtype == "bfloat16"
            return (widened if old else form)(g, b, *args)

        return chosen

    return decorate


def tuples(name: str, spatial: int, default: int, boundary: tuple[int, ...], other: tuple[int, ...]) -> Attribute:
    """A number for all spatial dimensions, or one for each."""

    def classes(b: Binding) -> Classes:
        mixed = tuple(tuple(v if d == k else default for d in range(spatial)) for v in other for k in range(spatial))
        return {"default": (default,), "boundary": boundary, "other": other + (mixed if spatial > 1 else ())}

    return Attribute(name, classes, default)


def each(value: Any, spatial: int) -> tuple[int, ...]:
    """A number for each spatial dimension."""
    return (value,) * spatial if isinstance(value, int) else tuple(value)


def channels(b: Binding, spatial: int) -> Size:
    """The size of the channel dimension, which comes before the spatial ones."""
    size: Size = b.x.shape[-spatial - 1]
    return size


def group_classes(spatial: int) -> Attribute:
    """Divisors of the channels; as many groups as channels is a depthwise convolution."""

    def classes(b: Binding) -> Classes:
        size = channels(b, spatial)
        if not isinstance(size, int) or size < 2:
            return {"default": (1,)}
        divisors = [d for d in range(2, size) if size % d == 0]
        return {"default": (1,), "boundary": (size,), "other": tuple(divisors)}

    return Attribute("groups", classes, 1)


def kernels(spatial: int, transposed: bool = False) -> Attribute:
    """Extents of a kernel, equal or not, that fit into the input (of a transposed one: any)."""

    def fits(b: Binding, kernel: tuple[int, ...]) -> bool:
        return transposed or all(smallest(b.x.shape[d - spatial]) >= kernel[d] for d in range(spatial))

    def classes(b: Binding) -> Classes:
        boundary = dict.fromkeys(((1,) * spatial, (3, *(1,) * (spatial - 1)), (*(1,) * (spatial - 1), 2)))
        other = dict.fromkeys(((2,) * spatial, (3,) * spatial, (2, *(3,) * (spatial - 1))))
        return {
            "boundary": tuple(k for k in boundary if fits(b, k)),
            "other": tuple(k for k in other if k not in boundary and fits(b, k)),
        }

    return hidden("kernel", classes)


def dilations(spatial: int) -> Attribute:
    """Spread kernels that still fit into the padded input."""

    def fits(b: Binding, value: Any) -> bool:
        pads = each(0 if isinstance(b.padding, str) else b.padding, spatial)
        spans = [d * (k - 1) + 1 for d, k in zip(each(value, spatial), b.kernel, strict=True)]
        return b.padding == "same" or all(
            smallest(b.x.shape[d - spatial]) + 2 * pads[d] >= spans[d] for d in range(spatial)
        )

    def classes(b: Binding) -> Classes:
        mixed = [tuple(v if d == k else 1 for d in range(spatial)) for v in (2, 3) for k in range(spatial)]
        wanted = [2, 3, *(mixed if spatial > 1 else ())]
        return {"default": (1,), "other": tuple(value for value in wanted if fits(b, value))}

    return Attribute("dilation", classes, 1)


def trims(spatial: int) -> Attribute:
    """Padding of a transposed convolution: what it cuts from an output that keeps an element."""

    def classes(b: Binding) -> Classes:
        extents = [
            (smallest(b.x.shape[d - spatial]) - 1) * each(b.stride, spatial)[d] + b.kernel[d] for d in range(spatial)
        ]
        mixed = [tuple(v if d == k else 0 for d in range(spatial)) for v in (1, 2) for k in range(spatial)]
        wanted = [1, 2, *(mixed if spatial > 1 else ())]
        fitting = (v for v in wanted if all(2 * p < e for p, e in zip(each(v, spatial), extents, strict=True)))
        return {"default": (0,), "other": tuple(fitting)}

    return Attribute("padding", classes, 0)


def weight(b: Binding, spatial: int) -> TensorType:
    """[out, in / groups, *kernel]."""
    outs = b.outputs * b.groups
    result: TensorType = b.x.with_shape((outs, channels(b, spatial) // b.groups, *b.kernel))
    return result


def dies(dtype: str, size: Size, kernel: int, stride: int, padding: int, dilation: int) -> bool:
    """Whether in some instantiation no element of the last dimension meets any element of the kernel, of which oneDNN
    dies on bfloat16 in a channels-last layout (bugs/conv-bfloat16-only-padding)."""

    def misses(extent: int) -> bool:
        starts = range(-padding, extent + padding - dilation * (kernel - 1), stride)
        return not any(0 <= start + dilation * tap < extent for start in starts for tap in range(kernel))

    spread = dtype == "bfloat16" and stride > 1 and dilation > 1
    return spread and any(map(misses, (size,) if isinstance(size, int) else size.values))


def unmet(size: Size, kernel: int, stride: int, padding: tuple[int, int], dilation: int) -> bool:
    """Whether in some instantiation an element of the kernel meets no element of a dimension."""

    def missed(extent: int) -> bool:
        starts = range(-padding[0], extent + padding[1] - dilation * (kernel - 1), stride)
        return not all(any(0 <= start + dilation * tap < extent for start in starts) for tap in range(kernel))

    return any(map(missed, (size,) if isinstance(size, int) else size.values))


def convolved_trains(b: Binding, spatial: int) -> bool:
    """In bfloat16 torch 2.13 leaves the gradient of an element of the kernel that meets nothing but
    padding unwritten (bugs/conv-bfloat16-weight-gradient)."""
    if b.x.dtype != "bfloat16":
        return True
    strides, dilations = each(b.stride, spatial), each(b.dilation, spatial)
    spans = [d * (k - 1) for d, k in zip(dilations, b.kernel, strict=True)]
    if b.padding == "same":
        pads = [(span // 2, span - span // 2) for span in spans]
    else:
        pads = [(pad, pad) for pad in each(0 if b.padding == "valid" else b.padding, spatial)]
    sizes = b.x.shape[-spatial:]
    return not any(map(unmet, sizes, b.kernel, strides, pads, dilations))


def convolved(b: Binding, spatial: int) -> TensorType:
    """The sliding window's shape; "same" keeps the spatial sizes."""
    strides, dilations = each(b.stride, spatial), each(b.dilation, spatial)
    sizes: Shape = b.x.shape[-spatial:]
    require(all(smallest(size) > 0 for size in b.x.shape[-spatial - 1 :]), "nothing to convolve")
    if b.padding != "same":
        pads = each(0 if b.padding == "valid" else b.padding, spatial)
        last = (b.kernel[-1], strides[-1], pads[-1], dilations[-1])
        require(not dies(b.x.dtype, sizes[-1], *last), "every window lies in the padding")
        sizes = tuple(map(window, sizes, b.kernel, strides, pads, dilations))
    # oneDNN gets results of one column wrong in channels-last (bugs/conv-bfloat16-one-column).
    folded = b.x.dtype == "bfloat16" and strides[-1] > 1 and b.kernel[-1] > 1
    require(not folded or smallest(sizes[-1]) > 1, "one column of a strided kernel")
    result: TensorType = b.x.with_shape((*b.x.shape[: -spatial - 1], b.weight.shape[0], *sizes))
    return result


def paddings(b: Binding, spatial: int) -> Classes:
    """Numbers, and the words; "same" goes with stride 1 only."""
    words = ("valid", "same") if set(each(b.stride, spatial)) == {1} else ("valid",)
    mixed = tuple(tuple(v if d == k else 0 for d in range(spatial)) for v in (1, 2) for k in range(spatial))
    return {"default": (0,), "boundary": words, "other": (1, 2, *(mixed if spatial > 1 else ()))}


def convolved_facts(b: Binding, f: Any) -> Facts:
    """At most one product for every element of a filter; padding leaves some out."""
    return upto(f.x * f.weight, product(b.weight.shape[1:])) + (f.bias or constant(0))


# ONNX


def batched(g: Graph, x: Arg, spatial: int, form: Callable[[str], Sequence[str]]) -> tuple[str, ...]:
    """What a form makes of a batch; where there is none, of one with a single member."""
    if x.rank == spatial + 2:
        return tuple(form(g.name(x)))
    front = g.constant([0])
    return tuple(g.node("Squeeze", found, front) for found in form(g.node("Unsqueeze", g.name(x), front)))


def reshaped(g: Graph, name: str, shape: Shape) -> str:
    """A reshape; a size that ONNX cannot compute is left to it."""
    sizes = [size if expressible(size) else -1 for size in shape]
    empty = any(smallest(size) == 0 for size in sizes)
    require(sizes.count(-1) < 2 and not (empty and -1 in sizes), "a size that ONNX cannot compute")
    return g.node("Reshape", name, g.shape(sizes), allowzero=empty or None)


def expressible(size: Size) -> bool:
    """Whether a size is a sum, difference or product of what is known."""

    def plain(expr: Expr) -> bool:
        return not isinstance(expr, tuple) or (expr[0] != "//" and plain(expr[1]) and plain(expr[2]))

    return not isinstance(size, Sym) or plain(size.expr)


def starts(g: Graph, size: Size, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool = False) -> str:
    """Where windows start along one padded dimension, as a row; one that begins in the padding behind is none."""
    extent = size + (2 * padding - dilation * (kernel - 1) - 1)
    end = smaller(extent + stride, size + padding) if ceil_mode else extent + 1
    if isinstance(end, int):
        return g.constant(tuple(range(0, end, stride)))
    limit = g.node("Squeeze", g.size(end))
    return g.node("Range", g.constant(0), limit, g.constant(stride), dtype="int64")


def windows(
    g: Graph,
    name: str,
    sizes: Shape,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    ceil_mode: bool = False,
    fill: float = 0,
) -> str:
    """Windows over the last dimensions of a value with a batch and channels: [batch, channels, *kernel, *places]."""
    spatial = len(sizes)
    ends = [pad + (step - 1 if ceil_mode else 0) for pad, step in zip(padding, stride, strict=True)]
    if any(ends):
        value = g.like(fill, name) if fill else None
        name = pad_node(g, name, [(0, 0), (0, 0), *zip(padding, ends, strict=True)], value)
    for d in reversed(range(spatial)):
        taps = g.constant(tuple(tap * dilation[d] for tap in range(kernel[d])), shape=(kernel[d], 1))
        row = starts(g, sizes[d], kernel[d], stride[d], padding[d], dilation[d], ceil_mode)
        name = g.node("Gather", name, g.node("Add", taps, row), axis=2 + d)
    if spatial == 1:
        return name
    return g.node("Transpose", name, perm=(0, 1, *range(2, 2 * spatial + 2, 2), *range(3, 2 * spatial + 2, 2)))


def pads_of(b: Binding, spatial: int) -> list[tuple[int, int]]:
    """Before and after each spatial dimension; of an odd number for "same" torch puts the greater part behind."""
    if b.padding != "same":
        return [(pad, pad) for pad in each(0 if b.padding == "valid" else b.padding, spatial)]
    spans = [d * (k - 1) for d, k in zip(each(b.dilation, spatial), b.kernel, strict=True)]
    return [(span // 2, span - span // 2) for span in spans]


def convolution_form(spatial: int, op: str) -> Form:
    """Conv or ConvTranspose; integers, which they lack, are multiplied as windows."""

    @since_bfloat16(22)
    def form(g: Graph, b: Binding, x: Arg, weight: Arg, bias: Arg | None) -> str:
        if not is_float(b.x.dtype):
            whole = integral if op == "Conv" else integral_transposed
            return batched(g, x, spatial, lambda name: [whole(g, b, spatial, name, weight, bias)])[0]
        pads = pads_of(b, spatial)
        given = {
            "kernel_shape": tuple(b.kernel),
            "strides": each(b.stride, spatial),
            "pads": tuple(pair[end] for end in (0, 1) for pair in pads),
            "dilations": each(b.dilation, spatial),
            "group": b.groups,
        }
        if op == "ConvTranspose":
            given["output_padding"] = each(b.output_padding, spatial)
        parameters = [g.name(weight), *([] if bias is None else [g.name(bias)])]
        return batched(g, x, spatial, lambda name: [g.node(op, name, *parameters, **given)])[0]

    return form


def integral(g: Graph, b: Binding, spatial: int, name: str, weight: Arg, bias: Arg | None) -> str:
    """A convolution of integers."""
    pads = pads_of(b, spatial)
    sizes = tuple(size + sum(pair) for size, pair in zip(b.x.shape[-spatial:], pads, strict=True))
    padded = pad_node(g, name, [(0, 0), (0, 0), *pads]) if any(map(any, pads)) else name
    found = windows(g, padded, sizes, b.kernel, each(b.stride, spatial), (0,) * spatial, each(b.dilation, spatial))
    rows = reshaped(g, g.name(weight), (b.groups, b.outputs, channels(b, spatial) // b.groups * product(b.kernel)))
    return products(g, b, spatial, found, rows, bias)


def products(g: Graph, b: Binding, spatial: int, found: str, weight: str, bias: Arg | None) -> str:
    """Windows times filters, group by group: [group, filters, elements of a window]."""
    batch: Size = b.x.shape[0] if b.x.rank == spatial + 2 else 1
    # ONNX Runtime 1.31 does not broadcast to a batch of none (MatMul).
    require(smallest(batch) > 0, "an empty batch of integers")
    places: Shape = g.out[0].shape[-spatial:]
    window_size = channels(b, spatial) // b.groups * product(b.kernel)
    columns = reshaped(g, found, (batch, b.groups, window_size, product(places)))
    result = g.node("MatMul", weight, columns)
    if all(map(expressible, places)):
        result = reshaped(g, result, (batch, b.outputs * b.groups, *places))
    else:
        behind = g.node("Shape", found, start=-spatial, dtype="int64")
        shape = g.node("Concat", g.shape((batch, b.outputs * b.groups)), behind, axis=0)
        result = g.node("Reshape", result, shape)
    if bias is None:
        return result
    return g.node("Add", result, g.node("Unsqueeze", g.name(bias), g.constant(tuple(range(1, spatial + 1)))))


def integral_transposed(g: Graph, b: Binding, spatial: int, name: str, weight: Arg, bias: Arg | None) -> str:
    """A transposed convolution of integers: zeros between the elements, then a convolution with the turned kernel."""
    stride, padding, dilation, extra = (
        each(getattr(b, key), spatial) for key in ("stride", "padding", "dilation", "output_padding")
    )
    sizes: Shape = b.x.shape[-spatial:]
    batch: Shape = b.x.shape[:-spatial] if b.x.rank == spatial + 2 else (1, *b.x.shape[:-spatial])
    apart = g.node("Unsqueeze", name, g.constant(tuple(range(3, 3 + 2 * spatial, 2))))
    apart = pad_node(g, apart, [(0, 0), (0, 0), *((0, end) for step in stride for end in (0, step - 1))])
    spread = tuple(size * step for size, step in zip(sizes, stride, strict=True))
    before = [d * (k - 1) - p for d, k, p in zip(dilation, b.kernel, padding, strict=True)]
    after = [left + more - (step - 1) for left, more, step in zip(before, extra, stride, strict=True)]
    pads = list(zip(before, after, strict=True))
    padded = pad_node(g, reshaped(g, apart, (*batch, *spread)), [(0, 0), (0, 0), *pads])
    reached = tuple(size + sum(pair) for size, pair in zip(spread, pads, strict=True))
    found = windows(g, padded, reached, b.kernel, (1,) * spatial, (0,) * spatial, dilation)
    return products(g, b, spatial, found, turned(g, b, spatial, g.name(weight)), bias)


def turned(g: Graph, b: Binding, spatial: int, name: str) -> str:
    """Filters of a transposed convolution as rows: kernels from the end, inputs and outputs exchanged."""
    ends = [g.constant((value,) * spatial) for value in (-1, -INTEGER_RANGE["int64"][1])]
    axes = g.constant(tuple(range(2, spatial + 2)))
    backward = g.node("Slice", name, ends[0], ends[1], axes, g.constant((-1,) * spatial))
    inputs, window_size = channels(b, spatial) // b.groups, product(b.kernel)
    grouped = reshaped(g, backward, (b.groups, inputs, b.outputs, window_size))
    exchanged = g.node("Transpose", grouped, perm=(0, 2, 1, 3))
    return reshaped(g, exchanged, (b.groups, b.outputs, inputs * window_size))


def convolution(spatial: int) -> None:
    """torch's convN d."""
    ranks = (spatial + 1, spatial + 2)
    operator(
        f"conv.conv{spatial}d",
        operands=[
            free("x", FLOATS + INTEGRAL, ranks),
            exactly("weight", lambda b: weight(b, spatial)),
            exactly("bias", lambda b: b.x.with_shape(b.weight.shape[:1]), optional=True),
        ],
        attributes=[
            kernels(spatial),
            hidden("outputs", lambda b: {"boundary": (1,), "other": (2, 3, 4)}),
            group_classes(spatial),
            tuples("stride", spatial, 1, (), (2, 3)),
            Attribute("padding", lambda b: paddings(b, spatial), 0),
            dilations(spatial),
        ],
        infer=lambda b: convolved(b, spatial),
        facts=convolved_facts,
        torch=f"torch.nn.functional.conv{spatial}d",
        left_out=SHORT,
        saves="inputs",
        error=CONVOLUTION,
        trains=lambda b: convolved_trains(b, spatial),
        onnx=convolution_form(spatial, "Conv"),
        jax="jax.lax.conv_general_dilated",
        tensorflow="tf.nn.convolution",
    )


def transposed(b: Binding, spatial: int) -> TensorType:
    """(size - 1)·stride - 2·padding + dilation·(kernel - 1) + output_padding + 1."""
    sizes = []
    for d in range(spatial):
        stride, padding, dilation = (each(getattr(b, name), spatial)[d] for name in ("stride", "padding", "dilation"))
        extra = each(b.output_padding, spatial)[d]
        require(extra < max(stride, dilation), "the output padding reaches the stride")
        size = (b.x.shape[-spatial + d] - 1) * stride + (dilation * (b.kernel[d] - 1) + extra + 1 - 2 * padding)
        require(size >= 1, "an output of no elements")
        sizes.append(size)
    require(all(smallest(size) > 0 for size in b.x.shape[-spatial - 1 :]), "nothing to convolve")
    result: TensorType = b.x.with_shape((*b.x.shape[: -spatial - 1], b.weight.shape[1] * b.groups, *sizes))
    return result


def transposed_trains(b: Binding, spatial: int) -> bool:
    """Backward is a convolution of the result's gradient."""
    stride, padding, dilation = (each(getattr(b, name), spatial)[-1] for name in ("stride", "padding", "dilation"))
    return not dies(b.x.dtype, transposed(b, spatial).shape[-1], b.kernel[-1], stride, padding, dilation)


def transposed_convolution(spatial: int) -> None:
    """torch's conv_transposeN d: the gradient of a convolution to its input."""
    ranks = (spatial + 1, spatial + 2)
    operator(
        f"conv.conv_transpose{spatial}d",
        operands=[
            free("x", FLOATS + INTEGRAL, ranks),
            exactly("weight", lambda b: b.x.with_shape((channels(b, spatial), b.outputs, *b.kernel))),
            exactly("bias", lambda b: b.x.with_shape((b.outputs * b.groups,)), optional=True),
        ],
        attributes=[
            kernels(spatial, True),
            hidden("outputs", lambda b: {"boundary": (1,), "other": (2, 3)}),
            tuples("stride", spatial, 1, (), (2, 3)),
            trims(spatial),
            Attribute(
                "output_padding",
                lambda b: {"default": (0,), "other": (1,) if min(each(b.stride, spatial)) > 1 else ()},
                0,
            ),
            group_classes(spatial),
            tuples("dilation", spatial, 1, (), (2,)),
        ],
        infer=lambda b: transposed(b, spatial),
        facts=lambda b, f: upto(f.x * f.weight, _terms(b, spatial)) + (f.bias or constant(0)),
        torch=f"torch.nn.functional.conv_transpose{spatial}d",
        saves="inputs",
        error=CONVOLUTION,
        trains=lambda b: transposed_trains(b, spatial),
        onnx=convolution_form(spatial, "ConvTranspose"),
        jax="jax.lax.conv_transpose",
        tensorflow="tf.nn.conv_transpose",
    )


def _terms(b: Binding, spatial: int) -> Size:
    return product((channels(b, spatial) // b.groups, *b.kernel))


for number in (1, 2, 3):
    convolution(number)
    transposed_convolution(number)
