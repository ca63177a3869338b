"""Convolutions of one to three spatial dimensions and transposed ones, batched or not, with groups."""

from __future__ import annotations

from typing import Any

from assay.ir.sizes import Shape, Size, product, smallest
from assay.ir.types import FLOATS, TensorType
from assay.ops.attributes import Classes, hidden
from assay.ops.errors import sums
from assay.ops.facts import Facts, constant, require, upto
from assay.ops.operands import exactly, free
from assay.ops.protocol import Attribute, Binding, operator
from assay.ops.shapes import window

INTEGRAL = ("int64",)
# Where a window's place is summed over, forward of transposed ones and backward, eager adds up in 16 bits.
CONVOLUTION = {"convolution": sums(narrow="transposed"), "convolution_backward": sums(narrow=True)}


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
        saves="inputs",
        error=CONVOLUTION,
        trains=lambda b: convolved_trains(b, spatial),
        onnx="Conv",
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
        onnx="ConvTranspose",
        jax="jax.lax.conv_transpose",
        tensorflow="tf.nn.conv_transpose",
    )


def _terms(b: Binding, spatial: int) -> Size:
    return product((channels(b, spatial) // b.groups, *b.kernel))


for number in (1, 2, 3):
    convolution(number)
for number in (1, 2):
    transposed_convolution(number)
