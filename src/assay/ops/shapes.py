"""Shape rules that many operators share. All work on symbolic sizes and raise Unsatisfied where shapes do not fit."""

from __future__ import annotations

from assay.ir.sizes import Shape, Size
from assay.ops.facts import require


def broadcast(*shapes: Shape) -> Shape:
    """The common shape under broadcasting; a symbolic size broadcasts only against 1 and itself."""
    rank = max(map(len, shapes))
    result: list[Size] = [1] * rank
    for shape in shapes:
        start = rank - len(shape)
        for position, size in enumerate(shape, start):
            if size == 1:
                continue
            if result[position] == 1:
                result[position] = size
            else:
                require(result[position] == size, "sizes do not broadcast")
    return tuple(result)


def broadcastable(a: Shape, b: Shape) -> bool:
    """Whether two shapes have a common one."""
    return all(x == 1 or y == 1 or x == y for x, y in zip(reversed(a), reversed(b), strict=False))


def normal_dim(dim: int, rank: int) -> int:
    """A dimension counted from the front; 0-d tensors accept 0 and -1."""
    span = max(rank, 1)
    require(-span <= dim < span, "no such dimension")
    return dim % span


def normal_dims(dims: int | tuple[int, ...] | None, rank: int) -> tuple[int, ...]:
    """Several dimensions counted from the front; None and () mean all."""
    if dims is None or dims == ():
        return tuple(range(rank))
    wanted = (dims,) if isinstance(dims, int) else dims
    result = tuple(normal_dim(dim, rank) for dim in wanted)
    require(len(set(result)) == len(result), "a dimension is named twice")
    return result if rank else ()


def reduced(shape: Shape, dims: tuple[int, ...], keepdim: bool) -> Shape:
    """The shape after reducing ``dims``."""
    if keepdim:
        return tuple(1 if position in dims else size for position, size in enumerate(shape))
    return tuple(size for position, size in enumerate(shape) if position not in dims)


def replaced(shape: Shape, position: int, size: Size) -> Shape:
    """The shape with one size changed."""
    return (*shape[:position], size, *shape[position + 1 :])


def window(size: Size, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool = False) -> Size:
    """The output size of a sliding window, as torch's pooling and convolution pages give it."""
    extent = size + (2 * padding - dilation * (kernel - 1) - 1)
    require(extent >= 0, "the window is larger than the padded input")
    if not ceil_mode:
        return extent // stride + 1
    result = (extent + (stride - 1)) // stride + 1
    # The last window must start inside the input or its left padding; per instantiation, so only the uniform answers
    # are taken.
    start = (result - 1) * stride
    if start >= size + padding:
        return result - 1
    require(start < size + padding, "the last window starts inside in some instantiations only")
    return result


def halved(size: Size) -> Size:
    """Half a size that is even in every instantiation."""
    half = size // 2
    require(half * 2 == size, "a size is odd")
    return half
