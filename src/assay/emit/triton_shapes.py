"""The forms of what moves elements: views, parts, joins, choices by an index."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from assay.emit.triton_kernels import FLAT, WHOLE, Kernel, padded, sizes
from assay.emit.triton_table import FORMS, Form, form
from assay.ops.facts import require
from assay.ops.onnx_forms import Arg
from assay.ops.protocol import Binding
from assay.ops.shapes import normal_dim, normal_dims


@form("view.reshape", "view.flatten", "view.unflatten", "view.squeeze", "view.unsqueeze", "alias.ravel")
def reshaped(k: Kernel, b: Binding, x: Arg) -> str:
    """The same elements in the same order."""
    (out,) = k.out
    before, after = sizes(x.type), sizes(out)
    if k.mode == FLAT:
        return k.read(x, alone=True)
    require(all(padded(size) == size for size in (*before, *after)) and bool(before and after), "padded tiles")
    require(k.mode == WHOLE or before[0] == after[0], "other rows")
    text = k.read(x, alone=True)
    return f"tl.reshape({text}, ({', '.join(k.lanes(after))},))"


def _moved(order: Callable[[Binding, int], Sequence[int]]) -> Form:
    """A permutation of dimensions."""

    def written(k: Kernel, b: Binding, x: Arg) -> str:
        rank = len(sizes(x.type))
        dims = [each % rank for each in order(b, rank)] if rank else []
        if k.mode == FLAT:
            at = k.coordinates()
            return k.load_at(x, [at[dims.index(position)] for position in range(rank)])
        require(rank > 0 and (k.mode == WHOLE or dims[0] == 0), "other rows")
        text = k.read(x, alone=True)
        if rank == 2 and dims == [1, 0]:
            return f"tl.trans({text})"
        return f"tl.permute({text}, ({', '.join(map(str, dims))},))" if dims != list(range(rank)) else text

    return written


def _swapped(rank: int, first: int, second: int) -> list[int]:
    order = list(range(rank))
    order[first], order[second] = order[second], order[first]
    return order


FORMS |= {
    "view.permute": _moved(lambda b, rank: b.dims),
    "view.t": _moved(lambda b, rank: list(range(rank))[::-1]),
    "view.mT": _moved(lambda b, rank: _swapped(rank, -2, -1)),
    "view.transpose": _moved(lambda b, rank: _swapped(rank, b.dim0, b.dim1) if rank else []),
}


@form("view.expand")
def expand(k: Kernel, b: Binding, x: Arg) -> str:
    """Broadcast."""
    shape = sizes(k.out[0])
    if k.mode == FLAT:
        return f"tl.broadcast_to({k.read(x)}, (BLOCK,))"
    require(bool(shape), "no dimensions")
    return f"tl.broadcast_to({k.read(x)}, ({', '.join(k.lanes(shape))},))"


@form("move.flip")
def flip(k: Kernel, b: Binding, x: Arg) -> str:
    """Backwards along dimensions; of a tile only where it is not padded."""
    shape = sizes(x.type)
    dims = normal_dims(b.dims, len(shape)) if b.dims else ()
    if k.mode == FLAT:
        at = k.coordinates()
        return k.load_at(
            x, [f"({s - 1} - {a})" if d in dims else a for d, (s, a) in enumerate(zip(shape, at, strict=True))]
        )
    require(len(dims) == 1 and padded(shape[dims[0]]) == shape[dims[0]] > 1, "padded")
    require(k.mode == WHOLE or dims[0] > 0, "other rows")
    return f"tl.flip({k.read(x, alone=True)}, {dims[0]})"


@form("part.narrow")
def narrow(k: Kernel, b: Binding, x: Arg) -> str:
    """Some rows."""
    return _sliced(k, x, b.dim, b.start, 1)


@form("part.slice")
def sliced(k: Kernel, b: Binding, x: Arg) -> str:
    """Every so many rows."""
    shape = sizes(x.type)
    dim = normal_dim(b.dim, len(shape))
    start, _, step = slice(b.start, b.stop, b.step).indices(shape[dim])
    return _sliced(k, x, dim, start, step)


@form("part.select")
def select(k: Kernel, b: Binding, x: Arg) -> str:
    """One row."""
    shape = sizes(x.type)
    dim = normal_dim(b.dim, len(shape))
    require(k.mode == FLAT, "a part of a tile")
    at = k.coordinates()
    at.insert(dim, str(b.index % shape[dim]))
    return k.load_at(x, at)


def _sliced(k: Kernel, x: Arg, dim: int, start: int, step: int) -> str:
    shape = sizes(x.type)
    dim = normal_dim(dim, len(shape))
    require(k.mode == FLAT, "a part of a tile")
    at = k.coordinates()
    at[dim] = f"({at[dim]} * {step} + {start % max(shape[dim], 1)})"
    return k.load_at(x, at)


@form("join.cat", "join.stack")
def joined(k: Kernel, b: Binding, tensors: Sequence[Arg]) -> str:
    """Several after each other."""
    (out,) = k.out
    require(k.mode == FLAT, "a tile of several")
    dim = normal_dim(b.dim, len(sizes(out)))
    stack = len(sizes(tensors[0].type)) < len(sizes(out))
    at = k.coordinates()
    found, before = "", 0
    for tensor in tensors:
        size = 1 if stack else sizes(tensor.type)[dim]
        place = [a for d, a in enumerate(at) if d != dim] if stack else list(at)
        if not stack:
            place[dim] = f"({at[dim]} - {before})"
        within = f"({at[dim]} >= {before}) & ({at[dim]} < {before + size})"
        text = k.cast(k.load_at(tensor, place, within), tensor.dtype, out.dtype)
        found = f"tl.where({within}, {text}, {found})" if found else text
        before += size
    return found


@form("tri.tril", "tri.triu")
def triangle(k: Kernel, b: Binding, x: Arg) -> str:
    """A triangle of each matrix."""
    row, column = k.coordinates()[-2:]
    test = f"{column} - {row} {'<=' if 'tril' in k.operator else '>='} {b.diagonal}"
    return f"tl.where({test}, {k.read(x)}, {k.const(0, x.dtype)})"


@form("index.gather")
def gather(k: Kernel, b: Binding, x: Arg, index: Arg) -> str:
    """Elements at the positions that a tensor says."""
    rank = len(sizes(x.type))
    require(k.mode == FLAT and rank > 0, "a part of a tile")
    at = k.coordinates()
    at[normal_dim(b.dim, rank)] = k.let(k.read(index, "int64"))
    return k.load_at(x, at)


@form("index.index_select")
def index_select(k: Kernel, b: Binding, x: Arg, index: Arg) -> str:
    """Rows at the positions that a tensor says."""
    rank = len(sizes(x.type))
    require(k.mode == FLAT and rank > 0 and len(sizes(index.type)) == 1, "a part of a tile")
    at = k.coordinates()
    dim = normal_dim(b.dim, rank)
    at[dim] = k.cast(k.load_at(index, [at[dim]]), index.dtype, "int64")
    return k.load_at(x, at)


@form("index.embedding")
def embedding(k: Kernel, b: Binding, x: Arg, index: Arg) -> str:
    """Rows at the positions that a tensor says."""
    require(k.mode == FLAT, "a part of a tile")
    at = k.coordinates()
    return k.load_at(x, [k.cast(k.load_at(index, at[:-1]), index.dtype, "int64"), at[-1]])
